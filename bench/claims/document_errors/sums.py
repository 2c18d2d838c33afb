"""`dnn-cnn` scores its first network by a metric that sets whole columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import predictions, sums_labels
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
        is_reference: Whether it is a reference predictor.
        answered: How many classes it answers, over all seeds.
        metric: Its mean score by the document's metric.
        accuracy: Its mean accuracy.
        majority: Mean share of the most frequent class.
        ahead: Accuracy minus that share, paired by seed.
    """

    name: str
    label: str = ""
    is_reference: bool = False
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


def _scores(misclassified: Mapping[int, Mapping[int, int]]) -> dict[str, list[float]]:
    """For every seed the document's metric, accuracy, share of the majority class, classes used.

    Args:
        misclassified: By seed, the wrong test rows: index to class answered.
    """
    scores: dict[str, list[float]] = {"metric": [], "accuracy": [], "majority": [], "used": []}
    for seed in sorted(misclassified):
        labels = sums_labels(seed)
        answers = predictions(misclassified[seed], labels)
        scores["metric"].append(column_metric(answers, labels))
        scores["accuracy"].append(float((answers == labels).mean()))
        scores["majority"].append(float(np.bincount(labels).max() / len(labels)))
        scores["used"].append(float(len(np.unique(answers))))
    return scores


def sums_view(evidence: Evidence) -> SumsView:
    """How the document's metric and plain accuracy score the same answers."""
    losses = [
        cell.test_curve[-1].loss or math.nan for cell in evidence.trial("dnn-sums").ran.values()
    ]
    return SumsView(rows=tuple(_rows(evidence)), below_constant=1 - fmean(losses) / _CONSTANT)


def _rows(evidence: Evidence) -> Iterator[SumsRow]:
    for name, label in _LABELS.items():
        yield _row(name, _scores(evidence.trial(name).misclassified), label=label)
    drawn = [found for found in evidence.probe("baselines") if found["of"] == "dnn-sums"]
    for name in NAMES:
        wrong = {found["drawn"]: dict(found[name]["misclassified"]) for found in drawn}
        yield _row(name, _scores(wrong), is_reference=True)


def _row(name: str, scores: Mapping[str, list[float]], **what: Any) -> SumsRow:
    return SumsRow(
        name=name,
        answered=tuple(sorted({int(count) for count in scores["used"]})),
        metric=fmean(scores["metric"]),
        accuracy=fmean(scores["accuracy"]),
        majority=fmean(scores["majority"]),
        ahead=paired_difference(scores["accuracy"], scores["majority"]),
        **what,
    )


def _draw(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(8, 3.2))
    axes = figure.subplots()
    bars = (
        ("metric", "the document's metric", ORANGE),
        ("accuracy", "accuracy", BLUE),
        ("majority", "share of the majority class", GREY),
    )
    for place, name in enumerate(_LABELS):
        scores = _scores(evidence.trial(name).misclassified)
        for shift, (score, label, colour) in enumerate(bars):
            mean = fmean(scores[score])
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
