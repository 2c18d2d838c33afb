"""Timing records to speeds: throughput with ratios to the baseline, latency, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.records import kinds
from bench.statistics.basics import Floats
from bench.statistics.speed import SpeedRatio, count_outliers, noise_floor, speed_ratios

FREE = "train without deterministic flags"  # a phase of its own beside those of the records


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Samples per second of one workload over its blocks, and what they say of a difference.

    Attributes:
        samples_per_second: Median over the blocks of both labels.
        quartiles: First and third quartile of samples per second.
        blocks: How many blocks there are.
        outliers: How many of them lie beyond Tukey's fences; they are part of all numbers.
        noise_floor: By how much the workload may seem to differ from itself, as a fraction.
        ratio: Its speed over the baseline's; None for the baseline, and where that failed.
        gpu: Ranges of clock, power and temperature and the throttle reasons seen, or None.
    """

    samples_per_second: float
    quartiles: tuple[float, float]
    blocks: int
    outliers: int
    noise_floor: float
    ratio: SpeedRatio | None
    gpu: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured speed of a model on a device; None for what could not be measured.

    Attributes:
        train: Training steps at batch 64.
        inference: Forward passes at batch 64.
        free_over_deterministic: How many times as fast a training step is that need not be
            deterministic; measured for the baseline only.
        latency_p50_seconds: Median time of a single sample's forward pass.
        latency_p95_seconds: Its 95th percentile.
        latency_p99_seconds: Its 99th percentile.
        peak_memory_bytes: What one training step holds at most.
    """

    train: Throughput | None
    inference: Throughput | None
    free_over_deterministic: SpeedRatio | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    peak_memory_bytes: int | None

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
    free_over_deterministic=None,
    latency_p50_seconds=None,
    latency_p95_seconds=None,
    latency_p99_seconds=None,
    peak_memory_bytes=None,
)


def read_speeds(timing: Sequence[kinds.Timing], baseline: str) -> dict[tuple[str, str], Speed]:
    """By model and device, what was measured of it.

    Args:
        timing: Records of one run.
        baseline: The model that the others are compared with.
    """
    measured: dict[tuple[str, str], dict[str, kinds.Timing]] = {}
    for record in timing:
        if record.status == "ok":
            phase = record.phase if record.deterministic else FREE
            measured.setdefault((record.device, phase), {})[record.model] = record
    throughputs = {
        where: _throughputs(models, baseline)
        for where, models in measured.items()
        if where[1] in ("train", "inference")
    }
    speeds = {}
    for model, device in dict.fromkeys((record.model, record.device) for record in timing):
        train, free, latency = (
            measured.get((device, phase), {}).get(model) for phase in ("train", FREE, "latency")
        )
        speeds[model, device] = Speed(
            train=throughputs.get((device, "train"), {}).get(model),
            inference=throughputs.get((device, "inference"), {}).get(model),
            free_over_deterministic=_free_over_deterministic(train, free),
            latency_p50_seconds=latency.latency_p50_seconds if latency else None,
            latency_p95_seconds=latency.latency_p95_seconds if latency else None,
            latency_p99_seconds=latency.latency_p99_seconds if latency else None,
            peak_memory_bytes=train.peak_memory_bytes if train else None,
        )
    return speeds


def _throughputs(measured: Mapping[str, kinds.Timing], baseline: str) -> dict[str, Throughput]:
    """By model, the throughput of one phase on one device; their ratios are one family.

    Equal networks are measured once and have the same blocks: they are compared once.
    """
    seconds = {model: _seconds_per_sample(record) for model, record in measured.items()}
    first: dict[object, str] = {}
    for model in sorted(measured, key=lambda model: model != baseline):
        first.setdefault(measured[model].block_seconds, model)
    ratios = speed_ratios(
        {model: seconds[model] for model in seconds if model in first.values()}, baseline
    )
    found = {}
    for model, times in seconds.items():
        middle, high, low = np.percentile(times, [50, 25, 75])
        found[model] = Throughput(
            samples_per_second=float(1 / middle),
            quartiles=(float(1 / low), float(1 / high)),
            blocks=times.size,
            outliers=count_outliers(times),
            noise_floor=noise_floor(times),
            ratio=ratios.get(first[measured[model].block_seconds]),
            gpu=measured[model].gpu,
        )
    return found


def _free_over_deterministic(
    flagged: kinds.Timing | None, free: kinds.Timing | None
) -> SpeedRatio | None:
    if flagged is None or free is None:
        return None
    seconds = {"flagged": _seconds_per_sample(flagged), FREE: _seconds_per_sample(free)}
    return speed_ratios(seconds, "flagged")[FREE]


def _seconds_per_sample(record: kinds.Timing) -> Floats:
    """Of each block, (labels, rounds)."""
    assert record.steps_per_block is not None
    samples = record.batch * record.steps_per_block
    seconds: Floats = np.asarray(record.block_seconds, dtype=np.float64) / samples
    return seconds
