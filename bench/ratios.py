"""Which of two workloads is faster, and when that can be told: block times in, verdicts out.

Every workload is timed twice in each round under two labels. What the same workload differs from
itself by is noise, and its *noise floor* is how far such a difference may reach. Another workload
is called faster or slower only where the whole interval of the ratio lies beyond both floors.

All tests and intervals are Wilcoxon's and Hodges and Lehmann's, over rounds. The order of a round
is drawn at random, so between two equal workloads the sign of a round's difference is a toss of a
coin, whatever the machine does meanwhile: the test is exact under any drift. A few outliers hardly
move it, where they would widen Student's interval several times (`bench.drift` shows both).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from statsmodels.stats.multitest import multipletests

from bench.stats import CONFIDENCE

Array = np.ndarray[Any, np.dtype[np.float64]]
SpeedVerdict = Literal["faster", "slower", "inconclusive"]

TUKEY_FENCE = 1.5  # quartile ranges beyond the quartiles; Tukey, Exploratory Data Analysis, 1977


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the centre of paired differences lies; every field has the shape of what was asked.

    Attributes:
        centre: Hodges and Lehmann's estimate, the median of all means of two differences.
        low: Lower end of its two-sided 95% interval; minus infinity with fewer than 6 rounds.
        high: Its upper end; infinity with fewer than 6 rounds.
        p: Of Wilcoxon's exact two-sided signed-rank test that the centre is zero; below 0.05 just
            where the interval leaves zero out.
    """

    centre: Array
    low: Array
    high: Array
    p: Array


@dataclass(frozen=True, kw_only=True)
class SpeedRatio:
    """How many times as fast as the baseline a workload is.

    Attributes:
        ratio: Above 1 where it is faster.
        low: Lower end of the 95% interval.
        high: Its upper end.
        p: Of the test that the ratio is 1.
        adjusted_p: The same after Holm's correction within the table.
        noise_floor: The larger of the two workloads' floors, as a fraction: 0.01 is 1%.
        verdict: `faster` or `slower` where the adjusted p is below 0.05 and the interval lies
            wholly beyond the noise floor on that side, else `inconclusive`.
    """

    ratio: float
    low: float
    high: float
    p: float
    adjusted_p: float
    noise_floor: float
    verdict: SpeedVerdict


def compare(seconds: Mapping[str, Array], baseline: str) -> dict[str, SpeedRatio]:
    """How fast each workload of a table is against the baseline; the baseline itself is left out.

    Args:
        seconds: By name, seconds per sample, (2 labels, rounds); measured in the same rounds.
        baseline: The name of the workload that the others are compared with. Where it is missing,
            nothing can be compared.
    """
    others = [name for name in seconds if name != baseline]
    if baseline not in seconds or not others:
        return {}
    table = np.log(np.stack([seconds[name] for name in (baseline, *others)]))
    floors = beyond(table)
    location = log_ratios(table)
    adjusted = holm(location.p)
    found = verdicts(location, adjusted, floors)
    return {
        name: SpeedRatio(
            ratio=float(np.exp(location.centre[i])),
            low=float(np.exp(location.low[i])),
            high=float(np.exp(location.high[i])),
            p=float(location.p[i]),
            adjusted_p=float(adjusted[i]),
            noise_floor=float(np.expm1(floors[i])),
            verdict=_WORDS[int(found[i])],
        )
        for i, name in enumerate(others)
    }


def noise_floor(seconds: Array) -> float:
    """By how much a workload may seem to differ from itself, as a fraction: 0.01 is 1%.

    Args:
        seconds: Its block times, (2 labels, rounds).
    """
    return float(np.expm1(_floors(np.log(seconds))))


def log_ratios(log_seconds: Array, locate: Locator | None = None) -> Location:
    """The log of how many times as fast as the first workload each of the others is.

    A round's value is the mean of both labels.

    Args:
        log_seconds: Logs of seconds per sample, (..., workloads, 2 labels, rounds).

    Returns:
        Fields of shape (..., workloads - 1).
    """
    rounds = log_seconds.mean(axis=-2)
    return locate(rounds[..., :1, :] - rounds[..., 1:, :])


def beyond(log_seconds: Array) -> Array:
    """The log-ratio that each comparison with the first workload has to exceed.

    Args:
        log_seconds: Logs of seconds per sample, (..., workloads, 2 labels, rounds).

    Returns:
        The larger of both noise floors, (..., workloads - 1).
    """
    floors = _floors(log_seconds)
    return np.maximum(floors[..., :1], floors[..., 1:])


def holm(p: Array) -> Array:
    """Adjusted p values by Holm's method, each table along the last axis a family."""
    return np.apply_along_axis(lambda table: multipletests(table, method="holm")[1], -1, p)


def verdicts(location: Location, adjusted_p: Array, floors: Array) -> Array:
    """1 for faster, -1 for slower, 0 for inconclusive; all arguments have the same shape."""
    sure = adjusted_p < 1 - CONFIDENCE
    faster, slower = location.low > floors, location.high < -floors
    return np.where(sure & faster, 1.0, np.where(sure & slower, -1.0, 0.0))


def locate(differences: Array) -> Location:
    """The centre of paired differences, with interval and test.

    Source: Hollander and Wolfe, Nonparametric Statistical Methods, 1973, sections 3.1 to 3.3.

    Args:
        differences: (..., rounds).

    Returns:
        Fields of shape (...).
    """
    n = differences.shape[-1]
    first, second = np.triu_indices(n)
    means = np.sort((differences[..., first] + differences[..., second]) / 2, axis=-1)
    cumulative = _signed_rank_cdf(n)
    # So many of the means may lie beyond each end of the interval.
    cut = int(np.searchsorted(cumulative, (1 - CONFIDENCE) / 2, side="right")) - 1
    nowhere = np.full(means.shape[:-1], np.inf)
    # Means of exactly zero, from ties, count for neither side: that errs towards no difference.
    above, below = (means > 0).sum(axis=-1), (means < 0).sum(axis=-1)
    contrary = means.shape[-1] - np.maximum(above, below)
    return Location(
        centre=np.median(means, axis=-1),
        low=-nowhere if cut < 0 else means[..., cut],
        high=nowhere if cut < 0 else means[..., -1 - cut],
        p=np.minimum(1.0, 2 * cumulative[contrary]),
    )


def count_outliers(values: Array) -> int:
    """How many values lie beyond Tukey's fences; they are counted, never dropped."""
    low, high = np.percentile(values, [25, 75])
    reach = TUKEY_FENCE * (high - low)
    return int(((values < low - reach) | (values > high + reach)).sum())


def _floors(log_seconds: Array) -> Array:
    """Noise floors as log-ratios, (...), of logs of block times (..., 2 labels, rounds)."""
    own = locate(log_seconds[..., 0, :] - log_seconds[..., 1, :])
    return np.maximum(np.abs(own.low), np.abs(own.high))


@cache
def _signed_rank_cdf(n: int) -> Array:
    """P(W <= w) for w in 0..n(n + 1)/2: the sum of the ranks 1..n that a fair coin each picks."""
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.convolve(ways, [0.5, *[0.0] * (rank - 1), 0.5])
    return np.cumsum(ways)


_WORDS: dict[int, SpeedVerdict] = {1: "faster", -1: "slower", 0: "inconclusive"}
