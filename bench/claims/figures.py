"""What figures on claims have in common, and the figure of one run's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from bench.claims.judge import Decision
from bench.results.runs import Runs
from bench.writing.style import BLUE, GREY, RED

WIDTH = 8.0  # inches, of all figures
HALF = 0.22  # of the strip that a row's dots are spread over


def draw_one_run(decisions: Sequence[Decision]) -> Figure | None:
    """Every seed of the stochastic claims, where one more run would lie, and the document's run."""
    decided = [decision for decision in decisions if decision.interval is not None]
    if not decided:
        return None
    figure = Figure(figsize=(WIDTH, 0.4 + 1.15 * len(decided)), layout="constrained")
    axes_of = np.atleast_1d(figure.subplots(len(decided), 1))
    for axes, decision in zip(axes_of, decided, strict=True):
        assert decision.interval is not None
        low, high = decision.interval.low, decision.interval.high
        axes.axvspan(low, high, color=GREY, alpha=0.18, label="95% of further runs")
        dots(axes, 0, decision.values, BLUE, label="a run of ours")
        axes.plot(decision.claim.expected, 0, "D", color=RED, label="the tutorial's run")
        axes.set_yticks([])
        axes.set_ylim(-1, 1)
        axes.set_title(f"{decision.claim.model}: the tutorial's number is one draw of these")
        axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=1))
    axes_of[-1].set_xlabel("test accuracy")
    figure.legend(*axes_of[0].get_legend_handles_labels(), ncols=3, loc="outside upper right")
    return figure


def panels(titles: Sequence[str], *, one_scale: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each title, side by side, of test accuracy over epochs.

    Args:
        titles: Of the panels.
        one_scale: Whether all have the same accuracies at the same height.
    """
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = list(figure.subplots(1, len(titles), sharey=one_scale))
    for panel, title in zip(axes, titles, strict=True):
        panel.set_title(title)
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


def dots(axes: Axes, place: float, values: Sequence[float], colour: str, label: str = "") -> None:
    """A dot for each value in a row, spread over its height so that equal ones do not hide."""
    heights = place + np.linspace(-HALF, HALF, len(values)) if len(values) > 1 else [place]
    axes.plot(
        values,
        heights,
        "o",
        color=colour,
        alpha=0.55,
        markeredgewidth=0,
        label=label or None,
    )


def rows(title: str, labels: Sequence[str], xlabel: str) -> tuple[Figure, Axes]:
    """A figure of one row for each label, the first on top; row i is at height -i."""
    figure = Figure(figsize=(WIDTH, 1.0 + 0.5 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_yticks([-i for i in range(len(labels))], list(labels))
    axes.set_ylim(-len(labels) + 0.4, 0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(xlabel)
    return figure, axes


def draw_by_seed(
    title: str,
    by_label: Sequence[tuple[str, Sequence[float]]],
    xlabel: str,
    *,
    log: bool = False,
) -> Figure:
    """A row for each label with one dot a seed, and a bar at the mean."""
    figure, axes = rows(title, [label for label, _ in by_label], xlabel)
    for place, (_, values) in enumerate(by_label):
        dots(axes, -place, values, BLUE)
        axes.plot(float(np.mean(values)), -place, "|", color=RED, markersize=22, markeredgewidth=2)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(plain))
        axes.xaxis.set_minor_formatter(FuncFormatter(few))
    return figure


def plain(value: float, _place: object = None) -> str:
    """A tick of a logarithmic axis without powers of ten."""
    return f"{value:g}"


def few(value: float, _place: object = None) -> str:
    """A minor tick of a logarithmic axis: 2 and 5 of each power of ten alone."""
    return f"{value:g}" if f"{value:.0e}"[0] in "25" else ""
