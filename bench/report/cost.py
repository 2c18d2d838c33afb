"""What networks cost in parameters and work, and the counting exercise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.records.kinds import Count
from bench.results.runs import Results
from bench.writing.templates import render
from zoo.counting import SIDE, CountingRow, counting_exercise

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class CostView:
    """What the tables on parameters and work show.

    Attributes:
        rows: One for each network.
        undeclared: Networks without declared sizes.
    """

    rows: tuple[Count, ...]
    undeclared: tuple[str, ...]


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


def parameters(results: Results) -> str:
    """The three counts and the work of every network."""
    return render(FOLDER, "cost", cost_view(results))


def counting() -> str:
    """The counting exercise, over the range that its lost figures leave; the same in every run."""
    return render(FOLDER, "counting", counting_view())


def cost_view(results: Results) -> CostView:
    """What every network costs."""
    return CostView(
        rows=tuple(results.counts.values()),
        undeclared=tuple(
            model for model, c in results.counts.items() if c.declared_parameters is None
        ),
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
