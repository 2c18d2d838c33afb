"""How inference grows with the batch: pictures per second at each size, for every network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.records import kinds
from bench.results.speeds import seconds_per_sample

ENOUGH = 0.9  # of a network's best throughput


@dataclass(frozen=True, kw_only=True)
class BatchPoint:
    """Inference at one size.

    Attributes:
        batch: Pictures at a time.
        per_second: Pictures per second: of each process its median over the rounds; of these the
            median.
        slowest: That of the slowest process.
        fastest: That of the fastest one.
    """

    batch: int
    per_second: float
    slowest: float
    fastest: float

    @property
    def call_seconds(self) -> float:
        """Of one call of the network."""
        return self.batch / self.per_second


@dataclass(frozen=True, kw_only=True)
class BatchCurve:
    """A network at all sizes that were measured, the smallest first; at least one."""

    model: str
    points: tuple[BatchPoint, ...]

    @property
    def best(self) -> BatchPoint:
        """Where it answers most pictures per second."""
        return max(self.points, key=lambda point: point.per_second)

    @property
    def enough(self) -> BatchPoint:
        """The smallest size with nine tenths of the best."""
        least = ENOUGH * self.best.per_second
        return next(point for point in self.points if point.per_second >= least)

    @property
    def gain(self) -> float:
        """How many times as many pictures per second the best size has as the smallest one."""
        return self.best.per_second / self.points[0].per_second

    @property
    def at_last(self) -> float:
        """What is left of the best at the largest size, a fraction."""
        return self.points[-1].per_second / self.best.per_second


def batch_curves(timings: Iterable[kinds.Timing], device: str) -> tuple[BatchCurve, ...]:
    """The curves of the networks that were measured on a device, the fastest one first."""
    points: dict[str, list[BatchPoint]] = {}
    for record in timings:
        if record.device == device and record.status == "ok":
            points.setdefault(record.model, []).append(_point(record))
    curves = [
        BatchCurve(model=model, points=tuple(sorted(found, key=lambda point: point.batch)))
        for model, found in points.items()
    ]
    return tuple(sorted(curves, key=lambda curve: -curve.best.per_second))


def _point(record: kinds.Timing) -> BatchPoint:
    per_process = 1 / np.median(seconds_per_sample(record), axis=1)
    return BatchPoint(
        batch=record.batch,
        per_second=float(np.median(per_process)),
        slowest=float(per_process.min()),
        fastest=float(per_process.max()),
    )
