"""Whether a run finds what is there and nothing that is not, and what was declared before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cells.controls import EXCHANGEABLE
from bench.report.accuracy import named_device
from bench.results.controls import LEAST_SEEDS, Controls
from bench.results.declared import Declared
from bench.results.runs import Results
from bench.statistics.controls import LEVEL, POINT
from bench.statistics.error_rates import ControlErrors, read_control_errors
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class OnDevice:
    """The controls of a device; its name is None if the whole run has one device."""

    device: str | None
    controls: Controls


@dataclass(frozen=True, kw_only=True)
class ControlsView:
    """What the section on controls shows.

    Attributes:
        devices: The controls of each.
        point: The handicap that is tried first.
        level: How often a control fails although all is right, at most.
        exchangeable: The network that may be trained on permuted pixels.
        least_seeds: How many seeds are needed to halve them.
        simulated: How often controls fail where all is right, and how often planted effects are
            found.
        declared: What was declared before the first cell; None in older records.
    """

    devices: tuple[OnDevice, ...]
    point: float
    level: float
    exchangeable: str
    least_seeds: int
    simulated: tuple[ControlErrors, ...]
    declared: Declared | None


def controls(results: Results, found: Sequence[Controls]) -> str:
    """The controls of a run and its declaration."""
    return render(Path(__file__).parent, "controls", controls_view(results, found))


def controls_view(results: Results, found: Sequence[Controls]) -> ControlsView:
    """What the section shows of controls."""
    return ControlsView(
        devices=tuple(
            OnDevice(device=named_device(item.device, results), controls=item) for item in found
        ),
        point=POINT,
        level=LEVEL,
        exchangeable=EXCHANGEABLE,
        least_seeds=LEAST_SEEDS,
        simulated=tuple(read_control_errors()),
        declared=results.declared,
    )
