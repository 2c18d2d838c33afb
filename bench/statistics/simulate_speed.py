"""How often the verdicts of speed are wrong, by simulation: `python -m bench.drift`.

Block times are drawn with noise, outliers and a machine that changes while it is measured, for
networks that are equally fast; then the suite's own rule gives its verdicts. A run counts as false
if it calls any of its networks faster or slower. Beside the suite's way, interleaved rounds with
Wilcoxon's interval, stand two others: the same with Student's interval, and networks measured one
after the other. The outcome stands in `drift.csv` beside this file.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, cast

import numpy as np
from scipy import stats

from bench.statistics.accuracy import CONFIDENCE, upper_bound
from bench.statistics.speed import Array, Locate, Location, judge, wilcoxon

Order = Literal["interleaved", "sequential"]
Interval = Literal["wilcoxon", "student"]
Machine = Callable[[np.random.Generator, tuple[int, int]], Array]

NETWORKS = 13
ROUNDS = 20
RUNS = 2_000
POWER = 0.8
SEED = 0
OUTCOME = Path(__file__).with_name("drift.csv")

NOISE = 0.02  # standard deviation of a block's log time
OUTLIERS = 0.03  # share of blocks that something else delays,
DELAY = 0.3  # by this share of their time on average


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What goes on while networks are measured.

    Attributes:
        words: The machine, in words for the report.
        machine: The log of how much slower the machine is at the moment of each block, of shape
            (runs, blocks).
        uneven: Every other network's blocks have three times the noise.
    """

    words: str
    machine: Machine
    uneven: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the verdicts are worth in one scenario.

    Attributes:
        scenario: Its name in `SCENARIOS`.
        order: How the networks are measured.
        interval: How ratio and noise floor are estimated.
        false_runs: Of `RUNS` runs without any true difference, those with a wrong verdict.
        false_runs_of_test_alone: Those with a wrong verdict if the adjusted p value decided it, and
            the noise floor were not asked.
        false_rate_upper: One-sided 95% upper bound of the rate of `false_runs` (Clopper and
            Pearson), 0..1.
        smallest_ratio: The smallest true ratio of times, to 0.001, that is found in 80% of the
            runs; None where it would mean nothing, because networks are measured in sequence.
    """

    scenario: str
    order: Order
    interval: Interval
    false_runs: int
    false_runs_of_test_alone: int
    false_rate_upper: float
    smallest_ratio: float | None

    @property
    def false_rate(self) -> float:
        """Share of runs with a wrong verdict, 0..1."""
        return self.false_runs / RUNS


def _steady(_: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.zeros(shape)


def _slowing(by: float) -> Machine:
    return lambda _, shape: np.tile(np.log1p(by * np.linspace(0, 1, shape[1])), (shape[0], 1))


def _random_walk(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    walk: Array = generator.normal(0, 0.15 / shape[1] ** 0.5, shape).cumsum(axis=1)
    return walk


def _step(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    when = generator.uniform(0, 1, (shape[0], 1))
    return np.where(np.linspace(0, 1, shape[1]) < when, 0.0, np.log(1.2))


def _burst(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    since = np.linspace(0, 1, shape[1]) - generator.uniform(0, 0.85, (shape[0], 1))
    return np.where((since >= 0) & (since < 0.15), np.log(1.5), 0.0)


SCENARIOS: dict[str, Scenario] = {
    "steady": Scenario(words="a steady machine", machine=_steady),
    "uneven": Scenario(
        words="a steady machine, every other network with three times the noise",
        machine=_steady,
        uneven=True,
    ),
    "slowing-10": Scenario(words="slows down evenly, by 10% in all", machine=_slowing(0.1)),
    "slowing-30": Scenario(words="slows down evenly, by 30% in all", machine=_slowing(0.3)),
    "random-walk": Scenario(
        words="wanders at random, typically by 15% in all", machine=_random_walk
    ),
    "step": Scenario(words="becomes 20% slower at some moment, and stays so", machine=_step),
    "burst": Scenario(words="is 50% slower for 15% of the time, once", machine=_burst),
}


def simulate(
    scenario: Scenario,
    *,
    order: Order,
    runs: int,
    seed: int,
    networks: int = NETWORKS,
    rounds: int = ROUNDS,
) -> Array:
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
    scenario: Scenario, *, order: Order, interval: Interval, runs: int = RUNS
) -> tuple[int, int]:
    """How many runs call a network faster or slower, all being equally fast; then by p alone."""
    log_seconds = simulate(scenario, order=order, runs=runs, seed=SEED)
    judged = judge(log_seconds, _LOCATE[interval])
    by_p = judged.adjusted_p < 1 - CONFIDENCE
    return int((judged.verdicts != 0).any(axis=1).sum()), int(by_p.any(axis=1).sum())


def smallest_ratio(scenario: Scenario, *, interval: Interval, runs: int = RUNS) -> float:
    """The smallest ratio of times, in steps of 0.001 up to 2, found in 80% of the runs."""
    log_seconds = simulate(scenario, order="interleaved", runs=runs, seed=SEED + 1)

    def found(thousandths: int) -> float:
        slowed = log_seconds.copy()
        slowed[:, 1] += np.log1p(thousandths / 1000)
        return float((judge(slowed, _LOCATE[interval]).verdicts[:, 0] == -1).mean())

    return (1000 + bisect_left(range(1000), POWER, lo=1, key=found)) / 1000


def outcomes() -> Iterator[Outcome]:
    """Simulates every scenario under every way of measuring; takes about a minute."""
    ways: tuple[tuple[Order, Interval], ...] = (
        ("interleaved", "wilcoxon"),
        ("interleaved", "student"),
        ("sequential", "wilcoxon"),
    )
    for name, scenario in SCENARIOS.items():
        for order, interval in ways:
            false, by_p = count_false(scenario, order=order, interval=interval)
            yield Outcome(
                scenario=name,
                order=order,
                interval=interval,
                false_runs=false,
                false_runs_of_test_alone=by_p,
                false_rate_upper=round(upper_bound(false, RUNS), 5),
                smallest_ratio=smallest_ratio(scenario, interval=interval)
                if order == "interleaved"
                else None,
            )


def read_drift(path: Path = OUTCOME) -> tuple[Outcome, ...]:
    """The outcomes as the last simulation left them, in its order."""
    with path.open(newline="") as file:
        return tuple(
            Outcome(
                scenario=row["scenario"],
                order=cast("Order", row["order"]),
                interval=cast("Interval", row["interval"]),
                false_runs=int(row["false_runs"]),
                false_runs_of_test_alone=int(row["false_runs_of_test_alone"]),
                false_rate_upper=float(row["false_rate_upper"]),
                smallest_ratio=float(row["smallest_ratio"]) if row["smallest_ratio"] else None,
            )
            for row in csv.DictReader(file)
        )


def _student(differences: Array) -> Location:
    """The mean of paired differences with Student's interval and test, (...)."""
    n = differences.shape[-1]
    mean = differences.mean(axis=-1)
    error = differences.std(axis=-1, ddof=1) / n**0.5
    half = stats.t.ppf(0.975, n - 1) * error
    p = 2 * stats.t.sf(np.abs(mean) / error, n - 1)
    return Location(centre=mean, low=mean - half, high=mean + half, p=p)


_LOCATE: dict[Interval, Locate] = {"wilcoxon": wilcoxon, "student": _student}


def main() -> int:
    """Simulates, writes the outcome and prints it."""
    with OUTCOME.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Outcome)])
        writer.writeheader()
        for outcome in outcomes():
            print(outcome)
            writer.writerow(asdict(outcome))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
