"""The figure of ratios: how many times as much of everything one network has as another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.records.place import own_folder
from bench.writing.markdown import factor
from bench.writing.style import BLUE, GREY, save

NAME, TITLE = "ratios", "How many times as much the BP network has and takes as the CNN"


def write_bars(ratios: Mapping[str, float], folder: Path) -> str:
    """Draws ratios as bars on a logarithmic scale.

    Args:
        ratios: By quantity, positive; drawn from top to bottom.
        folder: Where the figure goes.

    Returns:
        The sentence that describes the figure.
    """
    own_folder(folder)
    save(partial(_draw, ratios), folder / f"{NAME}.svg", TITLE)
    return TITLE


def _draw(ratios: Mapping[str, float]) -> Figure:
    figure = Figure(figsize=(8, 1.0 + 0.42 * len(ratios)))
    axes = figure.subplots()
    for row, ratio in enumerate(ratios.values()):
        axes.barh(row, ratio - 1, left=1, color=BLUE, height=0.6)  # from "as much as the CNN"
        beside = max(ratio, 1)
        axes.annotate(
            factor(ratio), (beside, row), xytext=(4, 0), textcoords="offset points", va="center"
        )
    axes.axvline(1, color=GREY, linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, *ratios.values()), 3 * max(1, *ratios.values()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(ratios)), list(ratios))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("BP over CNN, logarithmic; 1: as much as the CNN")
    return figure
