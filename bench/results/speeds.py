"""Timing records to speeds: of every phase, with ratios to the baseline; memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.records import kinds
from bench.statistics.basics import Floats
from bench.statistics.regimes import unstable
from bench.statistics.speed import (
    MARGINS,
    SpeedMargins,
    SpeedRatio,
    hodges_lehmann,
    one_process,
    speed_ratios,
)

FREE = "train without deterministic flags"  # a phase of its own beside those of the records
YARDSTICK = "yardstick"  # as a phase, and in the place of a model


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast one workload is, and what that says of a difference.

    Attributes:
        samples_per_second: Median over the blocks.
        processes: How many processes measured it.
        per_yardstick: Samples in the time of one yardstick; None where that was not measured, or
            changed by itself.
        ratio: Its speed over the baseline's; None for the baseline, and where that failed.
        unstable: Whether its speed changed by itself while it was measured.
        gpu: Ranges of clock, power and temperature and the throttle reasons seen, or None.
        beside_cores: How many cores other processes kept busy meanwhile; None in older records.
    """

    samples_per_second: float
    processes: int
    per_yardstick: float | None
    ratio: SpeedRatio | None
    unstable: bool
    gpu: Mapping[str, Any] | None
    beside_cores: float | None = None


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured speed of a model on a device; None for what could not be measured.

    Attributes:
        train: Training steps at batch 64.
        inference: Forward passes at batch 64.
        latency: Forward passes of a single sample, a round's median; None in older records.
        free_over_deterministic: How many times as fast a training step is that need not be
            deterministic; measured for the baseline only.
        latency_p50_seconds: Median time of a single sample's forward pass.
        latency_p95_seconds: Its 95th percentile.
        latency_p99_seconds: Its 99th percentile.
        peak_memory_bytes: What one training step holds at most.
    """

    train: Pace | None
    inference: Pace | None
    latency: Pace | None
    free_over_deterministic: SpeedRatio | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    peak_memory_bytes: int | None

    @property
    def paces(self) -> tuple[Pace, ...]:
        """Those of its phases that were measured."""
        return tuple(filter(None, (self.train, self.inference, self.latency)))

    @property
    def train_samples_per_second(self) -> float | None:
        """Median throughput of training."""
        return self.train.samples_per_second if self.train else None

    @property
    def inference_samples_per_second(self) -> float | None:
        """Median throughput of inference."""
        return self.inference.samples_per_second if self.inference else None


NO_SPEED = Speed(
    train=None,
    inference=None,
    latency=None,
    free_over_deterministic=None,
    latency_p50_seconds=None,
    latency_p95_seconds=None,
    latency_p99_seconds=None,
    peak_memory_bytes=None,
)


def read_speeds(
    timing: Sequence[kinds.Timing],
    baseline: str,
    margins: SpeedMargins = MARGINS,
) -> dict[tuple[str, str], Speed]:
    """By model and device, what was measured of it.

    Args:
        timing: Records of one run.
        baseline: The model that the others are compared with.
        margins: How large a difference has to be.
    """
    measured: dict[tuple[str, str], dict[str, kinds.Timing]] = {}
    for record in timing:
        if record.status == "ok":
            phase = record.phase if record.deterministic else FREE
            measured.setdefault((record.device, phase), {})[record.model] = record
    changed = changed_keys([record for models in measured.values() for record in models.values()])
    yardsticks = {
        device: models[YARDSTICK]
        for (device, phase), models in measured.items()
        if phase == YARDSTICK and models[YARDSTICK].key not in changed
    }
    paces = {
        (device, phase): _paces(
            {model: record for model, record in models.items() if record.block_seconds},
            baseline,
            yardsticks.get(device),
            changed,
            margins,
        )
        for (device, phase), models in measured.items()
        if phase in ("train", "inference", "latency")
    }
    speeds = {}
    networks = [record for record in timing if record.phase != YARDSTICK]
    for model, device in dict.fromkeys((record.model, record.device) for record in networks):
        train, free, latency = (
            measured.get((device, phase), {}).get(model) for phase in ("train", FREE, "latency")
        )
        speeds[model, device] = Speed(
            train=paces.get((device, "train"), {}).get(model),
            inference=paces.get((device, "inference"), {}).get(model),
            latency=paces.get((device, "latency"), {}).get(model),
            free_over_deterministic=_free_over_deterministic(train, free, changed, margins),
            latency_p50_seconds=latency.latency_p50_seconds if latency else None,
            latency_p95_seconds=latency.latency_p95_seconds if latency else None,
            latency_p99_seconds=latency.latency_p99_seconds if latency else None,
            peak_memory_bytes=train.peak_memory_bytes if train else None,
        )
    return speeds


def seconds_per_sample(record: kinds.Timing) -> Floats:
    """Of each process and round, (processes, rounds)."""
    assert record.steps_per_block is not None
    samples = record.batch * record.steps_per_block
    seconds: Floats = np.asarray(record.block_seconds, dtype=np.float64) / samples
    return one_process(seconds) if record.processes == 1 else seconds


def log_per_yardstick(record: kinds.Timing, yardstick: kinds.Timing) -> Floats:
    """Logs of how many samples fit into the time of one yardstick, by process."""
    rounds = np.log(seconds_per_sample(yardstick)) - np.log(seconds_per_sample(record))
    return hodges_lehmann(rounds)


def changed_keys(records: Sequence[kinds.Timing]) -> set[str]:
    """Keys of the workloads whose speed changed by itself while they were measured.

    Equal networks are measured once and have the same blocks: they count once.
    """
    together: dict[tuple[str, tuple[int, ...]], dict[object, Floats]] = {}
    for record in records:
        if record.block_seconds:
            seconds = seconds_per_sample(record)
            same_rounds = together.setdefault((record.device, seconds.shape), {})
            same_rounds[record.block_seconds] = np.log(seconds)
    changed = {
        blocks
        for logs in together.values()
        for blocks, flag in zip(logs, unstable(np.stack([*logs.values()])), strict=True)
        if flag
    }
    return {record.key for record in records if record.block_seconds in changed}


def _paces(
    measured: Mapping[str, kinds.Timing],
    baseline: str,
    yardstick: kinds.Timing | None,
    changed: set[str],
    margins: SpeedMargins,
) -> dict[str, Pace]:
    """By model, the speed in one phase on one device; their ratios are one family.

    Equal networks are measured once and have the same blocks: they are compared once.
    """
    first: dict[object, str] = {}
    for model in sorted(measured, key=lambda model: model != baseline):
        first.setdefault(measured[model].block_seconds, model)
    ratios = speed_ratios(
        {
            model: seconds_per_sample(record)
            for model, record in measured.items()
            if model in first.values()
        },
        baseline,
        unstable=[model for model, record in measured.items() if record.key in changed],
        margins=margins,
    )
    return {
        model: _pace(
            record, ratios.get(first[record.block_seconds]), yardstick, record.key in changed
        )
        for model, record in measured.items()
    }


def _pace(
    record: kinds.Timing,
    ratio: SpeedRatio | None,
    yardstick: kinds.Timing | None,
    changed: bool,
) -> Pace:
    assert record.steps_per_block is not None
    times = np.asarray(record.block_seconds) / (record.batch * record.steps_per_block)
    return Pace(
        samples_per_second=float(1 / np.median(times)),
        processes=record.processes,
        beside_cores=record.beside_cores,
        per_yardstick=float(np.exp(log_per_yardstick(record, yardstick).mean()))
        if yardstick and yardstick.processes == record.processes
        else None,
        ratio=ratio,
        unstable=changed,
        gpu=record.gpu,
    )


def _free_over_deterministic(
    flagged: kinds.Timing | None,
    free: kinds.Timing | None,
    changed: set[str],
    margins: SpeedMargins,
) -> SpeedRatio | None:
    if flagged is None or free is None:
        return None
    steps = {"flagged": flagged, FREE: free}
    ratios = speed_ratios(
        {name: seconds_per_sample(record) for name, record in steps.items()},
        "flagged",
        unstable=[name for name, record in steps.items() if record.key in changed],
        margins=margins,
    )
    return ratios[FREE]
