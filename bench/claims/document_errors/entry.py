"""What an entry on a document's error is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import correct
from bench.claims.evidence import Evidence
from bench.results.runs import Runs
from bench.statistics.accuracy import compare_paired, pair
from bench.writing.markdown import comparison_table, interval, mean_accuracy, percent, spread, table
from bench.writing.style import BLUE, GREY


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A place where a document errs, and what the error costs.

    Attributes:
        name: Of its figure.
        title: What goes wrong.
        claims: Ids of the claims that it bears on.
        explanation: Paragraphs: what the document does, why that is wrong, what to do instead.
        trials: What has to be trained to show the cost.
        probes: What has to be measured.
        show: The cost as lines of markdown: tables and the sentences that read them.
        draw: The cost as a figure.
        caption: What the figure shows.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    explanation: tuple[str, ...]
    trials: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    show: Callable[[Evidence], list[str]]
    draw: Callable[[Evidence], Figure]
    caption: str


def accuracies_table(
    labelled: Sequence[tuple[str, Runs]], evidence: Evidence, *, samples_of: str
) -> list[str]:
    """Test accuracy of several trials, a row each, and of the baselines on the same samples.

    Args:
        labelled: The trials with what to call them.
        evidence: Holds the baselines.
        samples_of: The trial whose samples the baselines were fitted and tested on.
    """
    rows = [
        [
            label,
            str(len(runs.accuracy)),
            mean_accuracy(runs),
            interval(runs.summary),
            spread(runs.summary),
        ]
        for label, runs in labelled
    ]
    rows += [
        [f"*{name}* (baseline)", "", percent(accuracy), "", ""]
        for name, accuracy in baseline_accuracies(evidence, samples_of).items()
    ]
    return table(
        ("network", "seeds >", "test accuracy >", "95% interval >", "lowest to highest >"), rows
    )


def baseline_accuracies(evidence: Evidence, samples_of: str) -> dict[str, float]:
    """By baseline its mean accuracy on the samples of a trial."""
    outcomes = [found for found in evidence.probe("baselines") if found["of"] == samples_of]
    return {name: fmean(found[name]["accuracy"] for found in outcomes) for name in NAMES}


def baseline_line(evidence: Evidence, samples_of: str) -> str:
    """The baselines on the samples of a trial, in one sentence."""
    found = baseline_accuracies(evidence, samples_of)
    words = ", ".join(f"{name} {percent(accuracy)}" for name, accuracy in found.items())
    return f"Baselines on the same samples: {words}."


def contrasts_table(pairs: Sequence[tuple[str, Runs, Runs]]) -> list[str]:
    """A family of paired differences, the first of each pair minus the second, with verdicts."""
    compared = compare_paired(
        [
            pair(name, correct(ours), correct(theirs), same_samples=ours.same_samples)
            for name, ours, theirs in pairs
        ]
    )
    return comparison_table([(found.name, found) for found in compared], "difference")


def draw_by_seed(rows: Sequence[tuple[str, Sequence[float]]], xlabel: str) -> Figure:
    """A row for each label with one dot a seed, seeds joined, and the mean; fractions in 0..1."""
    figure = Figure(figsize=(8, 1.1 + 0.45 * len(rows)))
    axes = figure.subplots()
    places = list(range(len(rows)))[::-1]
    for seed in zip(*(values for _, values in rows), strict=True):
        axes.plot(seed, places, color=GREY, alpha=0.35, linewidth=0.8)
    for place, (_, values) in zip(places, rows, strict=True):
        axes.plot(values, [place] * len(values), "o", color=BLUE, alpha=0.4, markeredgewidth=0)
        axes.plot(float(np.mean(values)), place, "D", color=BLUE)
    axes.set_yticks(places, [label for label, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.set_xlabel(xlabel)
    return figure
