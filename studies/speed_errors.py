"""`python -m studies.speed_errors`: how often verdicts on speed err, by simulation.

Block times are drawn with noise, outliers, luck of processes and a machine that changes while it is
measured, for networks that are equally fast; then the suite's own rule gives its verdicts. A run
counts as false if it calls any of its networks faster or slower. Then delays are planted, to see
what is found, and regimes that a network falls into, to see what is withheld. Beside the suite's
rule is the one that it replaces: a single process, Wilcoxon's interval over its rounds, and a noise
floor from timing every network under two labels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.statistics.basics import ALPHA, POWER, Bools, Floats, holm
from bench.statistics.error_rates import (
    PLANTED,
    SPEED_ERRORS,
    SPEED_REGIMES,
    SPEED_RUNS,
    Order,
    Rule,
    SpeedErrors,
    SpeedRegime,
)
from bench.statistics.regimes import unstable
from bench.statistics.speed import MARGINS, VERDICTS, judge, wilcoxon
from studies.results import upper_bound, write

Machine = Callable[[np.random.Generator, tuple[int, int]], Floats]
Regime = Callable[[np.random.Generator, tuple[int, int, int]], Floats]

NETWORKS = (3, 13)  # of the default comparison, and of all networks of digits
BESIDE = 8  # what else is measured in the same rounds, as other phases and the yardstick
# Processes and rounds of each; the old rule's process visits under two labels in every round.
SHAPES: dict[Rule, tuple[int, int]] = {"processes": (5, 8), "noise floor": (1, 40)}
SEED = 0

NOISE, ROUGH = 0.02, 0.06  # standard deviation of a block's log time; digits' training blocks: 0.06
OUTLIERS = 0.03  # share of blocks that something else delays,
DELAY = 0.3  # by this share of their time on average
LUCK = 0.01  # standard deviation of a network's log time over processes


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What goes on while networks are measured.

    Attributes:
        machine: The log of how much slower the machine is at the moment of each block, of shape
            (runs, blocks).
        noise: Standard deviation of a block's log time.
        uneven: Every other network's blocks have three times the noise.
        luck: Standard deviation of a network's log time over processes.
    """

    machine: Machine
    noise: float = NOISE
    uneven: bool = False
    luck: float = 0.0


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
    "rough": Scenario(machine=_steady, noise=ROUGH),
    "lucky": Scenario(machine=_steady, luck=LUCK),
    "slowing-10": Scenario(machine=_slowing(0.1)),
    "slowing-30": Scenario(machine=_slowing(0.3)),
    "random-walk": Scenario(machine=_random_walk),
    "step": Scenario(machine=_step),
    "burst": Scenario(machine=_burst),
}


def _whole_process(_: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """In one process, from its start to its end."""
    slow = np.zeros(shape)
    slow[:, 0] = 1
    return slow


def _late(generator: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """In one process, from a random round on."""
    slow = _each_process(generator, shape)
    slow[:, 1:] = 0
    return slow


def _each_process(generator: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """In every process, each from a random round of its own on."""
    begin = generator.integers(1, shape[2], (*shape[:2], 1))
    return (np.arange(shape[2]) >= begin).astype(np.float64)


def _by_fits(generator: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """In three of ten blocks of every process, at random."""
    return (generator.random(shape) < 0.3).astype(np.float64)


# By name, when a network is slower, and how many times as long it takes then. 122 and 425
# microseconds are what a sigmoid was seen to take in one process.
REGIMES: dict[str, tuple[Regime, float]] = {
    "one process": (_whole_process, 1.1),
    "late in one process": (_late, 1.1),
    "late in every process": (_each_process, 1.1),
    "by fits": (_by_fits, 1.1),
    "122 to 425": (_each_process, 425 / 122),
}


def simulate(
    scenario: Scenario,
    *,
    order: Order = "interleaved",
    rule: Rule = "processes",
    networks: int,
    runs: int = SPEED_RUNS,
    seed: int = SEED,
) -> Floats:
    """Log block times of equally fast networks and of `BESIDE` other workloads.

    Returns:
        (runs, networks and others, processes, rounds).
    """
    generator = np.random.default_rng(seed)
    processes, rounds = SHAPES[rule]
    workloads = networks + BESIDE
    shape = (runs, workloads, processes, rounds)
    machine = scenario.machine(generator, (runs, workloads * processes * rounds))
    if order == "interleaved":
        # In every round all processes take a turn, and each visits all workloads in an order of its
        # own. The old rule's labels are visited in turns, too.
        turns = generator.permuted(
            np.broadcast_to(np.arange(workloads), (runs, rounds * processes, workloads)), axis=-1
        )
        met = np.take_along_axis(machine.reshape(turns.shape), turns, axis=-1)
        times = np.moveaxis(met.reshape(runs, rounds, processes, workloads), (3, 1), (1, 3))
    else:  # one network after the other
        times = machine.reshape(shape)
    spread = np.full((workloads, 1, 1), scenario.noise)
    if scenario.uneven:
        spread[1::2] *= 3
    delayed = generator.random(shape) < OUTLIERS
    delays = np.log1p(generator.exponential(DELAY, shape))
    luck = generator.normal(0, scenario.luck, (*shape[:3], 1)) if scenario.luck else 0.0
    noise = generator.normal(0, spread, shape)
    return times + luck + noise + np.where(delayed, delays, 0.0)


def verdicts(log_seconds: Floats, rule: Rule = "processes", changed: Bools | None = None) -> Floats:
    """What a rule says of every network but the first: indices of `VERDICTS`.

    Args:
        log_seconds: As `simulate` gives them.
        rule: What decides.
        changed: What `unstable` says of them, where that is known already.
    """
    timed = log_seconds[:, :-BESIDE]
    if rule == "noise floor":
        return _by_noise_floor(timed[..., 0, :])
    if changed is None:
        changed = unstable(log_seconds)
    return judge(timed, changed[:, :-BESIDE]).verdicts


def slowed(log_seconds: Floats, by: float) -> Floats:
    """The same with the second network slower by such a fraction."""
    delayed = log_seconds.copy()
    delayed[:, 1] += np.log1p(by)
    return delayed


def _by_noise_floor(log_seconds: Floats) -> Floats:
    """The rule that this one replaces: beyond what the networks differ by from themselves.

    Args:
        log_seconds: Of blocks in the order measured, two a round, (..., networks, blocks).
    """
    labels = log_seconds.reshape(*log_seconds.shape[:-1], -1, 2)
    rounds = labels.mean(axis=-1)
    own = wilcoxon(labels[..., 0] - labels[..., 1])
    floors = np.maximum(np.abs(own.low), np.abs(own.high))
    floor = np.maximum(floors[..., :1], floors[..., 1:])
    found = wilcoxon(rounds[..., :1, :] - rounds[..., 1:, :])
    sure = holm(found.p) < ALPHA
    said: Floats = np.select([sure & (found.low > floor), sure & (found.high < -floor)], [1, 2], 0)
    return said


def has(said: Floats, *words: str) -> Bools:
    """Where a verdict is one of these words."""
    codes = [index for index, word in enumerate(VERDICTS) if word in words]
    found: Bools = np.isin(said, codes)
    return found


def errors(name: str, *, networks: int, order: Order, rule: Rule) -> SpeedErrors:
    """What a rule says where all networks are equally fast, and where one or all are slower."""
    log_seconds = simulate(SCENARIOS[name], order=order, rule=rule, networks=networks)
    # Whole networks that are slower change nothing in what `unstable` looks at.
    changed = unstable(log_seconds)
    said = verdicts(log_seconds, rule, changed)
    false = int(has(said, "faster", "slower").any(axis=1).sum())

    @cache
    def found(thousandths: int) -> int:
        """Runs that find a network that is slower by so much."""
        planted = verdicts(slowed(log_seconds, thousandths / 1000), rule, changed)
        return int(has(planted[:, 0], "slower").sum())

    interleaved = order == "interleaved"
    return SpeedErrors(
        scenario=name,
        networks=networks,
        order=order,
        rule=rule,
        false_runs=false,
        false_rate_upper=round(upper_bound(false, SPEED_RUNS), 5),
        false_alarms=int(has(said, "unstable").any(axis=1).sum()),
        as_fast_share=round(float(has(said, "as fast").mean()), 4),
        false_as_fast_runs=_false_as_fast(log_seconds, changed) if rule == "processes" else 0,
        **{f"found_{percent}": found(10 * percent) if interleaved else None for percent in PLANTED},
        smallest_ratio=smallest_ratio(found) if interleaved else None,
    )


def _false_as_fast(log_seconds: Floats, changed: Bools) -> int:
    """In how many runs a network is called as fast, all being slower by the whole margin."""
    delayed = log_seconds.copy()
    delayed[:, 1:-BESIDE] += np.log1p(MARGINS.equivalence)
    return int(has(verdicts(delayed, changed=changed), "as fast").any(axis=1).sum())


def smallest_ratio(found: Callable[[int], int]) -> float | None:
    """The smallest ratio of times found in 80% of the runs; None if it is 2 or more.

    Args:
        found: In how many runs a network is found that is slower by so many thousandths.
    """
    thousandths = bisect_left(range(1000), POWER * SPEED_RUNS, lo=1, key=found)
    return (1000 + thousandths) / 1000 if thousandths < 1000 else None


def regime(name: str, *, networks: int, rule: Rule, runs: int = SPEED_RUNS) -> SpeedRegime:
    """What a rule says of a network that falls into a regime, being as fast as all others."""
    log_seconds = simulate(SCENARIOS["steady"], rule=rule, networks=networks, runs=runs)
    slow, times = REGIMES[name]
    generator = np.random.default_rng(SEED + 1)
    log_seconds[:, 1] += np.log(times) * slow(generator, (runs, *SHAPES[rule]))
    said = verdicts(log_seconds, rule)
    false = int(has(said[:, 0], "faster", "slower").sum())
    return SpeedRegime(
        regime=name,
        networks=networks,
        rule=rule,
        withheld=int(has(said[:, 0], "unstable").sum()),
        false_runs=false,
        false_rate_upper=round(upper_bound(false, runs), 5),
    )


def simulate_errors() -> Iterator[SpeedErrors]:
    """Every scenario with both rules interleaved, and with the suite's in sequence."""
    ways: tuple[tuple[Order, Rule], ...] = (
        ("interleaved", "processes"),
        ("interleaved", "noise floor"),
        ("sequential", "processes"),
    )
    for name in SCENARIOS:
        for networks in NETWORKS:
            for order, rule in ways:
                yield errors(name, networks=networks, order=order, rule=rule)


def simulate_regimes() -> Iterator[SpeedRegime]:
    """Every regime with both rules."""
    for name in REGIMES:
        for networks in NETWORKS:
            for rule in SHAPES:
                yield regime(name, networks=networks, rule=rule)


def main() -> int:
    """Simulates, writes the results and prints them; takes about two minutes."""
    write(SPEED_REGIMES, SpeedRegime, simulate_regimes())
    write(SPEED_ERRORS, SpeedErrors, simulate_errors())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
