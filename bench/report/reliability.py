"""How often the verdicts of a report are wrong, by simulation: the same in every report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.statistics.error_rates import (
    AccuracyErrors,
    SpeedErrors,
    read_accuracy_errors,
    read_speed_errors,
)
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Simulated comparisons of accuracy that differ in the true accuracies alone.

    Attributes:
        deviation: Standard deviation of a seed's effect on the logit scale.
        test_samples: Size of the test set.
        seeds: Number of seeds.
        coverage: Lowest and highest share of intervals that hold the true mean.
        false: Lowest and highest share of runs with a false verdict.
        upper: The highest upper bound of that share.
    """

    deviation: float
    test_samples: int
    seeds: int
    coverage: tuple[float, float]
    false: tuple[float, float]
    upper: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Simulated measurements of speed on one kind of machine, in both orders."""

    name: str
    interleaved: SpeedErrors
    sequential: SpeedErrors


@dataclass(frozen=True, kw_only=True)
class ReliabilityView:
    """The simulations in numbers; `worst` has the most false verdicts of accuracy."""

    test_samples: tuple[int, ...]
    worst: AccuracyErrors
    simulated: tuple[Simulated, ...]
    machines: tuple[Machine, ...]


def reliability() -> str:
    """Coverage of the intervals, false verdicts of accuracy, false verdicts of speed."""
    return render(Path(__file__).parent, "reliability", reliability_view())


def reliability_view() -> ReliabilityView:
    """The numbers of both simulations."""
    calibrations = read_accuracy_errors()
    return ReliabilityView(
        test_samples=tuple(sorted({c.test_samples for c in calibrations})),
        worst=max(calibrations, key=lambda c: c.false_share_upper),
        simulated=tuple(_simulated(calibrations)),
        machines=tuple(_machines(read_speed_errors())),
    )


def _simulated(calibrations: Sequence[AccuracyErrors]) -> list[Simulated]:
    groups: dict[tuple[float, int, int], list[AccuracyErrors]] = {}
    for c in calibrations:
        groups.setdefault((c.seed_deviation_logit, c.test_samples, c.seeds), []).append(c)
    return [
        Simulated(
            deviation=deviation,
            test_samples=samples,
            seeds=seeds,
            coverage=_ends([c.coverage_this_test_set for c in found]),
            false=_ends([c.false_share for c in found]),
            upper=max(c.false_share_upper for c in found),
        )
        for (deviation, samples, seeds), found in sorted(groups.items())
    ]


def _machines(outcomes: Sequence[SpeedErrors]) -> list[Machine]:
    by_order = {(o.scenario, o.order): o for o in outcomes if o.interval == "wilcoxon"}
    return [
        Machine(
            name=scenario,
            interleaved=by_order[scenario, "interleaved"],
            sequential=by_order[scenario, "sequential"],
        )
        for scenario in dict.fromkeys(outcome.scenario for outcome in outcomes)
    ]


def _ends(shares: Sequence[float]) -> tuple[float, float]:
    return min(shares), max(shares)
