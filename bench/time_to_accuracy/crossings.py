"""When runs first reach an accuracy: medians in which a miss is infinitely late."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.records.kinds import AccuracyPoint

POINTS_PER_EPOCH = 8  # how often a run is looked at

Points = Sequence[AccuracyPoint]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """How a network's seeds reach a target.

    Attributes:
        reached: How many do.
        seeds: How many there are.
        samples: Median samples until then; infinite where half or more of the seeds miss.
        steady: Median seconds of training steps.
        warm: The same with all that is done once in a process that has torch and the data.
        cold: The same from the start of the process.
        test: Median test accuracy at that moment, of the seeds that reach it; None where none does.
    """

    reached: int
    seeds: int
    samples: float
    steady: float
    warm: float
    cold: float
    test: float | None


def first_at(points: Points, target: float) -> AccuracyPoint | None:
    """The first point whose validation accuracy is the target or above, or None."""
    return next((point for point in points if point.validation_accuracy >= target), None)


def crossing(runs: Sequence[Points], target: float) -> Crossing:
    """How one network's runs, one for each seed, reach a target.

    Args:
        runs: Of each seed its points in the order of time; none for a run that failed.
        target: A fraction of the validation samples.
    """
    firsts = [first_at(points, target) for points in runs]
    found = [point for point in firsts if point is not None]

    def late(field: str) -> float:
        return median(math.inf if p is None else float(getattr(p, field)) for p in firsts)

    return Crossing(
        reached=len(found),
        seeds=len(runs),
        samples=late("samples"),
        steady=late("steady_seconds"),
        warm=late("warm_seconds"),
        cold=late("cold_seconds"),
        test=median(point.test_accuracy for point in found) if found else None,
    )
