"""How fast every network trains and answers, beside the baseline."""

from __future__ import annotations

from math import isfinite

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.distinct import distinct
from bench.results.runs import Results
from bench.results.speeds import Pace
from bench.writing.marks import marks
from bench.writing.style import GREY, INK

PHASES = {"train": "training", "inference": "inference"}


def bars(results: Results) -> Figure | None:
    """A panel for each phase: how many times as fast as the baseline, the fastest first."""
    baseline, device = results.request.baseline, results.request.devices[0]
    ours = distinct([runs for runs in results.runs if runs.device == device])
    found = {runs.model: results.speeds.get((runs.model, device)) for runs in ours}
    speeds = {model: speed for model, speed in found.items() if speed is not None}
    train = {model: speed.train for model, speed in speeds.items() if speed.train}
    if len(train) < 2 or baseline not in train:
        return None
    order = sorted(train, key=lambda model: _ratio(train[model]))
    figure = Figure(figsize=(8.2, 1.3 + 0.21 * len(order)))
    figure.subplots_adjust(
        left=0.2, right=0.97, wspace=0.12, top=1 - 0.62 / (1.3 + 0.21 * len(order))
    )
    panels = figure.subplots(1, len(PHASES), sharey=True)
    for axes, (phase, words) in zip(panels, PHASES.items(), strict=True):
        paces = {model: getattr(speeds[model], phase) for model in order}
        _panel(axes, {model: pace for model, pace in paces.items() if pace}, order)
        axes.set_title(words, fontsize=10, fontweight="normal")
        axes.set_xlabel(f"times as fast as {baseline}", parse_math=False)
    panels[0].set_yticks(range(len(order)), order, parse_math=False)
    fastest = order[-1]
    figure.suptitle(
        f"{fastest} trains {_ratio(train[fastest]):.2g} times as fast as {baseline}"
        if fastest != baseline
        else f"No network trains faster than {baseline}",
        x=0.2,
        ha="left",
        fontsize=11,
        parse_math=False,
    )
    return figure


def _ratio(pace: Pace) -> float:
    return pace.ratio.ratio if pace.ratio else 1.0


def _panel(axes: Axes, paces: dict[str, Pace], order: list[str]) -> None:
    styles = marks(order)
    axes.axvline(1, color=GREY, linewidth=1, zorder=0)
    longest = max(map(_ratio, paces.values()))
    for model, pace in paces.items():
        row, ratio = order.index(model), _ratio(pace)
        axes.barh(row, ratio, height=0.62, color=styles[model][0])
        end = ratio
        if pace.ratio and isfinite(pace.ratio.high):
            axes.plot([pace.ratio.low, pace.ratio.high], [row, row], color=INK, linewidth=1.5)
            end = max(end, pace.ratio.high)
        said = f"{ratio:.2f}" + (" unstable" if pace.unstable else "")
        axes.text(end + 0.02 * longest, row, said, va="center", fontsize=8)
    axes.set_xlim(0, 1.2 * longest)
    axes.set_ylim(-0.6, len(order) - 0.4)
    axes.grid(visible=False, axis="y")
