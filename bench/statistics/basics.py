"""What verdicts of accuracy and of speed share: Student's intervals of means, Holm's adjustment."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8
# Accuracies on any test set that fits in memory differ by more; below this it is rounding.
ROUNDING = 1e-12
# No test set is larger. Two fractions with smaller denominators differ by 1e-12 at least.
_MOST_SAMPLES = 1_000_000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided interval, at 95% where nothing else is said."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One quantity over several runs.

    With one run the spread is unknown: `std`, `low` and `high` are absent, not zero.

    Attributes:
        n: Number of runs.
        mean: Arithmetic mean.
        std: Standard deviation, n - 1 in the denominator.
        low: Lower end of the two-sided 95% Student interval of the mean.
        high: Its upper end.
        minimum: Smallest run.
        maximum: Largest run.
    """

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None
    minimum: float
    maximum: float


@lru_cache(maxsize=1 << 16)  # seeds share few different accuracies
def exact(share: float) -> Fraction:
    """The share of test samples that a float was rounded from.

    Sums of floats depend on their order and on what is summed: 390 + 390 of 400 samples and
    391 + 389 have different means in floating point. Fractions tie where the counts do.
    """
    return Fraction(share).limit_denominator(_MOST_SAMPLES)


def summarise(values: Sequence[float | Fraction]) -> Summary:
    """Mean, spread and Student interval of independent runs.

    Mean and standard deviation are rounded once, at the end: those of equal fractions are equal.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values to summarise")
    fractions = [Fraction(value) for value in values]
    n, mean = len(fractions), float(statistics.mean(fractions))
    std = low = high = None
    if n > 1:
        std = float(statistics.stdev(fractions))
        half = float(student_quantile(n - 1)) * std / n**0.5
        low, high = mean - half, mean + half
    return Summary(
        n=n,
        mean=mean,
        std=std,
        low=low,
        high=high,
        minimum=float(min(values)),
        maximum=float(max(values)),
    )


def paired_difference(
    ours: Sequence[float | Fraction], theirs: Sequence[float | Fraction]
) -> Summary:
    """`ours - theirs`, run by run; both must have run on the same seeds, in the same order.

    Raises:
        ValueError: The numbers of runs differ, or there are none.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} runs cannot be paired with {len(theirs)}")
    return summarise([a - b for a, b in zip(ours, theirs, strict=True)])


def student_quantile(freedoms: float | Floats, level: float | Floats = 1 - CONFIDENCE) -> Floats:
    """How many standard errors a mean may be away from the truth, at a two-sided level.

    Args:
        freedoms: Degrees of freedom of the standard error.
        level: How often it is further away, 0..1.
    """
    quantile: Floats = -special.stdtrit(freedoms, level / 2)
    return quantile


def holm(
    p: Floats,
    triples: Sequence[tuple[int, int, int]] = (),
    *,
    weights: Sequence[float] | Floats | None = None,
) -> Floats:
    """Adjusted p values by Holm's method (1979, Scand. J. Statist. 6:65-70), weighted if need be.

    A missing one (nan) counts as 1, so that what cannot be tested does not make the rest easier.

    Where two hypotheses of a triple imply the third (a = b and b = c, so a = c), none, two or three
    of them can be false but never exactly one: as soon as one is rejected, one more at most is
    true. A step then counts only what can still be true together (Shaffer 1986, J. Am. Statist.
    Assoc. 81:826-831, the second of her procedures).

    Args:
        p: (..., tests); each row along the last axis is a family of its own.
        triples: Places of hypotheses of which any two imply the third.
        weights: (tests,), in which proportion the tests share the 5%; equally if None.
    """
    known = np.nan_to_num(p, nan=1.0)
    share = np.ones(p.shape[-1]) if weights is None else np.asarray(weights, dtype=np.float64)
    is_open = np.ones(known.shape, dtype=np.bool_)
    adjusted = np.empty_like(known)
    running: Floats = np.zeros(known.shape[:-1])
    for _ in range(known.shape[-1]):
        at_step = known * _heaviest(is_open, share, triples) / share
        place = np.where(is_open, at_step, np.inf).argmin(axis=-1)[..., None]
        smallest = np.take_along_axis(at_step, place, axis=-1)[..., 0]
        running = np.maximum(running, np.minimum(smallest, 1.0))
        np.put_along_axis(adjusted, place, running[..., None], axis=-1)
        np.put_along_axis(is_open, place, False, axis=-1)
    return adjusted


def _heaviest(is_open: Bools, weights: Floats, triples: Sequence[tuple[int, int, int]]) -> Floats:
    """(..., tests), the weight of the open hypotheses that can be true together with each."""
    free = np.where(is_open, weights, 0.0)
    total: Floats = np.repeat(free.sum(axis=-1, keepdims=True), free.shape[-1], axis=-1)
    for triple in triples:
        inside = list(triple)
        left = free[..., inside]
        is_pair = is_open[..., inside].sum(axis=-1, keepdims=True) == 2
        # One of the two that are left is false: the lighter one, or for each of them the other.
        excess = np.repeat(
            left.sum(axis=-1, keepdims=True) - left.max(axis=-1, keepdims=True),
            free.shape[-1],
            axis=-1,
        )
        excess[..., inside] = left.sum(axis=-1, keepdims=True) - left
        total = total - np.where(is_pair, excess, 0.0)
    return total
