"""`dnn-cnn` scores its first network by a metric that sets whole columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import predictions, sums_labels
from bench.claims.document_errors.entry import Entry
from bench.claims.evidence import Evidence
from bench.statistics.basics import paired_difference
from bench.writing.markdown import percent, points, points_interval, table
from bench.writing.style import BLUE, GREY, ORANGE

CLASSES = 3
TRIALS = {
    "dnn-sums": "as the document trains it",
    "dnn-sums-that-learns": "trained to use all three classes",
}
_CONSTANT = 1 / 6  # squared error of the constant (1/6, 2/3, 1/6), averaged over entries


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
    """For every seed the document's metric, accuracy, share of the largest class, classes used.

    Args:
        misclassified: By seed, the wrong test rows: index to class answered.
    """
    scores: dict[str, list[float]] = {"metric": [], "accuracy": [], "largest": [], "used": []}
    for seed in sorted(misclassified):
        labels = sums_labels(seed)
        answers = predictions(misclassified[seed], labels)
        scores["metric"].append(column_metric(answers, labels))
        scores["accuracy"].append(float((answers == labels).mean()))
        scores["largest"].append(float(np.bincount(labels).max() / len(labels)))
        scores["used"].append(float(len(np.unique(answers))))
    return scores


def _show(evidence: Evidence) -> list[str]:
    rows = [
        _row(f"`{name}`, {words}", _scores(evidence.trial(name).misclassified))
        for name, words in TRIALS.items()
    ]
    rows += _baseline_rows(evidence)
    losses = [
        cell.test_curve[-1].loss or math.nan for cell in evidence.trial("dnn-sums").ran.values()
    ]
    below = 1 - fmean(losses) / _CONSTANT
    return [
        *table(
            (
                *("network", "classes answered >", "the document's metric >", "accuracy >"),
                *("largest class >", "accuracy - largest class >"),
            ),
            rows,
        ),
        "",
        "As a regression, too, the document's network says little more than a constant: its "
        f"squared error is {100 * below:.1f}% below the 1/6 that the constant answer (1/6, 2/3, "
        "1/6) has.",
    ]


def _baseline_rows(evidence: Evidence) -> list[list[str]]:
    """The baselines in the columns of the networks."""
    drawn = [found for found in evidence.probe("baselines") if found["of"] == "dnn-sums"]
    rows = []
    for name in NAMES:
        scores = _scores({found["drawn"]: dict(found[name]["misclassified"]) for found in drawn})
        rows.append(_row(f"*{name}* (baseline)", scores))
    return rows


def _row(label: str, scores: Mapping[str, list[float]]) -> list[str]:
    ahead = paired_difference(scores["accuracy"], scores["largest"])
    used = sorted({int(count) for count in scores["used"]})
    return [
        label,
        " or ".join(map(str, used)),
        percent(fmean(scores["metric"])),
        percent(fmean(scores["accuracy"])),
        percent(fmean(scores["largest"])),
        f"{points(ahead.mean)} {points_interval(ahead) if ahead.std else ''}",
    ]


def _draw(evidence: Evidence) -> Figure:
    figure = Figure(figsize=(8, 3.2))
    axes = figure.subplots()
    bars = (
        ("metric", "the document's metric", ORANGE),
        ("accuracy", "accuracy", BLUE),
        ("largest", "share of the largest class", GREY),
    )
    for place, name in enumerate(TRIALS):
        scores = _scores(evidence.trial(name).misclassified)
        for shift, (score, label, colour) in enumerate(bars):
            mean = fmean(scores[score])
            where = place + 0.27 * (shift - 1)
            axes.bar(where, mean, 0.25, color=colour, label=label if place == 0 else None)
            axes.text(where, mean + 0.015, f"{100 * mean:.1f}%", ha="center", fontsize=9)
    axes.set_xticks(range(len(TRIALS)), [f"{name}\n{words}" for name, words in TRIALS.items()])
    axes.set_ylim(0, 1.12)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(visible=False, axis="x")
    axes.legend(frameon=False, loc="upper left")
    return figure


ENTRY = Entry(
    name="sums-metric",
    title="A metric that rewards answering one class",
    claims=("dnn-cnn/sums-accuracy",),
    explanation=(
        "`dnn-cnn` turns scores into answers with `Pred[:, argmax(Pred, axis=1)] = 1`. That index "
        "does not set one entry in each row: it sets whole columns. If all rows are given the same "
        "class the result happens to be right; if two classes or all three are given, every row "
        "has two ones or three, equals no one-hot row, and the score is 0%.",
        "The document's network answers `1 < s < 2` for every row. That class holds two thirds of "
        "all rows (the sum of three uniform numbers lies below 1 with probability 1/6, above 2 "
        "with 1/6), and 67.17%, 2,015 of 3,000, is its share of the document's test rows: a "
        "binomial draw with p = 2/3 gives between 1,949 and 2,050 of 3,000 in 95% of cases.",
        "*Instead:* compare `argmax` with the class, and put the share of the largest class beside "
        "every accuracy.",
    ),
    trials=tuple(TRIALS),
    probes=("baselines",),
    show=_show,
    draw=_draw,
    caption="Mean score of both networks by the document's metric and by plain accuracy, beside "
    "the share of the largest class.",
)
