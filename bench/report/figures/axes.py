"""What figures have in common: axes of errors, and names beside a panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from scipy.optimize import isotonic_regression

from bench.cells.reference import MAJORITY_CLASS
from bench.results.runs import ReferencePredictor
from bench.writing.marks import Mark
from bench.writing.style import GREY

_ERRORS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)
_FINE_ERRORS = (0.003, 0.004, 0.007, 0.015, 0.03, 0.04, 0.07, 0.15, 0.3, 0.4, 0.7)
_SECONDS = tuple(digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5))
_LINE_INCHES = 0.19  # from one name to the next beside a panel


def error_axis(axes: Axes) -> None:
    """Test error in percent upwards, logarithmic; to be called when all is drawn."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    places = _ERRORS if high > 10 * low else (*_ERRORS, *_FINE_ERRORS)
    _ticks(axes.yaxis, places, lambda error: f"{100 * error:g}%")


def seconds_axis(axes: Axes) -> None:
    """Seconds to the right, logarithmic; to be called when all is drawn."""
    axes.set_xscale("log")
    _ticks(axes.xaxis, _SECONDS, lambda seconds: f"{seconds:g}")


def _ticks(axis: Axis, places: Sequence[float], words: Callable[[float], str]) -> None:
    low, high = axis.get_view_interval()
    axis.set_ticks([place for place in places if low <= place <= high])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))


def error_of(accuracy: float, samples: int) -> float:
    """1 - accuracy, for a logarithmic axis: no error at all is drawn as half of one."""
    return max(1 - accuracy, 0.5 / samples)


def draw_references(axes: Axes, references: Sequence[ReferencePredictor]) -> None:
    """A labelled line at the error of each fitted reference predictor in sight."""
    low, high = axes.get_ylim()
    for item in references:
        if item.name != MAJORITY_CLASS and low <= 1 - item.mean <= high:
            axes.axhline(1 - item.mean, color=GREY, linewidth=1, linestyle="--", zorder=0)
            axes.annotate(
                item.name,
                (0, 1 - item.mean),
                xycoords=("axes fraction", "data"),
                xytext=(3, 2),
                textcoords="offset points",
                color=GREY,
                fontsize=8,
            )


def name_lines(
    axes: Axes, ends: Mapping[str, tuple[float, float]], marks: Mapping[str, Mark]
) -> None:
    """Names the ends of lines at the right edge, each as near its own height as others let it.

    The nearest heights, in the sense of least squares, that keep the names in order and apart: an
    isotonic regression. To be called when the limits of the axes are what they will be.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    apart = _LINE_INCHES / (axes.get_position().height * figure.get_figheight())
    names = sorted(ends, key=lambda name: (ends[name][1], -ends[name][0]))
    to_axes = axes.transData + axes.transAxes.inverted()
    own = np.array([to_axes.transform(ends[name])[1] for name in names])
    steps = apart * np.arange(len(names))
    room = max(1 - steps[-1], 0)
    heights = np.clip(isotonic_regression(own - steps).x, 0, room) + steps
    for name, height in zip(names, heights, strict=True):
        axes.annotate(
            name,
            ends[name],
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=marks[name][0],
            fontsize=9,
            va="center",
            parse_math=False,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "color": GREY, "linewidth": 0.5},
        )
