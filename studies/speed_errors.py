"""`python -m studies.speed_errors`: how often verdicts on speed err, by simulation.

Block times are drawn with noise, outliers and a machine that changes while it is measured, for
networks that are equally fast; then the suite's own rule gives its verdicts. A run counts as false
if it calls any of its networks faster or slower. Beside the suite's way, interleaved rounds with
Wilcoxon's interval, are two others: the same with Student's interval, and networks measured one
after the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.statistics.basics import ALPHA, POWER, Floats, student_quantile
from bench.statistics.error_rates import (
    SPEED_ERRORS,
    SPEED_RUNS,
    IntervalName,
    Order,
    SpeedErrors,
)
from bench.statistics.speed import Locate, Location, judge, wilcoxon
from studies.results import upper_bound, write

Machine = Callable[[np.random.Generator, tuple[int, int]], Floats]

NETWORKS = 13
ROUNDS = 20
SEED = 0

NOISE = 0.02  # standard deviation of a block's log time
OUTLIERS = 0.03  # share of blocks that something else delays,
DELAY = 0.3  # by this share of their time on average


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What goes on while networks are measured.

    Attributes:
        machine: The log of how much slower the machine is at the moment of each block, of shape
            (runs, blocks).
        uneven: Every other network's blocks have three times the noise.
    """

    machine: Machine
    uneven: bool = False


def _steady(_: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return np.zeros(shape)


def _slowing(by: float) -> Machine:
    """Slows down evenly, in all by such a fraction."""
    return lambda _, shape: np.tile(np.log1p(by * np.linspace(0, 1, shape[1])), (shape[0], 1))


def _random_walk(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Wanders at random, typically by 15% in all."""
    walk: Floats = generator.normal(0, 0.15 / shape[1] ** 0.5, shape).cumsum(axis=1)
    return walk


def _step(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Becomes 20% slower at some moment, and stays so."""
    when = generator.uniform(0, 1, (shape[0], 1))
    return np.where(np.linspace(0, 1, shape[1]) < when, 0.0, np.log(1.2))


def _burst(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Is 50% slower for 15% of the time, once."""
    since = np.linspace(0, 1, shape[1]) - generator.uniform(0, 0.85, (shape[0], 1))
    return np.where((since >= 0) & (since < 0.15), np.log(1.5), 0.0)


SCENARIOS: dict[str, Scenario] = {
    "steady": Scenario(machine=_steady),
    "uneven": Scenario(machine=_steady, uneven=True),
    "slowing-10": Scenario(machine=_slowing(0.1)),
    "slowing-30": Scenario(machine=_slowing(0.3)),
    "random-walk": Scenario(machine=_random_walk),
    "step": Scenario(machine=_step),
    "burst": Scenario(machine=_burst),
}


def simulate(
    scenario: Scenario,
    *,
    order: Order,
    runs: int,
    seed: int,
    networks: int = NETWORKS,
    rounds: int = ROUNDS,
) -> Floats:
    """Log block times of equally fast networks, (runs, networks, 2 labels, rounds)."""
    generator = np.random.default_rng(seed)
    visits = 2 * networks
    machine = scenario.machine(generator, (runs, rounds * visits))
    if order == "interleaved":
        # Each round visits every network under both labels, in an order of its own.
        turns = generator.permuted(
            np.broadcast_to(np.arange(visits), (runs, rounds, visits)), axis=-1
        )
        met = np.take_along_axis(machine.reshape(runs, rounds, visits), turns, axis=-1)
        times = np.moveaxis(met.reshape(runs, rounds, networks, 2), 1, -1)
    else:
        # One network after the other, its labels taking turns.
        times = np.moveaxis(machine.reshape(runs, networks, rounds, 2), 2, -1)
    spread = np.full((networks, 1, 1), NOISE)
    if scenario.uneven:
        spread[1::2] *= 3
    delayed = generator.random(times.shape) < OUTLIERS
    delays = np.log1p(generator.exponential(DELAY, times.shape))
    return times + generator.normal(0, spread, times.shape) + np.where(delayed, delays, 0.0)


def count_false(
    scenario: Scenario, *, order: Order, interval: IntervalName, runs: int = SPEED_RUNS
) -> tuple[int, int]:
    """How many runs call a network faster or slower, all being equally fast; then by p alone."""
    log_seconds = simulate(scenario, order=order, runs=runs, seed=SEED)
    judged = judge(log_seconds, _LOCATE[interval])
    by_p = judged.adjusted_p < ALPHA
    return int((judged.verdicts != 0).any(axis=1).sum()), int(by_p.any(axis=1).sum())


def smallest_ratio(
    scenario: Scenario, *, interval: IntervalName, runs: int = SPEED_RUNS
) -> float | None:
    """The smallest ratio of times found in 80% of the runs; None if it is 2 or more."""
    log_seconds = simulate(scenario, order="interleaved", runs=runs, seed=SEED + 1)

    def found(thousandths: int) -> float:
        slowed = log_seconds.copy()
        slowed[:, 1] += np.log1p(thousandths / 1000)
        return float((judge(slowed, _LOCATE[interval]).verdicts[:, 0] == -1).mean())

    thousandths = bisect_left(range(1000), POWER, lo=1, key=found)
    return (1000 + thousandths) / 1000 if thousandths < 1000 else None


def simulate_all() -> Iterator[SpeedErrors]:
    """Simulates every scenario under every way of measuring; takes about a minute."""
    ways: tuple[tuple[Order, IntervalName], ...] = (
        ("interleaved", "wilcoxon"),
        ("interleaved", "student"),
        ("sequential", "wilcoxon"),
    )
    for name, scenario in SCENARIOS.items():
        for order, interval in ways:
            false, by_p = count_false(scenario, order=order, interval=interval)
            yield SpeedErrors(
                scenario=name,
                order=order,
                interval=interval,
                false_runs=false,
                false_runs_of_test_alone=by_p,
                false_rate_upper=round(upper_bound(false, SPEED_RUNS), 5),
                smallest_ratio=smallest_ratio(scenario, interval=interval)
                if order == "interleaved"
                else None,
            )


def _student(differences: Floats) -> Location:
    """The mean of paired differences with Student's interval and test, (...)."""
    n = differences.shape[-1]
    mean = differences.mean(axis=-1)
    error = differences.std(axis=-1, ddof=1) / n**0.5
    half = student_quantile(n - 1) * error
    p = 2 * stats.t.sf(np.abs(mean) / error, n - 1)
    return Location(centre=mean, low=mean - half, high=mean + half, p=p)


_LOCATE: dict[IntervalName, Locate] = {"wilcoxon": wilcoxon, "student": _student}


def main() -> int:
    """Simulates, writes the result and prints it."""
    write(SPEED_ERRORS, SpeedErrors, simulate_all())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
