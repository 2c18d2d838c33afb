"""What would settle a comparison: how many more seeds, or how many test samples.

Planning as for any experiment: the true difference and the true spreads are taken to be those that
were seen, and what is looked for is 80% power at the level that the family leaves to one test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from bench.statistics.basics import POWER, Floats, student_quantile
from bench.statistics.uncertainty import Uncertainty

# More than this nobody trains or labels, and the search ends.
MOST_SEEDS = 1_000
MOST_SAMPLES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Shares:
    """The parts of the variance of a mean difference, which add up to 1.

    Attributes:
        seeds: What other seeds would change for all samples alike.
        samples: What other samples would change for all seeds alike.
        rest: What belongs to one seed and one sample together.
    """

    seeds: float
    samples: float
    rest: float


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What would settle an inconclusive comparison.

    Attributes:
        seeds: How many seeds would, on as many samples as there are; None if no number does.
        samples: If no number of seeds does: how many samples would, with the seeds that there are
            or with `samples_seeds`; None if no number does.
        samples_seeds: How many seeds those samples need.
    """

    seeds: int | None = None
    samples: int | None = None
    samples_seeds: int | None = None


def shares_of(found: Uncertainty) -> Shares | None:
    """Where the variance of a single mean comes from; None where it cannot be told."""
    total = found.parts.sum()
    if not total > 0:
        return None
    seeds, samples, rest = (float(part / total) for part in found.parts)
    return Shares(seeds=seeds, samples=samples, rest=rest)


def remedy_of(
    found: Uncertainty,
    difference: float,
    *,
    n_seeds: int,
    n_samples: int,
    level: float,
    margin: float,
) -> Remedy | None:
    """What would settle a comparison, as a difference or as equivalence; None if that is unknown.

    Args:
        found: Its uncertainty, seeds and samples crossed.
        difference: The one that was seen.
        n_seeds: Number of seeds.
        n_samples: Number of test samples.
        level: Two-sided level of one test of the family.
        margin: Within which networks are equivalent.
    """
    if not found.parts.sum() > 0:
        return None
    of_seeds, of_samples, rest = found.parts * np.array([n_seeds, n_samples, n_seeds * n_samples])

    def settles(seeds: int, samples: int) -> bool:
        size, freedoms = expected_error(of_seeds, of_samples, rest, seeds, samples)
        needed = special.nctdtrinc(freedoms, 1 - POWER, student_quantile(freedoms, level)) * size
        # One-sided at this level, and with the same power for both ends of the margin.
        inside = student_quantile(freedoms, 2 * level) + student_quantile(freedoms, 1 - POWER)
        return bool(abs(difference) >= needed or margin - abs(difference) >= inside * size)

    seeds = _smallest(lambda number: settles(number, n_samples), n_seeds, MOST_SEEDS)
    if seeds is not None:
        return Remedy(seeds=seeds)
    for enough in (n_seeds, 2 * n_seeds, 4 * n_seeds, 8 * n_seeds):
        samples = _smallest(
            lambda number, enough=enough: settles(enough, number),  # type: ignore[misc]
            n_samples,
            MOST_SAMPLES,
        )
        if samples is not None:
            return Remedy(samples=samples, samples_seeds=enough)
    return Remedy()


def expected_error(
    of_seeds: Floats, of_samples: Floats, rest: Floats, seeds: int, samples: int
) -> tuple[Floats, Floats]:
    """Standard error and degrees of freedom that so many seeds and samples would have.

    Args:
        of_seeds: (...), variance of what a seed changes for all samples alike.
        of_samples: (...), variance of what a sample changes for all seeds alike.
        rest: (...), variance of what belongs to one seed and one sample together.
        seeds: How many.
        samples: How many.
    """
    squares = rest + samples * of_seeds, rest + seeds * of_samples, rest
    free = seeds - 1.0, samples - 1.0, (seeds - 1.0) * (samples - 1.0)
    total = squares[0] + squares[1] - squares[2]
    freedoms = total**2 / sum(
        (square**2 / number for square, number in zip(squares, free, strict=True)),
        start=np.zeros(()),
    )
    return np.sqrt(total / (seeds * samples)), freedoms


def _smallest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest number above `low` and up to `high` that is enough; None if `high` is not."""
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
