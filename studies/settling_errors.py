"""`python -m studies.settling_errors`: how often a run until settled errs, and how long it takes.

A run of three networks is simulated (`studies.simulated_networks`): a calm baseline, and two that
differ from it by the same true difference. The whole procedure is gone through: looks at 5, 10, 20
and 40 seeds, levels, Holm's adjustment of both comparisons, equivalence, and what is given up
because no further seed is likely to decide it. Beside it stands the same run with 20 seeds fixed
before. All differences see the same chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from bench.statistics.basics import ALPHA, Bools, Floats
from bench.statistics.error_rates import SETTLING_ERRORS, SettlingErrors, SpreadName
from bench.statistics.margin import MARGIN
from bench.statistics.sequential import (
    LOOKS,
    MOST_FROM_SAMPLES,
    fractions,
    from_samples,
    may_settle,
    nominal_levels,
)
from bench.statistics.uncertainty import Uncertainty, crossed
from studies.accuracy_errors import ACCURACY, DIFFERENCES, SAMPLES, SPREADS
from studies.results import upper_bound, write
from studies.simulated_networks import CALM, simulate

FIXED = 20  # seeds
RUNS = {360: 4_000, 1_797: 4_000, 10_000: 1_000}
# Levels are interpolated between these shares of the variance that come from samples.
_SHARES = np.linspace(0, MOST_FROM_SAMPLES, 100)


def main() -> int:
    """Simulates, writes the result and prints it; takes minutes."""
    write(SETTLING_ERRORS, SettlingErrors, simulate_all())
    return 0


def simulate_all() -> Iterator[SettlingErrors]:
    """The rows of all kinds of runs, in order."""
    for samples, spread, difference in product(SAMPLES, SPREADS, DIFFERENCES):
        yield procedure(samples, spread, difference, runs=RUNS[samples])


def procedure(samples: int, spread: SpreadName, difference: float, *, runs: int) -> SettlingErrors:
    """The row of one kind of runs; the same every time."""
    rng = np.random.default_rng([samples, *spread.encode()])
    other = (ACCURACY + difference, SPREADS[spread])
    parts = simulate(
        rng, [(ACCURACY, CALM), other, other], runs=runs, seeds=LOOKS[-1], samples=samples
    )
    pairs = [(settled(right), fixed(right[:, :, :FIXED])) for right in parts]
    ours, theirs = (_joined([pair[place] for pair in pairs]) for place in (0, 1))
    false = ours.false(difference)
    return SettlingErrors(
        test_samples=samples,
        spread=spread,
        difference=difference,
        runs=runs,
        false=_share(false),
        false_upper=round(upper_bound(int(false.sum()), runs), 5),
        better=_share(ours.better),
        equivalent=_share(ours.equivalent),
        seeds=round(float(ours.seeds.mean()), 2),
        cells=round(float((ours.seeds.sum(axis=1) + ours.seeds.max(axis=1)).mean()), 2),
        fixed_false=_share(theirs.false(difference)),
        fixed_better=_share(theirs.better),
        fixed_equivalent=_share(theirs.equivalent),
    )


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """(runs, 2) of each verdict, and after how many seeds it was given or given up."""

    better: Bools
    worse: Bools
    equivalent: Bools
    seeds: Floats

    def false(self, difference: float) -> Bools:
        """(runs,), whether any verdict is false where this is the true difference, not below 0."""
        found = self.worse.any(axis=1)
        if difference == 0:
            found |= self.better.any(axis=1)
        if difference >= MARGIN:
            found |= self.equivalent.any(axis=1)
        return np.asarray(found)


def settled(right: Bools) -> Verdicts:
    """What runs until settled come to.

    Args:
        right: (runs, 3, seeds, samples), whether a network is right; the baseline first.
    """
    shape = (len(right), 2)
    going_on = np.ones(shape, dtype=np.bool_)
    # By part of the 5%: all of it, and half, whether a look so far is significant there.
    apart, within = ([np.zeros(shape, dtype=np.bool_) for _ in range(2)] for _ in range(2))
    seeds, mean = np.zeros(shape), np.zeros(shape)
    for number, look in enumerate(LOOKS):
        found, now = _compared(right[:, :, :look])
        share = from_samples(found.parts, look, LOOKS[-1])
        p, p_within = found.p(now), 2 * found.p_within(now, MARGIN)
        for part in (0, 1):
            level = ALPHA / (part + 1)
            apart[part] |= going_on & (p <= _level(level, number, share))
            within[part] |= going_on & (p_within <= _level(2 * level, number, share))
        seeds[going_on], mean[going_on] = look, now[going_on]
        decided = _by_holm(*apart) | _by_holm(*within)
        going_on = going_on & ~decided
        if look < LOOKS[-1]:
            later = [
                np.max([_level(both, k, share) for k in range(number + 1, len(LOOKS))], axis=0)
                for both in (ALPHA, 2 * ALPHA)
            ]
            going_on = going_on & may_settle(
                found,
                now,
                seeds=look,
                most=LOOKS[-1],
                samples=right.shape[-1],
                levels=(later[0], later[1]),
                margin=MARGIN,
            )
    return _verdicts(_by_holm(*apart), _by_holm(*within), mean, seeds)


def fixed(right: Bools) -> Verdicts:
    """What runs of a fixed number of seeds come to; arguments as of `settled`."""
    found, mean = _compared(right)
    p, within = found.p(mean), found.p_within(mean, MARGIN)
    seeds = np.full(mean.shape, float(right.shape[2]))
    levels = (ALPHA, ALPHA / 2)
    return _verdicts(
        _by_holm(*(p <= level for level in levels)),
        _by_holm(*(within <= level for level in levels)),
        mean,
        seeds,
    )


def _compared(right: Bools) -> tuple[Uncertainty, Floats]:
    """Both networks against the baseline: how sure, and the differences, (runs, 2)."""
    cells = right.shape[2] * right.shape[3]
    seeds, samples = (right.mean(axis=axis) for axis in (-1, -2))
    apart = np.count_nonzero(right[:, 1:] != right[:, :1], axis=(-1, -2)) / cells
    by_seed, by_sample = seeds[:, 1:] - seeds[:, :1], samples[:, 1:] - samples[:, :1]
    cubes = seeds.std(axis=-1, ddof=1) ** 3
    found = crossed(by_seed, by_sample, apart, cubes[:, 1:] - cubes[:, :1])
    return found, by_seed.mean(axis=-1)


def _by_holm(at_level: Bools, at_half: Bools) -> Bools:
    """Which of two tests hold: one at half of the level, and then the other at all of it."""
    holds: Bools = at_half | (at_level & at_half[:, ::-1])
    return holds


def _level(level: float, number: int, share: Floats) -> Floats:
    found: Floats = np.interp(share, _SHARES, _levels(level)[number])
    return found


@lru_cache
def _levels(level: float) -> Floats:
    """(looks, shares), the nominal level of each look."""
    return np.array([nominal_levels(fractions(LOOKS, share), level) for share in _SHARES]).T


def _verdicts(differs: Bools, within: Bools, mean: Floats, seeds: Floats) -> Verdicts:
    return Verdicts(
        better=differs & (mean > 0),
        worse=differs & (mean < 0),
        equivalent=within & ~differs,
        seeds=seeds,
    )


def _joined(parts: list[Verdicts]) -> Verdicts:
    return Verdicts(
        better=np.concatenate([part.better for part in parts]),
        worse=np.concatenate([part.worse for part in parts]),
        equivalent=np.concatenate([part.equivalent for part in parts]),
        seeds=np.concatenate([part.seeds for part in parts]),
    )


def _share(hits: Bools) -> float:
    return round(float(hits.mean()), 5)


if __name__ == "__main__":
    raise SystemExit(main())
