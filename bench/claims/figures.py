"""What figures on claims have in common, and the figure of one run's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bench.claims.judge import Decision
from bench.results.runs import Runs
from bench.writing.style import BLUE, GREY, RED


def draw_one_run(decisions: Sequence[Decision]) -> Figure | None:
    """Every seed of the stochastic claims, where one more run would lie, and the document's run."""
    decided = [decision for decision in decisions if decision.interval is not None]
    if not decided:
        return None
    figure = Figure(figsize=(8, 1.25 * len(decided)))
    axes_of = np.atleast_1d(figure.subplots(len(decided), 1))
    for axes, decision in zip(axes_of, decided, strict=True):
        assert decision.interval is not None
        low, high = decision.interval.low, decision.interval.high
        axes.axvspan(low, high, color=GREY, alpha=0.18, label="95% of further runs")
        axes.plot(
            decision.values, [0] * len(decision.values), "o", color=BLUE, alpha=0.45, label="a seed"
        )
        axes.plot(decision.claim.expected, 0, "D", color=RED, label="the document")
        axes.set_yticks([])
        axes.set_ylim(-1, 1)
        axes.set_title(decision.claim.id, fontsize=9, loc="left")
        if decision.claim.unit == "accuracy":
            axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=1))
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    handles, labels = axes_of[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=3, loc="upper right")
    return figure


def panels(titles: Sequence[str], *, one_scale: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each title, side by side, of test accuracy over epochs.

    Args:
        titles: Of the panels.
        one_scale: Whether all have the same accuracies at the same height.
    """
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = list(figure.subplots(1, len(titles), sharey=one_scale))
    for panel, title in zip(axes, titles, strict=True):
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("epochs")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes[0].set_ylabel("test accuracy")
    return figure, axes


def curves(runs: Runs) -> Iterator[tuple[list[float], list[float]]]:
    """For each seed the epochs after which it was tested, and its accuracies in 0..1."""
    for cell in runs.ran.values():
        tested = [point for point in cell.test_curve if point.epoch > 0]
        yield [point.epoch for point in tested], [point.accuracy for point in tested]


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
