"""Statistics of repeated runs: numbers in, intervals out. scipy does the mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


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


def summarise(values: Sequence[float]) -> Summary:
    """Mean, spread and Student interval of independent runs.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values to summarise")
    array = np.asarray(values, dtype=np.float64)
    n, mean = len(array), float(array.mean())
    std = low = high = None
    if n > 1:
        std = float(array.std(ddof=1))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / n**0.5
        low, high = mean - half, mean + half
    return Summary(
        n=n,
        mean=mean,
        std=std,
        low=low,
        high=high,
        minimum=float(array.min()),
        maximum=float(array.max()),
    )


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """`ours - theirs`, run by run; both must have run on the same seeds, in the same order.

    Raises:
        ValueError: The numbers of runs differ, or there are none.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} runs cannot be paired with {len(theirs)}")
    return summarise([a - b for a, b in zip(ours, theirs, strict=True)])
