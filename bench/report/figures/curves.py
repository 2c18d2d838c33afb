"""Test error and losses on the way: over seconds, over epochs, over examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator

from bench.records.kinds import TestPoint, TrainingPoint
from bench.report.distinct import distinct, drawn
from bench.report.figures.axes import (
    draw_references,
    error_axis,
    error_of,
    name_lines,
    seconds_axis,
)
from bench.results.runs import Results, Runs
from bench.results.speeds import NO_SPEED
from bench.statistics.basics import Floats
from bench.writing.marks import marks
from bench.writing.style import BLUE, ORANGE

_POINTS = 30  # of a curve of training losses, at most
_Line = tuple[list[float], list[float]]


@dataclass(frozen=True, kw_only=True)
class LossCurves:
    """The losses of one network.

    Attributes:
        examples: How many examples had been seen, for each point.
        losses: Of each seed, at each point; NaN where the loss was no number.
    """

    examples: Floats
    losses: Floats


def median_errors(runs: Runs) -> dict[int, tuple[int, float]]:
    """By epoch, examples seen until its end, and the median test error over seeds.

    Of the runs that did not diverge, where there are such.
    """
    cells = [cell for cell in runs.ran.values() if cell.diverged_at is None]
    cells = cells or list(runs.ran.values())
    curves = [[p for p in cell.test_curve if p.epoch > 0] for cell in cells]
    tested = zip(*curves, strict=False)  # as far as the shortest
    return {
        points[0].epoch: (
            points[0].examples_seen,
            error_of(float(np.median([point.accuracy for point in points])), runs.test_samples),
        )
        for points in tested
    }


def seconds_of_training(results: Results, runs: Runs) -> dict[float, float]:
    """By seconds of training on its device, the median test error over seeds.

    Seconds are examples over measured samples per second: what the runs themselves took depends on
    what ran beside them.
    """
    speed = results.speeds.get((runs.model, runs.device), NO_SPEED).train_samples_per_second
    if speed is None:
        return {}
    return {examples / speed: error for examples, error in median_errors(runs).values()}


def error_over_time(results: Results) -> Figure | None:
    """A line for each network, both axes logarithmic."""
    found = {runs.model: seconds_of_training(results, runs) for runs in drawn(results)}
    lines = {model: (list(line), list(line.values())) for model, line in found.items() if line}
    if not lines:
        return None
    figure, axes = _lines(lines)
    seconds_axis(axes)
    axes.set_xlabel("seconds of training (examples / samples per second, one thread)")
    first = min(lines, key=lambda model: lines[model][0][-1])
    best = min(lines, key=lambda model: lines[model][1][-1])
    same = first == best
    axes.set_title(
        f"{first} is done first{' and' if same else f', {best}'} ends with the fewest errors",
        parse_math=False,
    )
    _finish(axes, lines, results)
    return figure


def error_over_epochs(results: Results) -> Figure | None:
    """A line for each network, the error logarithmic."""
    found = {runs.model: median_errors(runs) for runs in drawn(results)}
    lines: dict[str, _Line] = {
        model: ([float(epoch) for epoch in line], [error for _, error in line.values()])
        for model, line in found.items()
        if line
    }
    if not lines:
        return None
    figure, axes = _lines(lines)
    axes.set_xlabel("epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    after_one = sorted(lines, key=lambda model: lines[model][1][0])
    epoch = lines[after_one[0]][0][0]
    title = ", ".join(
        f"{model} {100 * lines[model][1][0]:.1f}%"
        for model in dict.fromkeys((after_one[0], after_one[-1]))
    )
    axes.set_title(f"Errors after epoch {epoch:g}: {title}", parse_math=False)
    _finish(axes, lines, results)
    return figure


def _lines(lines: Mapping[str, _Line]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.2, max(3.1, 0.9 + 0.2 * len(lines))))
    figure.subplots_adjust(left=0.08, right=0.78, bottom=0.15, top=0.9)
    axes = figure.subplots()
    for model, (colour, marker) in marks(list(lines)).items():
        xs, errors = lines[model]
        every = 1 if len(xs) <= 10 else [len(xs) - 1]
        axes.plot(xs, errors, "-", color=colour, marker=marker, markersize=5, markevery=every)
    axes.set_yscale("log")
    axes.set_ylabel("test error, median of the runs")
    return figure, axes


def _finish(axes: Axes, lines: Mapping[str, _Line], results: Results) -> None:
    error_axis(axes)
    draw_references(axes, results.references.get(results.groups[0][0].ranking_group, ()))
    ends = {model: (xs[-1], errors[-1]) for model, (xs, errors) in lines.items()}
    name_lines(axes, ends, marks(list(lines)))


def losses(results: Results) -> Figure | None:
    """A panel for each network, all of one scale: mean losses over seeds."""
    shown = distinct([runs for runs in results.runs if runs.accuracy])
    if not shown:
        return None
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(2.4 * columns, 1.8 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    several = len(results.request.devices) > 1
    for axes, runs in zip(panels.flat, shown, strict=False):
        _draw_losses(axes, runs)
        name = f"{runs.model} ({runs.device})" if several else runs.model
        axes.set_title(name, fontsize=9, parse_math=False)
    figure.supxlabel("examples seen", fontsize=10)
    figure.supylabel("loss", fontsize=10)
    lines = {line.get_label(): line for axes in panels.flat for line in axes.lines}
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=2)
    return figure


def loss_curves(runs: Runs) -> tuple[LossCurves, LossCurves]:
    """A network's training losses, and its test losses; those that are not finite are nan.

    A run that ended early, because it diverged, has none from there on.
    """
    cells = list(runs.ran.values())
    return (
        _loss_curves([cell.training_curve for cell in cells]),
        _loss_curves([cell.test_curve for cell in cells]),
    )


def _loss_curves(curves: Sequence[Sequence[TrainingPoint | TestPoint]]) -> LossCurves:
    longest = max(curves, key=len)
    padded = [[p.loss for p in curve] + [None] * (len(longest) - len(curve)) for curve in curves]
    return LossCurves(
        examples=np.array([point.examples_seen for point in longest]),
        losses=np.array(padded, dtype=float),
    )


def _draw_losses(axes: Axes, runs: Runs) -> None:
    """One network's losses, mean over seeds.

    Both end where the loss of a seed is no number; a logarithmic axis has no place for one of zero
    or below.
    """
    styles = ((BLUE, "-", "training"), (ORANGE, "o", "test"))
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    for curves, (colour, style, label) in zip(loss_curves(runs), styles, strict=True):
        mean = np.where(curves.losses > 0, curves.losses, np.nan).mean(axis=0)
        if np.isfinite(mean).any():
            step = -(-len(mean) // _POINTS)
            ends = slice(step - 1, None, step) if style == "-" else slice(None)
            axes.plot(
                curves.examples[ends], mean[ends], style, color=colour, markersize=2, label=label
            )
            axes.set_yscale("log")
            axes.yaxis.set_minor_locator(NullLocator())
    if not axes.lines:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no finite loss above 0", ha="center", transform=axes.transAxes)
