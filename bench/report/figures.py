"""Figures of a report, as SVG. Every figure is drawn from records alone, the same way each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, product
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter
from scipy.optimize import isotonic_regression

from bench.records.place import own_folder
from bench.report.cost import charted
from bench.results.families import design_runs
from bench.results.learning_rates import RATES, read_sweep
from bench.results.runs import ReferencePredictor, Results, Runs
from bench.statistics.basics import Floats, summarise
from bench.statistics.design import ACTIVATIONS, CELLS, MODELS, POOLINGS
from bench.writing.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, save

ACTIVATION_COLOURS = {"sigmoid": RED, "relu": BLUE, "tanh": GREEN}
OTHER_COLOURS = (ORANGE, PURPLE, GREY, "#56B4E9", "#000000")
OTHER_MARKERS = ("s", "D", "v", "P", "X")
POOLING_MARKERS = {"avg": "o", "max": "^"}
_LINE_INCHES = 0.19  # from one name to the next beside a panel


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The result of drawing the figures of a report.

    Attributes:
        drawn: By the name of a figure that lies beside the report, the sentence that describes it.
        undrawn: By the name of a figure that could not be drawn, why.
    """

    drawn: dict[str, str]
    undrawn: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class LossCurves:
    """The losses of one network.

    Attributes:
        examples: How many examples had been seen, for each point.
        losses: Of each seed, at each point; NaN where the loss was no number.
    """

    examples: Floats
    losses: Floats


def write_figures(results: Results, folder: Path) -> Figures:
    """Draws what the results hold; a figure that fails is left out."""
    own_folder(folder)
    drawn: dict[str, str] = {}
    undrawn: dict[str, str] = {}
    for name, (draw, description) in _FIGURES.items():
        try:
            if save(partial(draw, results), folder / f"{name}.svg", description):
                drawn[name] = description
        except Exception as error:  # numbers of days of training must not be lost for a picture
            undrawn[name] = f"{type(error).__name__}: {error}"
    for name in _FIGURES.keys() - drawn.keys():
        (folder / f"{name}.svg").unlink(missing_ok=True)  # of an earlier run
    return Figures(drawn=drawn, undrawn=undrawn)


def _ranked(results: Results) -> list[Runs]:
    """The runs that the first ranking compares, best first; those without a result left out."""
    return [runs for runs in results.groups[0] if runs.summary]


def _accuracy(results: Results) -> Figure | None:
    ranked = _ranked(results)
    if not ranked:
        return None
    figure = Figure(figsize=(8, 1.2 + 0.34 * len(ranked)))
    axes = figure.subplots()
    for row, runs in enumerate(reversed(ranked)):
        summary = runs.summary
        assert summary is not None
        seeds = list(runs.accuracy.values())
        axes.plot(seeds, [row] * len(seeds), "o", color=BLUE, alpha=0.3, markeredgewidth=0)
        both = runs.accuracy_interval
        if both is not None:
            axes.plot([both.low, both.high], [row, row], color=BLUE, linewidth=0.8)
        if summary.low is not None and summary.high is not None:
            # A mean of fractions cannot lie outside 0..1, whatever Student's formula says.
            ends = max(summary.low, 0.0), min(summary.high, 1.0)
            axes.plot(ends, [row, row], color=BLUE, linewidth=2.5)
        axes.plot(summary.mean, row, "D", color=BLUE)
    axes.set_yticks(range(len(ranked)), [runs.model for runs in reversed(ranked)], parse_math=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axes.set_xlabel(
        "test accuracy (diamond: mean, dots: single seeds, "
        "95% intervals thin: seeds and samples, thick: seeds alone)"
    )
    _draw_references(axes, results.references.get(ranked[0].ranking_group, ()))
    return figure


def _draw_references(axes: Axes, references: Sequence[ReferencePredictor]) -> None:
    """A labelled vertical line for each reference predictor near the networks.

    One that is farther away than the networks lie apart would squeeze them together; it is in the
    table only.
    """
    low, high = axes.get_xlim()
    margin = high - low
    near = [item for item in references if low - margin <= item.mean <= high + margin]
    near.sort(key=lambda item: item.mean)
    # Of two lines the left one has its label to the left, so that labels never meet.
    sides = ("right", "left") if len(near) == 2 else ("center",)
    for item, side in zip(near, sides, strict=False):
        axes.axvline(item.mean, color=GREY, linewidth=1, linestyle="--", zorder=0)
        axes.text(
            item.mean,
            1.01,
            f"{item.name} {item.mean:.1%}",
            color=GREY,
            fontsize=8,
            ha=side,
            va="bottom",
            transform=axes.get_xaxis_transform(),
        )


def _design(results: Results) -> Figure | None:
    found = design_runs(results, results.request.devices[0])
    if len(found) < 2:
        return None
    figure = Figure(figsize=(6, 3.4))
    axes = figure.subplots()
    for offset, (pooling, marker) in zip((-0.06, 0.06), POOLING_MARKERS.items(), strict=True):
        points = [
            (index + offset, found[activation, pooling].summary)
            for index, activation in enumerate(ACTIVATION_COLOURS)
            if (activation, pooling) in found
        ]
        colour = BLUE if pooling == "avg" else ORANGE
        xs = [x for x, _ in points]
        means = [summary.mean for _, summary in points if summary]
        axes.plot(xs, means, marker + "-", color=colour, label=f"{POOLINGS[pooling]} pooling")
        for x, summary in points:
            if summary and summary.low is not None and summary.high is not None:
                axes.plot([x, x], [summary.low, summary.high], color=colour)
    axes.set_xticks(range(len(ACTIVATIONS)), list(ACTIVATIONS.values()))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axes.set_ylabel("test accuracy, 95% interval")
    axes.legend(frameon=False)
    return figure


def _learning_rates(results: Results) -> Figure | None:
    sweep = read_sweep(results)
    if sweep is None:
        return None
    figure = Figure(figsize=(6, 3.4))
    axes = figure.subplots()
    for (activation, pooling), model in zip(CELLS, MODELS, strict=True):
        summaries = [summarise(list(sweep.trials[model, rate].test.values())) for rate in RATES]
        colour = ACTIVATION_COLOURS[activation]
        style = "-" if pooling == "max" else "--"
        means = [summary.mean for summary in summaries]
        label = f"{ACTIVATIONS[activation]}, {POOLINGS[pooling]}"
        axes.plot(RATES, means, POOLING_MARKERS[pooling] + style, color=colour, label=label)
        for rate, summary in zip(RATES, summaries, strict=True):
            if summary.low is not None and summary.high is not None:
                axes.plot([rate, rate], [summary.low, summary.high], color=colour, linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("learning rate of Adam")
    axes.set_ylabel("test accuracy, 95% interval")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(frameon=False)
    return figure


def _learning_curves(results: Results) -> Figure | None:
    shown = [runs for runs in results.runs if runs.accuracy]
    if not shown:
        return None
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.1 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, runs in zip(panels.flat, shown, strict=False):
        _draw_curves(axes, runs)
        axes.set_title(_label(runs, results), fontsize=10, parse_math=False)
    figure.supxlabel("examples seen", fontsize=10)
    figure.supylabel("loss, logarithmic", fontsize=10)
    lines = {line.get_label(): line for axes in panels.flat for line in axes.lines}
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=2, frameon=False)
    return figure


def loss_curves(runs: Runs) -> tuple[LossCurves, LossCurves]:
    """A network's training losses, and its test losses; those that are not finite are nan."""
    cells = list(runs.ran.values())
    return (
        LossCurves(
            examples=np.array([point.examples_seen for point in cells[0].training_curve]),
            losses=np.array([[p.loss for p in cell.training_curve] for cell in cells], dtype=float),
        ),
        LossCurves(
            examples=np.array([point.examples_seen for point in cells[0].test_curve]),
            losses=np.array([[p.loss for p in cell.test_curve] for cell in cells], dtype=float),
        ),
    )


def _draw_curves(axes: Axes, runs: Runs) -> None:
    """One network's losses: mean over seeds, with the range of the seeds behind.

    Both end where the loss of a seed is no number; a logarithmic axis has no place for one of zero
    or below.
    """
    styles = ((BLUE, "-", "training"), (ORANGE, "o", "test"))
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    for curves, (colour, style, label) in zip(loss_curves(runs), styles, strict=True):
        losses = np.where(curves.losses > 0, curves.losses, np.nan)
        mean, low, high = losses.mean(axis=0), losses.min(axis=0), losses.max(axis=0)
        if np.isfinite(mean).any():
            axes.plot(curves.examples, mean, style, color=colour, markersize=3, label=label)
            axes.set_yscale("log")
        if len(losses) > 1 and np.isfinite(mean).any():
            axes.fill_between(curves.examples, low, high, color=colour, alpha=0.2, linewidth=0)
    if not axes.lines:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no finite loss above 0", ha="center", transform=axes.transAxes)


def _accuracy_cost(results: Results) -> Figure | None:
    """Parameters and work against accuracy, on axes of one scale, so that spreads compare."""
    ranked = charted(results)
    if len(ranked) < 2:
        return None
    figure = Figure(figsize=(11, max(3.2, 1.4 + _LINE_INCHES * len(ranked))))
    figure.subplots_adjust(left=0.07, right=0.87, wspace=0.38, bottom=0.14, top=0.98)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    styles = styles_of([runs.model for runs in ranked])
    costs = {"module_parameters": "parameters", "macs": "multiply-accumulates per sample"}
    for axes, (cost, words) in zip(panels, costs.items(), strict=True):
        for runs in ranked:
            colour, marker = styles[runs.model]
            axes.plot(*_point(results, runs, cost), marker, color=colour, markersize=8)
        axes.set_xscale("log")
        axes.set_xlabel(words)
    first = panels[0]
    first.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    first.xaxis.set_major_formatter(EngFormatter(sep=""))
    first.xaxis.set_minor_formatter(NullFormatter())
    first.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    first.set_ylabel("mean test accuracy")
    panel_inches = first.get_position().height * figure.get_figheight()
    for axes, cost in zip(panels, costs, strict=True):  # both have their limits by now
        points = {runs.model: _point(results, runs, cost) for runs in ranked}
        _name_points(axes, points, styles, panel_inches)
    return figure


def _point(results: Results, runs: Runs, cost: str) -> tuple[float, float]:
    """A network's place in a panel: what it costs, and its mean accuracy."""
    assert runs.summary is not None
    return getattr(results.counts[runs.model], cost), runs.summary.mean


def _name_points(
    axes: Axes,
    points: Mapping[str, tuple[float, float]],
    styles: Mapping[str, tuple[str, str]],
    panel_inches: float,
) -> None:
    """Names the points of a panel at its right edge, each as near its own height as others let it.

    The nearest heights, in the sense of least squares, that keep the names in order, apart and
    beside the panel: an isotonic regression.
    """
    apart = _LINE_INCHES / panel_inches  # in fractions of the panel's height
    # From below; of two at one height the cheaper network comes first, so that lines do not cross.
    names = sorted(points, key=lambda name: (points[name][1], points[name][0]))
    to_axes = axes.transData + axes.transAxes.inverted()
    own = np.array([to_axes.transform(points[name])[1] for name in names])
    steps = apart * np.arange(len(names))
    heights = np.clip(isotonic_regression(own - steps).x, 0, 1 - steps[-1]) + steps
    for name, height in zip(names, heights, strict=True):
        axes.annotate(
            name,
            points[name],
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=styles[name][0],
            fontsize=9,
            va="center",
            parse_math=False,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "color": GREY, "linewidth": 0.5},
        )


def styles_of(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each model; the 3 x 2 design shows its factors in them.

    The others have the remaining colours and markers in turns, as often as there are networks.
    """
    design = {
        f"lenet5-{activation}-{pooling}": (colour, marker)
        for activation, colour in ACTIVATION_COLOURS.items()
        for pooling, marker in POOLING_MARKERS.items()
    }
    others = cycle((colour, marker) for marker, colour in product(OTHER_MARKERS, OTHER_COLOURS))
    return {model: design[model] if model in design else next(others) for model in models}


def _test_pictures(results: Results) -> Figure | None:
    pictures = results.request.test_pictures
    ranked = _ranked(results)
    if pictures is None or not ranked or ranked[0].test_samples < results.request.dataset_sizes[2]:
        return None  # the best network was not tested on these pictures
    best = ranked[0]
    seed, wrong = next(iter(best.misclassified.items()))
    side = pictures.side
    pixels = np.frombuffer(pictures.pixels, dtype=np.uint8)
    images = pixels.reshape(-1, side, side)
    figure = Figure(figsize=(9, 1.6), layout="constrained")
    panels = figure.subplots(1, len(images), squeeze=False)
    for index, (axes, image, label) in enumerate(
        zip(panels.flat, images, pictures.labels, strict=True)
    ):
        answer = wrong.get(index, label)
        axes.imshow(image, cmap="gray_r", interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"{label} → {answer}", color=RED if answer != label else "black")
    figure.suptitle(
        f"first test pictures: true digit → digit read by {best.model}, seed {seed}",
        fontsize=10,
        parse_math=False,
    )
    return figure


def _label(runs: Runs, results: Results) -> str:
    return runs.model if len(results.request.devices) == 1 else f"{runs.model} ({runs.device})"


_FIGURES: dict[str, tuple[Callable[[Results], Figure | None], str]] = {
    "accuracy": (_accuracy, "Test accuracy, best first"),
    "activation-pooling": (_design, "Test accuracy by activation and pooling"),
    "learning-rates": (_learning_rates, "Test accuracy by learning rate, activation and pooling"),
    "learning-curves": (_learning_curves, "Training and test loss over the examples seen"),
    "accuracy-cost": (
        _accuracy_cost,
        "Test accuracy against parameters, and against multiply-accumulates",
    ),
    "test-pictures": (_test_pictures, "The first test pictures with true and predicted digit"),
}
