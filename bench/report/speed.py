"""How fast networks are, which differences are more than noise, and what determinism costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results.runs import Results
from bench.results.speeds import NO_SPEED, Pace, Speed
from bench.statistics.speed import SpeedMargins, SpeedRatio
from bench.timing.protocol import THROUGHPUT_BATCH
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class SpeedRow:
    """Measured speed of a network on a device.

    Attributes:
        model: Registry name.
        device: Where it was measured.
        speed: What was measured.
        is_baseline: Whether the others are compared with it.
    """

    model: str
    device: str
    speed: Speed
    is_baseline: bool


@dataclass(frozen=True, kw_only=True)
class Determinism:
    """How many times as fast the baseline's training step is without deterministic flags."""

    device: str
    ratio: SpeedRatio


@dataclass(frozen=True, kw_only=True)
class SpeedView:
    """What the section on speed shows.

    Attributes:
        baseline: The network that the others are compared with.
        rows: One for each network and device, in the order of the run.
        determinism: One for each device on which it was measured.
        processes: How many processes measured everything; 1 in older records.
        has_yardstick: Whether the yardstick was timed, too.
        margins: How large a difference has to be; those of today where none were declared.
        declared: Whether they were declared before the run.
        on_gpu: Whether the run used a GPU.
        gpu: Ranges of its clock, power and temperature, and its throttle reasons; None where they
            could not be read.
        beside_cores: How many cores other processes kept busy meanwhile, the most of all devices;
            None in older records.
        batch: Samples in a step of training and of inference.
    """

    baseline: str
    rows: tuple[SpeedRow, ...]
    determinism: tuple[Determinism, ...]
    processes: int
    has_yardstick: bool
    margins: SpeedMargins
    declared: bool
    on_gpu: bool
    gpu: Mapping[str, Any] | None
    beside_cores: float | None
    batch: int = THROUGHPUT_BATCH


def speed(results: Results) -> str:
    """Training, inference and latency with verdicts, and memory, of all networks and devices."""
    return render(Path(__file__).parent, "speed", speed_view(results))


def speed_view(results: Results) -> SpeedView:
    """The measured speeds of all networks, and the cost of determinism of the baseline."""
    baseline, devices = results.request.baseline, results.request.devices
    free = {
        device: results.speeds.get((baseline, device), NO_SPEED).free_over_deterministic
        for device in devices
    }
    paces = [pace for measured in results.speeds.values() for pace in measured.paces]
    return SpeedView(
        baseline=baseline,
        rows=tuple(
            SpeedRow(
                model=runs.model,
                device=runs.device,
                speed=results.speeds.get((runs.model, runs.device), NO_SPEED),
                is_baseline=runs.model == baseline,
            )
            for runs in results.runs
        ),
        determinism=tuple(
            Determinism(device=device, ratio=ratio) for device, ratio in free.items() if ratio
        ),
        processes=max((pace.processes for pace in paces), default=1),
        has_yardstick=any(pace.per_yardstick is not None for pace in paces),
        margins=results.speed_margins,
        declared=results.request.speed_margins is not None,
        on_gpu="cuda" in devices,
        gpu=_gpu(results),
        beside_cores=max(
            (pace.beside_cores for pace in paces if pace.beside_cores is not None), default=None
        ),
    )


def _gpu(results: Results) -> Mapping[str, Any] | None:
    """The GPU's state during the measurement; all were measured in the same rounds."""
    measured = (
        pace
        for (_, device), speed in results.speeds.items()
        for pace in speed.paces
        if device == "cuda"
    )
    first: Pace | None = next(measured, None)
    return first.gpu if first else None
