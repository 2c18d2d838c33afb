"""How often the verdicts of a report are wrong and what they find, by simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.statistics.error_rates import (
    SPEED_RUNS,
    PairErrors,
    ReportErrors,
    SettlingErrors,
    SpeedErrors,
    SpeedRegime,
    SpreadName,
    read_pair_errors,
    read_report_errors,
    read_settling_errors,
    read_speed_errors,
    read_speed_regimes,
)


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Simulated comparisons of accuracy that differ in the true difference alone.

    Attributes:
        spread: How the seeds of the one network differ.
        seeds: Number of seeds.
        coverage: Lowest and highest share of intervals that hold the true difference.
        false: Share of false verdicts where there is no difference.
        found: By true difference, how often the better network is called better.
        old_found: The same of the rule that was used before.
        false_equivalent: How often a difference as large as the margin is called equivalent.
        equivalent: How often no difference is.
    """

    spread: SpreadName
    seeds: int
    coverage: tuple[float, float]
    false: float
    found: dict[float, float]
    old_found: dict[float, float]
    false_equivalent: float
    equivalent: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Simulated measurements of speed on one kind of machine.

    Attributes:
        networks: How many networks are timed.
        rule: By this suite's rule, interleaved.
        sequential: By this suite's rule, one network after the other.
    """

    name: str
    networks: int
    rule: SpeedErrors
    sequential: SpeedErrors


@dataclass(frozen=True, kw_only=True)
class ReliabilityView:
    """The simulations in numbers.

    Attributes:
        test_samples: Size of the simulated test set that is nearest to the run's.
        simulated: Single comparisons on it.
        differences: The true differences of the columns.
        reports: Whole reports on the nearest test set.
        report_samples: Its size.
        machines: Measurements of speed.
        settling: Runs until settled, on the simulated test set that is nearest to the run's.
        worst: The one of them with the most false verdicts where there is no difference.
    """

    test_samples: int
    simulated: tuple[Simulated, ...]
    differences: tuple[float, ...]
    reports: tuple[ReportErrors, ...]
    report_samples: int
    machines: tuple[Machine, ...]
    regimes: tuple[SpeedRegime, ...]
    settling: tuple[SettlingErrors, ...]
    worst: SettlingErrors
    speed_runs: int = SPEED_RUNS


def reliability_view(test_samples: int) -> ReliabilityView:
    """The numbers of both simulations."""
    pairs, reports = read_pair_errors(), read_report_errors()
    size = _nearest(test_samples, [row.test_samples for row in pairs])
    report_size = _nearest(test_samples, [row.test_samples for row in reports])
    fitting = [row for row in pairs if row.test_samples == size]
    until_settled = read_settling_errors()
    nearest = _nearest(test_samples, [row.test_samples for row in until_settled])
    return ReliabilityView(
        test_samples=size,
        simulated=tuple(_simulated(fitting)),
        differences=tuple(sorted({row.difference for row in fitting} - {0.0})),
        reports=tuple(row for row in reports if row.test_samples == report_size),
        report_samples=report_size,
        machines=tuple(_machines(read_speed_errors())),
        regimes=tuple(row for row in read_speed_regimes() if row.rule == "processes"),
        settling=tuple(row for row in until_settled if row.test_samples == nearest),
        worst=max(
            (row for row in until_settled if row.difference == 0),
            key=lambda row: row.false_upper,
        ),
    )


def _nearest(size: int, sizes: Sequence[int]) -> int:
    """The simulated size with the nearest ratio."""
    return min(sizes, key=lambda known: abs(math.log(known / size)))


def _simulated(rows: Sequence[PairErrors]) -> list[Simulated]:
    groups: dict[tuple[SpreadName, int], dict[float, PairErrors]] = {}
    for row in rows:
        groups.setdefault((row.spread, row.seeds), {})[row.difference] = row
    return [
        Simulated(
            spread=spread,
            seeds=seeds,
            coverage=_ends([row.coverage for row in found.values()]),
            false=found[0.0].better + found[0.0].worse,
            found={difference: row.better for difference, row in found.items()},
            old_found={difference: row.old_better for difference, row in found.items()},
            false_equivalent=found[0.005].equivalent,
            equivalent=found[0.0].equivalent,
        )
        for (spread, seeds), found in groups.items()
    ]


def _machines(outcomes: Sequence[SpeedErrors]) -> list[Machine]:
    found = {(o.scenario, o.networks, o.order, o.rule): o for o in outcomes}
    return [
        Machine(
            name=name,
            networks=networks,
            rule=found[name, networks, "interleaved", "processes"],
            sequential=found[name, networks, "sequential", "processes"],
        )
        for name, networks in dict.fromkeys((o.scenario, o.networks) for o in outcomes)
    ]


def _ends(shares: Sequence[float]) -> tuple[float, float]:
    return min(shares), max(shares)
