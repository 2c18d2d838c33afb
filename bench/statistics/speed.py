"""Which of two workloads is faster, or whether noise explains it: block times in, verdicts out.

Several fresh processes measure all workloads in the same rounds. A ratio is estimated in each
process by itself, over its rounds, by Hodges and Lehmann's estimate, which a few delayed blocks
hardly move. What differs between processes is luck that no number of rounds averages out, so the
processes are the sample: mean, Student's interval and test over the logs of their ratios (Kalibera
and Jones, Rigorous benchmarking in reasonable time, 2013). Of a single process nothing can be said
of the next one; its rounds are judged by Wilcoxon's test then.

The order of a round is drawn at random, so a machine that drifts makes no ratio wrong, only less
sure (`studies.speed_errors` shows it).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import special

from bench.statistics.basics import ALPHA, Bools, Floats, holm, student_quantile

SpeedVerdict = Literal["faster", "slower", "as fast", "inconclusive", "unstable"]


@dataclass(frozen=True, kw_only=True)
class SpeedMargins:
    """How large a difference of speeds has to be; declared before anything is measured.

    Attributes:
        difference: A ratio that is no further from 1 is not called faster or slower, however sure.
        equivalence: Two speeds are as fast as each other where the whole interval of their ratio
            is no further from 1.
    """

    difference: float = 0.02
    equivalence: float = 0.05


MARGINS = SpeedMargins()


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where the centre of paired differences lies; all fields have one shape.

    Attributes:
        centre: The estimate.
        low: Lower end of its two-sided interval.
        high: Its upper end.
        p: Of the two-sided test that the centre is zero; below the interval's level where the
            interval leaves zero out.
    """

    centre: Floats
    low: Floats
    high: Floats
    p: Floats


@dataclass(frozen=True, kw_only=True)
class SpeedRatio:
    """How many times as fast as the baseline a workload is.

    Attributes:
        ratio: Above 1 where it is faster.
        low: Lower end of the interval, at the level that Holm's method tested the ratio at: it
            leaves 1 out where the adjusted p is below 0.05.
        high: Its upper end.
        p: Of the test that the ratio is 1.
        adjusted_p: The same after Holm's correction within the table.
        verdict: `unstable` where the speed of one of the two changed meanwhile, unless the same one
            was faster by more than the margin in every single round. Else `faster` or `slower`
            where the interval leaves 1 out and the ratio is beyond the margin of a difference; else
            `as fast` where the whole interval is within the margin of equivalence; else
            `inconclusive`.
        changed: Whether the speed of one of the two changed meanwhile, so that the ratio is a
            mixture of several.
    """

    ratio: float
    low: float
    high: float
    p: float
    adjusted_p: float
    verdict: SpeedVerdict
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a table's block times say of each workload against the first; all of one shape.

    Attributes:
        location: Of the log of how many times as fast as the first it is.
        adjusted_p: p values after Holm's correction within the table.
        verdicts: Indices of `VERDICTS`.
        changed: Whether the workload or the first changed by itself meanwhile.
    """

    location: Location
    adjusted_p: Floats
    verdicts: Floats
    changed: Bools


VERDICTS: tuple[SpeedVerdict, ...] = ("inconclusive", "faster", "slower", "as fast", "unstable")


def speed_ratios(
    seconds: Mapping[str, Floats],
    baseline: str,
    *,
    unstable: Collection[str] = (),
    margins: SpeedMargins = MARGINS,
) -> dict[str, SpeedRatio]:
    """How fast each workload of a table is against the baseline; the baseline itself is left out.

    Args:
        seconds: By name, seconds per sample, (processes, rounds); measured in the same rounds.
        baseline: The name of the workload that the others are compared with. Where it is missing,
            nothing can be compared.
        unstable: Names of the workloads whose speed changed by itself meanwhile.
        margins: How large a difference has to be.
    """
    others = [name for name in seconds if name != baseline]
    if baseline not in seconds or not others:
        return {}
    names = (baseline, *others)
    judged = judge(
        np.log(np.stack([seconds[name] for name in names])),
        np.array([name in unstable for name in names]),
        margins,
    )
    return {
        name: SpeedRatio(
            ratio=float(np.exp(judged.location.centre[i])),
            low=float(np.exp(judged.location.low[i])),
            high=float(np.exp(judged.location.high[i])),
            p=float(judged.location.p[i]),
            adjusted_p=float(judged.adjusted_p[i]),
            verdict=VERDICTS[int(judged.verdicts[i])],
            changed=bool(judged.changed[i]),
        )
        for i, name in enumerate(others)
    }


def judge(
    log_seconds: Floats,
    unstable: Bools | None = None,
    margins: SpeedMargins = MARGINS,
) -> Judgement:
    """What the block times of a table's workloads say of each against the first.

    Args:
        log_seconds: Logs of seconds per sample, (..., workloads, processes, rounds).
        unstable: Which workloads changed by themselves meanwhile, (..., workloads).
        margins: How large a difference has to be.

    Returns:
        Fields of shape (..., workloads - 1).
    """
    differences = log_seconds[..., :1, :, :] - log_seconds[..., 1:, :, :]
    alone = log_seconds.shape[-2] == 1
    locate = wilcoxon if alone else student
    units = differences[..., 0, :] if alone else hodges_lehmann(differences)
    p = locate(units).p
    adjusted_p = holm(p)
    location = locate(units, _levels(p, adjusted_p))
    beyond = np.log1p(margins.difference)
    within = np.log1p(margins.equivalence)
    changed = np.zeros(p.shape, dtype=bool)
    if unstable is not None:
        changed = unstable[..., :1] | unstable[..., 1:]
    sure = adjusted_p < ALPHA
    # What changed does not matter where every round agrees on which is faster.
    every_round = (differences > beyond).all(axis=(-1, -2))
    every_round |= (differences < -beyond).all(axis=(-1, -2))
    verdicts = np.select(
        [
            changed & ~every_round,
            sure & (location.centre > beyond),
            sure & (location.centre < -beyond),
            (location.low > -within) & (location.high < within),
        ],
        [VERDICTS.index(word) for word in ("unstable", "faster", "slower", "as fast")],
        VERDICTS.index("inconclusive"),
    )
    return Judgement(location=location, adjusted_p=adjusted_p, verdicts=verdicts, changed=changed)


def hodges_lehmann(values: Floats) -> Floats:
    """The median of all means of two values, (...), of values (..., n).

    Source: Hodges and Lehmann, Ann. Math. Statist. 34, 1963, 598-611.
    """
    first, second = np.triu_indices(values.shape[-1])
    centre: Floats = np.median((values[..., first] + values[..., second]) / 2, axis=-1)
    return centre


def student(values: Floats, level: float | Floats = ALPHA) -> Location:
    """The mean of independent values with Student's interval and test.

    Args:
        values: (..., n), at least two.
        level: How often the interval may miss, 0..1; one for all, or (...).

    Returns:
        Fields of shape (...).
    """
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    error = values.std(axis=-1, ddof=1) / n**0.5
    half = student_quantile(n - 1, level) * error
    with np.errstate(divide="ignore", invalid="ignore"):  # values that are all the same
        p = 2 * special.stdtr(n - 1, -np.abs(mean) / error)
    return Location(centre=mean, low=mean - half, high=mean + half, p=np.nan_to_num(p, nan=1.0))


def two_samples(first: Floats, second: Floats, level: float = ALPHA) -> Location:
    """How far the mean of one sample lies above that of another: Student's test of two samples.

    Both have one variance, which is pooled (Student 1908, Biometrika 6:1-25; Fisher 1925).

    Args:
        first: (..., n), independent values.
        second: (..., m), others; n + m is at least three.
        level: How often the interval may miss, 0..1.

    Returns:
        Fields of shape (...).
    """
    n, m = first.shape[-1], second.shape[-1]
    freedoms = n + m - 2
    squares = sum(part.var(axis=-1) * part.shape[-1] for part in (first, second))
    error = np.sqrt(squares / freedoms * (1 / n + 1 / m))
    apart = first.mean(axis=-1) - second.mean(axis=-1)
    half = student_quantile(freedoms, level) * error
    with np.errstate(divide="ignore", invalid="ignore"):  # values that are all the same
        p = 2 * special.stdtr(freedoms, -np.abs(apart) / error)
    return Location(centre=apart, low=apart - half, high=apart + half, p=np.nan_to_num(p, nan=1.0))


def wilcoxon(differences: Floats, level: float | Floats = ALPHA) -> Location:
    """The centre of paired differences by Hodges and Lehmann, with Wilcoxon's interval and test.

    Source: Hollander and Wolfe, Nonparametric Statistical Methods, 1973, sections 3.1 to 3.3.

    The estimate is the median of all means of two differences. With fewer than 6 rounds no 95%
    interval exists, and its ends are infinite. The p value is exact without ties.

    Args:
        differences: (..., rounds).
        level: How often the interval may miss, 0..1; one for all, or (...).

    Returns:
        Fields of shape (...).
    """
    n = differences.shape[-1]
    first, second = np.triu_indices(n)
    means = np.sort((differences[..., first] + differences[..., second]) / 2, axis=-1)
    cumulative = _signed_rank_cdf(n)
    # So many of the means may lie beyond each end of the interval.
    shape = means.shape[:-1]
    cut = np.searchsorted(cumulative, np.broadcast_to(level, shape) / 2, side="right") - 1
    held = np.maximum(cut, 0)[..., None]
    low = np.take_along_axis(means, held, axis=-1)[..., 0]
    high = np.take_along_axis(means, means.shape[-1] - 1 - held, axis=-1)[..., 0]
    # Means of exactly zero, from ties, count for neither side: that errs towards no difference.
    above, below = (means > 0).sum(axis=-1), (means < 0).sum(axis=-1)
    contrary = means.shape[-1] - np.maximum(above, below)
    return Location(
        centre=np.median(means, axis=-1),
        low=np.where(cut < 0, -np.inf, low),
        high=np.where(cut < 0, np.inf, high),
        p=np.minimum(1.0, 2 * cumulative[contrary]),
    )


def one_process(seconds: Floats) -> Floats:
    """Block times (labels, rounds) of a workload that every round visited under several labels.

    Returns:
        Their geometric means as those of one process, (1, rounds).
    """
    times: Floats = np.exp(np.log(seconds).mean(axis=0, keepdims=True))
    return times


def _levels(p: Floats, adjusted_p: Floats) -> Floats:
    """The level that Holm's method tests each p value at; it stops at the first that fails."""
    tests = p.shape[-1]
    rank = np.argsort(np.argsort(p, axis=-1, kind="stable"), axis=-1)
    rejected = (adjusted_p < ALPHA).sum(axis=-1, keepdims=True)
    levels: Floats = ALPHA / (tests - np.minimum(rank, np.minimum(rejected, tests - 1)))
    return levels


@cache
def _signed_rank_cdf(n: int) -> Floats:
    """P(W <= w) for w in 0..n(n + 1)/2: the sum of the ranks 1..n that a fair coin each picks."""
    ways = np.ones(1)
    for rank in range(1, n + 1):
        ways = np.convolve(ways, [0.5, *[0.0] * (rank - 1), 0.5])
    return np.cumsum(ways)
