"""The design of three activations and two poolings: every seed a dot, and the median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from bench.report.figures.axes import error_axis, error_of
from bench.results.families import design_effects, design_runs
from bench.results.learning_rates import Sweep, read_sweep
from bench.results.runs import Results
from bench.statistics.design import ACTIVATIONS, POOLINGS
from bench.writing.marks import ACTIVATION_COLOURS, POOLING_MARKERS


def design(results: Results) -> Figure | None:
    """A panel for each pooling, a column for each activation."""
    found = design_runs(results, results.request.devices[0])
    if len(found) < 2:
        return None
    figure = Figure(figsize=(8.2, 2.9))
    figure.subplots_adjust(top=0.8, wspace=0.08)
    panels = figure.subplots(1, len(POOLINGS), sharey=True)
    for axes, (pooling, words) in zip(panels, POOLINGS.items(), strict=True):
        for place, (activation, colour) in enumerate(ACTIVATION_COLOURS.items()):
            runs = found.get((activation, pooling))
            if runs is not None:
                errors = [error_of(found, runs.test_samples) for found in runs.accuracy.values()]
                _dots(axes, place, errors, colour, POOLING_MARKERS[pooling], 0.12)
        axes.set_xticks(range(len(ACTIVATIONS)), list(ACTIVATIONS.values()))
        axes.set_xlim(-0.6, len(ACTIVATIONS) - 0.4)
        axes.set_title(f"{words} pooling", fontsize=10, fontweight="normal")
    error_axis(panels[0])
    panels[0].set_ylabel("test error; line: median")
    effects = design_effects(results, results.request.devices[0])
    if effects:
        open_ = sum(effect.comparison.verdict == "inconclusive" for effect in effects)
        said = f"Activation and pooling: {len(effects) - open_} of {len(effects)} questions settled"
        figure.suptitle(said, x=0.125, ha="left", fontsize=11)
    return figure


def learning_rates(results: Results) -> Figure | None:
    """A panel for each pooling, a line of medians for each activation."""
    sweep = read_sweep(results)
    if sweep is None:
        return None
    figure = Figure(figsize=(8.2, 3.1))
    figure.subplots_adjust(top=0.82, bottom=0.15, right=0.9, wspace=0.08)
    panels = figure.subplots(1, len(POOLINGS), sharey=True)
    for axes, (pooling, words) in zip(panels, POOLINGS.items(), strict=True):
        for place, (activation, colour) in enumerate(ACTIVATION_COLOURS.items()):
            model, marker = f"lenet5-{activation}-{pooling}", POOLING_MARKERS[pooling]
            shift = 1.07 ** (place - 1)  # beside each other
            medians = []
            for rate in sweep.rates:
                accuracies = list(sweep.trials[model, rate].test.values())
                errors = [error_of(found, sweep.samples) for found in accuracies]
                medians.append(float(np.median(errors)))
                axes.plot(
                    [rate * shift] * len(errors), errors, marker, color=colour, markersize=3.5,
                    alpha=0.45, markeredgewidth=0,
                )  # fmt: skip
            label = ACTIVATIONS[activation]
            axes.plot([rate * shift for rate in sweep.rates], medians, color=colour, label=label)
        axes.set_xscale("log")
        axes.set_xticks(sweep.rates, [f"{rate:g}" for rate in sweep.rates])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("learning rate of Adam")
        axes.set_title(f"{words} pooling", fontsize=10, fontweight="normal")
    error_axis(panels[0])
    panels[0].set_ylabel("test error; line: median")
    panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor="linecolor")
    figure.suptitle(_said_of_rates(sweep), x=0.125, ha="left", fontsize=11)
    return figure


def _said_of_rates(sweep: Sweep) -> str:
    """Who does not learn at all, or else which rates are best."""
    for activation, name in ACTIVATIONS.items():
        for rate in sweep.rates:
            models = [f"lenet5-{activation}-{pooling}" for pooling in POOLINGS]
            lost = sum(len(sweep.lost(model, rate)) for model in models)
            runs = sum(len(sweep.trials[model, rate].test) for model in models)
            if lost:
                return f"At {rate:g}, {lost} of {runs} runs with {name} do not learn"
    best = sorted(set(sweep.best_rates.values()))
    return "Best rates on validation samples: " + ", ".join(f"{rate:g}" for rate in best)


def _dots(
    axes: Axes, place: float, errors: Sequence[float], colour: str, marker: str, apart: float
) -> None:
    """Dots at one place, equal ones side by side, and a line at their median."""
    for error in sorted(set(errors)):
        count = list(errors).count(error)
        xs = [place + apart / 2 * (i - (count - 1) / 2) for i in range(count)]
        axes.plot(xs, [error] * count, marker, color=colour, markersize=4, markeredgewidth=0)
    median = float(np.median(errors))
    axes.plot([place - 0.35, place + 0.35], [median] * 2, color=colour, linewidth=2)
