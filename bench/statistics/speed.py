"""Which of two workloads is faster, or whether noise explains it: block times in, verdicts out.

Every workload is timed twice in each round under two labels. What the same workload differs from
itself by is noise, and its *noise floor* is how far such a difference may reach. Another workload
is called faster or slower only where the whole interval of the ratio lies beyond both floors.

All tests and intervals are Wilcoxon's and Hodges and Lehmann's, over rounds. The order of a round
is drawn at random, so between two equally fast workloads a round's difference is as likely as its
opposite, whatever the machine does meanwhile: drift does not make the test wrong, only weaker. A
few outliers hardly move it, where they would widen Student's interval (`studies.speed_errors`
shows both).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from bench.statistics.basics import ALPHA, CONFIDENCE, Floats, holm

SpeedVerdict = Literal["faster", "slower", "inconclusive"]

TUKEY_FENCE = 1.5  # quartile ranges beyond the quartiles; Tukey, Exploratory Data Analysis, 1977


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the centre of paired differences lies; all fields have one shape.

    Attributes:
        centre: The estimate.
        low: Lower end of its two-sided 95% interval.
        high: Its upper end.
        p: Of the two-sided test that the centre is zero; below 0.05 where the interval leaves
            zero out.
    """

    centre: Floats
    low: Floats
    high: Floats
    p: Floats


Locate = Callable[[Floats], Location]  # paired differences, (..., rounds), to their centres, (...)


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


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a table's block times say of each workload against the first; all of one shape.

    Attributes:
        location: Of the log of how many times as fast as the first it is.
        adjusted_p: p values after Holm's correction within the table.
        floors: The larger of the two noise floors, as a log-ratio.
        verdicts: 1 for faster, -1 for slower, 0 for inconclusive.
    """

    location: Location
    adjusted_p: Floats
    floors: Floats
    verdicts: Floats


def speed_ratios(seconds: Mapping[str, Floats], baseline: str) -> dict[str, SpeedRatio]:
    """How fast each workload of a table is against the baseline; the baseline itself is left out.

    Args:
        seconds: By name, seconds per sample, (2 labels, rounds); measured in the same rounds.
        baseline: The name of the workload that the others are compared with. Where it is missing,
            nothing can be compared.
    """
    others = [name for name in seconds if name != baseline]
    if baseline not in seconds or not others:
        return {}
    judged = judge(np.log(np.stack([seconds[name] for name in (baseline, *others)])))
    return {
        name: SpeedRatio(
            ratio=float(np.exp(judged.location.centre[i])),
            low=float(np.exp(judged.location.low[i])),
            high=float(np.exp(judged.location.high[i])),
            p=float(judged.location.p[i]),
            adjusted_p=float(judged.adjusted_p[i]),
            noise_floor=float(np.expm1(judged.floors[i])),
            verdict=_WORDS[int(judged.verdicts[i])],
        )
        for i, name in enumerate(others)
    }


def noise_floor(seconds: Floats) -> float:
    """By how much a workload may seem to differ from itself, as a fraction: 0.01 is 1%.

    Args:
        seconds: Its block times, (2 labels, rounds).
    """
    return float(np.expm1(_floors(np.log(seconds), wilcoxon)))


def wilcoxon(differences: Floats) -> Location:
    """The centre of paired differences by Hodges and Lehmann, with Wilcoxon's interval and test.

    Source: Hollander and Wolfe, Nonparametric Statistical Methods, 1973, sections 3.1 to 3.3.

    The estimate is the median of all means of two differences. With fewer than 6 rounds no 95%
    interval exists, and its ends are infinite. The p value is exact without ties.

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


def judge(log_seconds: Floats, locate: Locate = wilcoxon) -> Judgement:
    """What the block times of a table's workloads say of each against the first.

    A round's value is the mean of both labels; a workload's floor comes from their difference.

    Args:
        log_seconds: Logs of seconds per sample, (..., workloads, 2 labels, rounds).
        locate: What estimates the centre of paired differences.

    Returns:
        Fields of shape (..., workloads - 1).
    """
    rounds = log_seconds.mean(axis=-2)
    location = locate(rounds[..., :1, :] - rounds[..., 1:, :])
    own = _floors(log_seconds, locate)
    floors = np.maximum(own[..., :1], own[..., 1:])
    adjusted_p = holm(location.p)
    sure = adjusted_p < ALPHA
    faster, slower = location.low > floors, location.high < -floors
    return Judgement(
        location=location,
        adjusted_p=adjusted_p,
        floors=floors,
        verdicts=np.where(sure & faster, 1.0, np.where(sure & slower, -1.0, 0.0)),
    )


def count_outliers(values: Floats) -> int:
    """How many values lie beyond Tukey's fences; they are counted, never dropped."""
    low, high = np.percentile(values, [25, 75])
    reach = TUKEY_FENCE * (high - low)
    return int(((values < low - reach) | (values > high + reach)).sum())


def _floors(log_seconds: Floats, locate: Locate) -> Floats:
    """Noise floors as log-ratios, (...), of logs of block times (..., 2 labels, rounds)."""
    own = locate(log_seconds[..., 0, :] - log_seconds[..., 1, :])
    return np.maximum(np.abs(own.low), np.abs(own.high))


@cache
def _signed_rank_cdf(n: int) -> Floats:
    """P(W <= w) for w in 0..n(n + 1)/2: the sum of the ranks 1..n that a fair coin each picks."""
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.convolve(ways, [0.5, *[0.0] * (rank - 1), 0.5])
    return np.cumsum(ways)


_WORDS: dict[int, SpeedVerdict] = {1: "faster", -1: "slower", 0: "inconclusive"}
