"""`python -m studies.control_errors`: how often controls fail by chance, by simulation.

Three networks are simulated, trained and timed as in `studies.simulated_networks` and
`studies.speed_errors`; nothing is wrong with them. The first is fully connected: on permuted pixels
it is itself, trained from other seeds. Its step is the one that is divided into two groups of
processes, and the second network is its step with the planted delay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from bench.statistics.basics import Bools, Floats, holm
from bench.statistics.controls import LEVEL, Planted, plant
from bench.statistics.error_rates import CONTROL_ERRORS, ControlErrors, SpreadName
from bench.statistics.regimes import unstable
from bench.statistics.speed import MARGINS, VERDICTS, hodges_lehmann, judge, student, two_samples
from bench.statistics.uncertainty import crossed
from studies import speed_errors
from studies.results import upper_bound, write
from studies.simulated_networks import CALM, SKEWED, Spread, simulate

SEEDS = (5, 20)
MACHINES = ("steady", "lucky", "rough")
SPREADS: Mapping[SpreadName, Spread] = {"calm": CALM, "skewed": SKEWED}
RUNS, HANDICAPS = 2_000, 300
SAMPLES = 360
ACCURACY = 0.97
NETWORKS = 3
DELAY = 0.03


def main() -> int:
    """Simulates, writes the results and prints them; takes a few minutes."""
    write(CONTROL_ERRORS, ControlErrors, simulate_errors())
    return 0


def simulate_errors() -> Iterator[ControlErrors]:
    """A row for every number of seeds, kind of seeds and machine."""
    clocks = {machine: speed(machine) for machine in MACHINES}
    for seeds, spread in product(SEEDS, SPREADS):
        permuted, halves, planted = accuracy(seeds, spread)
        for machine, (processes, delay) in clocks.items():
            failed = permuted | halves | processes
            yield ControlErrors(
                seeds=seeds,
                spread=spread,
                machine=machine,
                runs=RUNS,
                permuted=_share(permuted),
                halves=_share(halves),
                processes=_share(processes),
                any_negative=_share(failed),
                any_upper=round(upper_bound(int(failed.sum()), RUNS), 4),
                delay_passes=_share(delay),
                handicap_passes=_share(np.array([is_found(item) for item in planted])),
                handicap=round(float(np.mean([item.handicap for item in planted])), 4),
            )


def accuracy(
    seeds: int, spread: SpreadName, runs: int = RUNS, handicaps: int = HANDICAPS
) -> tuple[Bools, Bools, list[Planted]]:
    """In which runs permuted pixels and halves of seeds are called different; and handicaps."""
    rng = np.random.default_rng([seeds, *spread.encode()])
    networks = [(ACCURACY, SPREADS[spread]), *[(ACCURACY, CALM)] * (NETWORKS - 1)]
    permuted, halves = [], []
    planted: list[Planted] = []
    for right in simulate(rng, networks, runs=runs, seeds=2 * seeds, samples=SAMPLES):
        first, second = right[:, :, :seeds], right[:, :, seeds:]
        permuted.append(_p(second[:, 0], first[:, 0]) <= LEVEL)
        half = seeds // 2
        p = np.stack(
            [_p(first[:, i, :half], first[:, i, -half:]) for i in range(NETWORKS)], axis=-1
        )
        halves.append((holm(p) <= LEVEL).any(axis=-1))
        left = handicaps - len(planted)
        planted += [plant(run[0], same_samples=True) for run in first[:left]]
    return np.concatenate(permuted), np.concatenate(halves), planted


def is_found(planted: Planted) -> bool:
    """Whether a handicap passes: it is found, and the interval holds it."""
    found = planted.comparison
    if found is None or found.widest is None or found.verdict != "worse":
        return False
    return found.widest.low <= -planted.handicap <= found.widest.high


def speed(machine: str, delay: float = DELAY, runs: int = RUNS) -> tuple[Bools, Bools]:
    """In which runs two groups of processes are called different, and the delay passes."""
    scenario = speed_errors.SCENARIOS[machine]
    log_seconds = speed_errors.simulate(scenario, networks=NETWORKS, runs=runs)
    log_seconds[:, 1] += np.log1p(delay)
    each = hodges_lehmann(log_seconds[:, 0])
    apart = two_samples(each[:, ::2], each[:, 1::2], LEVEL)
    called = (apart.p <= LEVEL) & (np.abs(apart.centre) > np.log1p(MARGINS.difference))
    changed = unstable(log_seconds)
    steps = log_seconds[:, :2]
    verdicts = judge(steps, changed[:, :2]).verdicts[:, 0]
    times = student(hodges_lehmann(steps[:, 1] - steps[:, 0]), LEVEL)
    planted = np.log1p(DELAY)
    held = (times.low <= planted) & (planted <= times.high)
    return called, (verdicts == VERDICTS.index("slower")) & held


def _p(ours: Bools, theirs: Bools) -> Floats:
    """(runs,), of the test that two networks (runs, seeds, samples) are equally accurate."""
    by_seed, by_sample = (ours.mean(axis=axis) - theirs.mean(axis=axis) for axis in (-1, -2))
    apart = (ours != theirs).mean(axis=(-1, -2))
    cubes = [right.mean(axis=-1).std(axis=-1, ddof=1) ** 3 for right in (ours, theirs)]
    found = crossed(by_seed, by_sample, apart, cubes[0] - cubes[1])
    return np.nan_to_num(found.p(by_seed.mean(axis=-1)), nan=1.0)


def _share(found: Bools) -> float:
    return round(float(found.mean()), 4)


if __name__ == "__main__":
    raise SystemExit(main())
