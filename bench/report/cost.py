"""What networks cost in parameters and work, and the counting exercise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.records.kinds import Count
from bench.results.runs import Results, Runs
from bench.writing.templates import render
from zoo.counting import SIDE, CountingRow, counting_exercise

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class CostSpread:
    """How far ranked networks differ in one cost.

    Attributes:
        least: The network that costs least.
        low: What it costs.
        most: The network that costs most.
        high: What that costs.
        rank: By accuracy, the place of the one that costs most: 1 and how many are better.
    """

    least: str
    low: int
    most: str
    high: int
    rank: int


@dataclass(frozen=True, kw_only=True)
class CostView:
    """What the section on parameters and work shows.

    Attributes:
        rows: One for each network.
        undeclared: Networks without declared sizes.
        dnn_over_cnn: How many times the parameters and the work of `cnn` `dnn` has, where both ran.
        chart: What the chart of accuracy against cost shows; None where it was not drawn.
        ranked: How many networks are in the chart.
        parameters: How far they differ in parameters.
        macs: How far they differ in work.
    """

    rows: tuple[Count, ...]
    undeclared: tuple[str, ...]
    dnn_over_cnn: tuple[float, float] | None
    chart: str | None
    ranked: int
    parameters: CostSpread | None
    macs: CostSpread | None


@dataclass(frozen=True, kw_only=True)
class CountingView:
    """The counting exercise, and the ranges of its ratios.

    Attributes:
        side: Pixels along one edge of the picture.
        rows: The BP network first, then every CNN.
        parameters: Least and most times as many parameters in the BP network.
        macs: Least and most times as much work in the BP network.
    """

    side: int
    rows: tuple[CountingRow, ...]
    parameters: tuple[float, float]
    macs: tuple[float, float]


def parameters(results: Results, figures: Mapping[str, str]) -> str:
    """The three counts and the work of every network."""
    return render(FOLDER, "cost", cost_view(results, figures))


def counting() -> str:
    """The counting exercise, over the range that its lost figures leave; the same in every run."""
    return render(FOLDER, "counting", counting_view())


def charted(results: Results) -> list[Runs]:
    """The networks of the chart, best first: ranked, and of costs that have a logarithm."""
    counts = results.counts
    return [
        runs
        for runs in results.groups[0]
        if runs.summary
        and runs.model in counts
        and min(counts[runs.model].module_parameters, counts[runs.model].macs) > 0
    ]


def cost_view(results: Results, figures: Mapping[str, str]) -> CostView:
    """What every network costs, and how far the networks of the chart differ."""
    chart = figures.get("accuracy-cost")
    ranked = charted(results)
    return CostView(
        rows=tuple(results.counts.values()),
        undeclared=tuple(
            model for model, c in results.counts.items() if c.declared_parameters is None
        ),
        dnn_over_cnn=_dnn_over_cnn(results.counts),
        chart=chart,
        ranked=len(ranked),
        parameters=_spread(results, ranked, "module_parameters") if chart else None,
        macs=_spread(results, ranked, "macs") if chart else None,
    )


def counting_view() -> CountingView:
    """The exercise at the document's picture size."""
    rows = counting_exercise()
    parameters = [row.bp_parameters_ratio for row in rows[1:]]
    macs = [row.bp_macs_ratio for row in rows[1:]]
    return CountingView(
        side=SIDE,
        rows=rows,
        parameters=(min(parameters), max(parameters)),
        macs=(min(macs), max(macs)),
    )


def _dnn_over_cnn(counts: Mapping[str, Count]) -> tuple[float, float] | None:
    if not {"dnn", "cnn"} <= counts.keys():
        return None
    dnn, cnn = counts["dnn"], counts["cnn"]
    return dnn.module_parameters / cnn.module_parameters, dnn.macs / cnn.macs


def _spread(results: Results, ranked: list[Runs], cost: str) -> CostSpread:
    """Of networks, best first, the cheapest and the dearest."""
    costs = {runs.model: getattr(results.counts[runs.model], cost) for runs in ranked}
    means = {runs.model: runs.summary.mean for runs in ranked if runs.summary}
    *_, most = by_cost = sorted(costs, key=costs.__getitem__)
    least = by_cost[0]
    return CostSpread(
        least=least,
        low=costs[least],
        most=most,
        high=costs[most],
        rank=1 + sum(mean > means[most] for mean in means.values()),
    )
