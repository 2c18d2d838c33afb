"""`dnn-cnn` scores its first network by a metric that sets whole columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import majority_share, predictions, sums_labels
from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.claims.figures import WIDTH
from bench.statistics.basics import Summary, paired_difference
from bench.writing.style import BLUE

CLASSES = 3
_CLASS_NAMES = ("below 1", "1 to 2", "above 2")
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
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes_of = figure.subplots(1, len(_LABELS))
    titles = ("Trained as documented: one answer to all", "Trained to use all three classes")
    for axes, title, name in zip(axes_of, titles, _LABELS, strict=True):
        shares = _confusion(evidence.trial(name).misclassified)
        for truth, answer in np.ndindex(shares.shape):
            share = shares[truth, answer]
            axes.add_patch(
                Rectangle((answer - 0.5, truth - 0.5), 1, 1, color=BLUE, alpha=0.6 * share, lw=0)
            )
            axes.text(answer, truth, f"{100 * share:.1f}%", ha="center", va="center")
        axes.set_xlim(-0.5, CLASSES - 0.5)
        axes.set_ylim(CLASSES - 0.5, -0.5)
        axes.set_xticks(range(CLASSES), _CLASS_NAMES)
        axes.set_yticks(range(CLASSES), _CLASS_NAMES)
        axes.set_title(title)
        axes.set_xlabel("answer")
        axes.grid(visible=False)
    axes_of[0].set_ylabel("sum of the row")
    return figure


def _confusion(misclassified: Mapping[int, Mapping[int, int]]) -> NDArray[np.float64]:
    """Shares of each class's rows by answer, over all seeds, (classes, answers)."""
    counts = np.zeros((CLASSES, CLASSES))
    for seed, wrong in misclassified.items():
        labels = sums_labels(seed)
        np.add.at(counts, (labels, predictions(wrong, labels)), 1)
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


ERROR = DocumentError(
    name="sums-metric",
    claims=("dnn-cnn/sums-accuracy",),
    trials=tuple(_LABELS),
    probes=("baselines",),
    view=sums_view,
    draw=_draw,
    caption="Which answers the rows of each class are given, over all runs: the documented network "
    "gives one answer to all.",
)
