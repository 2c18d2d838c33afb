"""`dnn-cnn` scores its first network by a metric that sets whole columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import majority_share, predictions, sums_labels
from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.statistics.basics import Summary, paired_difference
from bench.writing.style import BLUE, GREY, ORANGE

CLASSES = 3
_LABELS = {
    "dnn-sums": "as the document trains it",
    "dnn-sums-that-learns": "trained to use all three classes",
}
_CONSTANT = 1 / 6  # squared error of the constant (1/6, 2/3, 1/6), averaged over entries


@dataclass(frozen=True, kw_only=True)
class SumsRow:
    """How a network, or a reference predictor, scores on the table of sums.

    Attributes:
        name: The network or predictor.
        label: How a network is trained; empty for a predictor.
        answered: How many classes it answers, over all seeds.
        metric: Its mean score by the document's metric.
        accuracy: Its mean accuracy.
        majority: Mean share of the most frequent class.
        ahead: Accuracy minus that share, paired by seed.
    """

    name: str
    label: str
    answered: tuple[int, ...]
    metric: float
    accuracy: float
    majority: float
    ahead: Summary


@dataclass(frozen=True, kw_only=True)
class SumsView:
    """Scores on the table of sums.

    Attributes:
        rows: Networks, then reference predictors.
        below_constant: How far the squared error of the document's network is below that of a
            constant answer, as a fraction of it.
    """

    rows: tuple[SumsRow, ...]
    below_constant: float


def column_metric(answers: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """The document's test accuracy: `Pred[:, argmax(Pred, axis=1)] = 1`, then rows compared.

    The index sets whole columns: every row gets a 1 for every class that any row is given.

    Args:
        answers: Class answered for each row, (n,).
        labels: Class of each row, (n,).
    """
    marked = np.zeros((len(labels), CLASSES))
    marked[:, answers] = 1
    return float((marked == np.eye(CLASSES)[labels]).all(axis=1).mean())


def sums_view(evidence: Evidence) -> SumsView:
    """How the document's metric and plain accuracy score the same answers."""
    losses = [
        cell.test_curve[-1].loss or math.nan for cell in evidence.trial("dnn-sums").ran.values()
    ]
    return SumsView(rows=tuple(_rows(evidence)), below_constant=1 - fmean(losses) / _CONSTANT)


def _rows(evidence: Evidence) -> Iterator[SumsRow]:
    yield from _networks(evidence)
    drawn = [found for found in evidence.probe("baselines") if found["of"] == "dnn-sums"]
    for name in NAMES:
        yield _row(name, {found["drawn"]: dict(found[name]["misclassified"]) for found in drawn})


def _networks(evidence: Evidence) -> Iterator[SumsRow]:
    for name, label in _LABELS.items():
        yield _row(name, evidence.trial(name).misclassified, label)


def _row(name: str, misclassified: Mapping[int, Mapping[int, int]], label: str = "") -> SumsRow:
    """The scores of answers, given by the wrong test rows of every seed."""
    labels = {seed: sums_labels(seed) for seed in sorted(misclassified)}
    answers = {seed: predictions(misclassified[seed], labels[seed]) for seed in labels}
    accuracy = [float((answers[seed] == labels[seed]).mean()) for seed in labels]
    majority = [majority_share(of_seed) for of_seed in labels.values()]
    return SumsRow(
        name=name,
        label=label,
        answered=tuple(sorted({len(np.unique(of_seed)) for of_seed in answers.values()})),
        metric=fmean(column_metric(answers[seed], labels[seed]) for seed in labels),
        accuracy=fmean(accuracy),
        majority=fmean(majority),
        ahead=paired_difference(accuracy, majority),
    )


def _draw(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(8, 3.2))
    axes = figure.subplots()
    for place, row in enumerate(_networks(evidence)):
        bars = (
            (row.metric, "the document's metric", ORANGE),
            (row.accuracy, "accuracy", BLUE),
            (row.majority, "share of the majority class", GREY),
        )
        for shift, (mean, label, colour) in enumerate(bars):
            where = place + 0.27 * (shift - 1)
            axes.bar(where, mean, 0.25, color=colour, label=label if place == 0 else None)
            axes.text(where, mean + 0.015, f"{100 * mean:.1f}%", ha="center", fontsize=9)
    axes.set_xticks(range(len(_LABELS)), [f"{name}\n{label}" for name, label in _LABELS.items()])
    axes.set_ylim(0, 1.12)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(visible=False, axis="x")
    axes.legend(frameon=False, loc="upper left")
    return figure


ERROR = DocumentError(
    name="sums-metric",
    claims=("dnn-cnn/sums-accuracy",),
    trials=tuple(_LABELS),
    probes=("baselines",),
    view=sums_view,
    draw=_draw,
    caption="Mean score of both networks by the document's metric and by plain accuracy, beside "
    "the share of the majority class.",
)
