"""The filters of first layers as pictures: a row for each network, and one for its beginning."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.records.filters import Filters, Weights
from bench.report.filters import same_start, starts, typical_growth
from bench.results.runs import Results
from bench.writing.marks import marks
from bench.writing.style import GREY, INK

# Pixels cannot change their colour with the page, so these are seen on a light and on a dark one:
# 3 to 1 or more with both. They are Okabe and Ito's vermillion, and their blue made lighter.
POSITIVE, NEGATIVE, NOTHING = (213, 94, 0), (32, 132, 200), (128, 128, 128)
FAINTEST = 0.12  # opacity of a weight of 0, so that the edges of a filter are seen
STRONGEST = 0.99  # of a row's weights: the others have the strongest colour
SHADES = 5  # of each colour, for a small file
_PIXELS = 40  # of a filter, at least
_GAP = 0.2  # between two filters, of a filter's width
_ROW, _NAMES = 1.3, 7.2  # in widths of a filter
_ACROSS = 16


def filters(results: Results) -> Figure | None:
    """What each network's first layer ended as, below what it began as."""
    groups = starts(results.filters)
    if not groups:
        return None
    styles = marks([one.model for one in results.filters])
    rows = len(results.filters) + len(groups)
    wide = _NAMES + _ACROSS * (1 + _GAP)
    figure = Figure(figsize=(8.2, 8.2 * (_ROW * rows + 1.6) / wide))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-_NAMES, wide - _NAMES)
    axes.set_ylim(_ROW * rows, -1.6)
    axes.text(-_NAMES, -1.0, _said(results), fontsize=10.5, fontweight="bold", va="center")
    top = 0.0
    for group in groups:
        first = group[0]
        _row(axes, top, first.before, first, "before training", INK)
        for one in group:
            top += _ROW
            changed = f"{typical_growth(one):.2g} times as large"
            _row(axes, top, one.after, one, one.model, styles[one.model][0], changed)
        top += _ROW
    return figure


def _row(
    axes: Axes, top: float, weights: Weights, one: Filters, name: str, colour: str, below: str = ""
) -> None:
    """The filters of a network side by side, and its name before them."""
    middle = top + (0.32 if below else 0.5)
    axes.text(-_NAMES, middle, name, fontsize=8, color=colour, va="center", parse_math=False)
    axes.text(-_NAMES, top + 0.78, below, fontsize=7, color=GREY, va="center")
    picture = side_by_side(weights, one)
    across = one.shown + _GAP * (one.shown - 1)
    axes.imshow(
        picture, extent=(0, across, top + 1, top), interpolation="none", aspect="auto", zorder=2
    )


def side_by_side(weights: Weights, one: Filters) -> NDArray[np.uint8]:
    """The filters as one picture, (height, width, 4), with nothing between them."""
    steps = np.frombuffer(weights.steps, dtype=np.int8).astype(np.float64)
    full = np.quantile(np.abs(steps), STRONGEST) or 1.0
    shares = np.rint(SHADES * np.clip(steps / full, -1, 1)) / SHADES
    shares = shares.reshape(one.shown, one.height, one.width, 1)
    strength = np.abs(shares)
    hue = np.where(shares > 0, POSITIVE, NEGATIVE)
    colour = hue * strength + np.array(NOTHING) * (1 - strength)
    opacity = 255 * (FAINTEST + (1 - FAINTEST) * strength)
    pixels = np.concatenate([colour, opacity], axis=-1).round().astype(np.uint8)
    gap = np.zeros((one.height, round(_GAP * one.width), 4), dtype=np.uint8)
    parts = [part for filter_ in pixels for part in (filter_, gap)]
    squares = max(1, _PIXELS // one.width)  # so that no viewer blurs their edges
    return np.concatenate(parts[:-1], axis=1).repeat(squares, axis=0).repeat(squares, axis=1)


def _said(results: Results) -> str:
    """How much the weights grow: by activation where the same ones grew, else of all networks."""
    same = same_start(results.filters)
    if same is not None and same.is_apart:
        return (
            f"Same start, but with {' or '.join(same.most.activations)} the weights end "
            f"{same.most.typical:.2g} times as large, with {' or '.join(same.others.activations)} "
            f"{same.others.typical:.2g} times"
        )
    grown = sorted(map(typical_growth, results.filters))
    times = " to ".join(dict.fromkeys(f"{end:.2g}" for end in (grown[0], grown[-1])))
    return f"After training, the weights of first layers are {times} times as large"
