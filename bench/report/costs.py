"""What it costs: speed, latency, memory, parameters and work of every network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report.batch_sizes import batch_sizes
from bench.report.cost import parameters
from bench.report.distinct import distinct
from bench.report.instruments import instruments
from bench.report.profiles import profiles
from bench.report.speed import speed
from bench.results.runs import Results
from bench.results.speeds import NO_SPEED
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Extreme:
    """The networks with the least and the most of something."""

    least: str
    low: float
    most: str
    high: float


@dataclass(frozen=True, kw_only=True)
class CostsView:
    """What the chapter shows.

    Attributes:
        figure: What the figure of the speeds shows; None where there is none.
        latency: Seconds for a single picture, median.
        parameters: How many.
        macs: How many for a picture.
        unstable: Networks whose speed changed by itself while it was measured.
        batches: Inference at sizes of batches, a text of its own.
        verdicts: Tables of speed, a text of its own; so are those that follow.
        counts: Tables of parameters and work.
        instruments: The second clock.
        profiles: Where the time goes.
    """

    figure: str | None
    latency: Extreme | None
    parameters: Extreme | None
    macs: Extreme | None
    unstable: tuple[str, ...]
    batches: str
    verdicts: str
    counts: str
    instruments: str
    profiles: str


def costs(results: Results, figures: Mapping[str, str]) -> str:
    """The chapter on costs; the tables are folded."""
    return render(Path(__file__).parent, "costs", costs_view(results, figures))


def costs_view(results: Results, figures: Mapping[str, str]) -> CostsView:
    """The extremes, and the tables."""
    device = results.request.devices[0]
    models = [runs.model for runs in distinct([r for r in results.runs if r.device == device])]
    speeds = {model: results.speeds.get((model, device), NO_SPEED) for model in models}
    counts = {model: results.counts[model] for model in models if model in results.counts}
    return CostsView(
        figure=figures.get("speed"),
        latency=_extreme({model: speeds[model].latency_p50_seconds for model in models}),
        parameters=_extreme({model: count.module_parameters for model, count in counts.items()}),
        macs=_extreme({model: count.macs for model, count in counts.items()}),
        unstable=tuple(
            model for model in models if any(pace.unstable for pace in speeds[model].paces)
        ),
        batches=batch_sizes(results, figures),
        verdicts=speed(results),
        counts=parameters(results),
        instruments=instruments(results),
        profiles=profiles(results),
    )


def _extreme(values: Mapping[str, float | None]) -> Extreme | None:
    """Who has the least and who the most; None where that is one number."""
    found = {model: value for model, value in values.items() if value}
    if not found:
        return None
    *_, most = in_order = sorted(found, key=found.__getitem__)
    least = in_order[0]
    if found[least] == found[most]:
        return None
    return Extreme(least=least, low=found[least], most=most, high=found[most])
