"""The layers of every network as blocks, one row for networks of the same sizes."""

from __future__ import annotations

from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from bench.report.layers import Block, rows_of
from bench.results.runs import Results
from bench.writing.style import BLUE, GREEN, GREY, INK, PURPLE

_COLOURS = {"input": GREY, "convolution": BLUE, "pooling": GREEN, "linear": PURPLE}
_WIDTH, _GAP = 1.0, 0.28


def networks(results: Results) -> Figure | None:
    """A row of blocks for each kind of network, its names above it."""
    rows = rows_of(results.request.ran)
    if not rows:
        return None
    longest = max(len(row.blocks) for row in rows)
    figure = Figure(figsize=(8.2, 0.72 * len(rows)))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.1, longest * (_WIDTH + _GAP))
    axes.set_ylim(-1.15 * (len(rows) - 1) - 0.35, 0.9)
    for place, row in enumerate(rows):
        y = -1.15 * place
        names = fill(", ".join(row.models), 100)
        axes.text(0, y + 0.45, names, fontsize=8, fontweight="bold", va="bottom", parse_math=False)
        for column, block in enumerate(row.blocks):
            _draw(axes, column * (_WIDTH + _GAP), y, block)
    return figure


def _draw(axes: Axes, x: float, y: float, block: Block) -> None:
    colour = _COLOURS[block.kind]
    axes.add_patch(
        FancyBboxPatch(
            (x, y - 0.3),
            _WIDTH,
            0.66,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=(colour, 0.14),
            edgecolor=colour,
        )
    )
    axes.text(x + _WIDTH / 2, y + 0.13, block.name, ha="center", va="center", fontsize=8)
    axes.text(
        x + _WIDTH / 2, y - 0.14, block.shape, ha="center", va="center", fontsize=7, color=INK
    )
    if block.kind != "input":
        axes.annotate(
            "",
            (x, y + 0.03),
            (x - _GAP, y + 0.03),
            arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.8},
        )
