"""The figure: validation error over seconds of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.time_to_accuracy.crossings import Points
from bench.writing.marks import marks
from bench.writing.style import GREY

_SECONDS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200)
_ERRORS = (0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 0.9)


def draw(runs: Mapping[str, Sequence[Points]], targets: Sequence[float]) -> Figure | None:
    """Median over seeds at each point of training, a line for each network.

    Args:
        runs: By network, the points of each seed. A line ends where the first seed does.
        targets: Fractions right; a dashed line each.
    """
    shown = {model: seeds for model, seeds in runs.items() if all(seeds)}
    if not shown:
        return None
    figure = Figure(figsize=(9, 4.6))
    axes = figure.subplots()
    lines = {}
    for model, (colour, marker) in marks(list(shown)).items():
        seeds = shown[model]
        points = range(min(map(len, seeds)))
        seconds = [np.median([run[i].steady_seconds for run in seeds]) for i in points]
        errors = [1 - np.median([run[i].validation_accuracy for run in seeds]) for i in points]
        (line,) = axes.plot(seconds, errors, marker + "-", color=colour, markersize=3, linewidth=1)
        lines[model] = (errors[-1], line)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis, ticks, words in (
        (axes.xaxis, _SECONDS, lambda x, _: f"{x:g}"),
        (axes.yaxis, _ERRORS, lambda y, _: f"{100 * y:g}%"),
    ):
        low, high = axis.get_view_interval()
        axis.set_ticks([tick for tick in ticks if low <= tick <= high])
        axis.set_major_formatter(FuncFormatter(words))
        axis.set_minor_formatter(NullFormatter())
    for target in targets:
        axes.axhline(1 - target, color=GREY, linestyle="--", linewidth=0.8, zorder=0)
    axes.set_xlabel("seconds of training steps (steady clock)")
    axes.set_ylabel("validation error")
    highest_first = sorted(lines, key=lambda model: -lines[model][0])
    figure.legend(
        [lines[model][1] for model in highest_first],
        highest_first,
        frameon=False,
        loc="center left",
        bbox_to_anchor=(0.91, 0.5),
        fontsize=9,
    )
    return figure
