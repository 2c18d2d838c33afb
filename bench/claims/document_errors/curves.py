"""Figures of test accuracy over epochs, one line a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bench.results.runs import Runs


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
