"""Whether a network trained anew is as accurate as its records: right answers in, a verdict out.

Recorded and new runs are tested on the same samples, but they are different runs, even where they
share a seed: on another processor rounding makes of a seed another network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.statistics.basics import ALPHA, ROUNDING, Bools, Floats, Interval, holm
from bench.statistics.uncertainty import StandardError

Verdict = Literal["equivalent", "different", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Replication:
    """What recorded and new runs of one network say of each other, fractions in 0..1.

    Attributes:
        recorded: Mean accuracy of the recorded runs.
        now: That of the new ones.
        difference: New minus recorded.
        interval: Where the true difference lies, at 95%; None where it cannot be estimated.
        p_different: Two-sided p of the test that there is no difference, after Holm.
        p_equivalent: p of the test that the difference is as large as the margin or larger, in
            either direction, after Holm.
        verdict: `equivalent` if the difference is surely smaller than the margin, even where it is
            surely not zero; `different` if it is surely not zero, but not surely smaller than the
            margin; else `inconclusive`.
    """

    recorded: float
    now: float
    difference: float
    interval: Interval | None
    p_different: float | None
    p_equivalent: float | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Runs:
    """The runs of one network, recorded and new.

    Attributes:
        recorded: (seeds, samples), whether a test sample is right.
        now: (other number of seeds, the same samples).
        same_samples: Whether column i is the same test sample for every seed; if not, each seed
            has drawn test samples of its own.
    """

    recorded: Bools
    now: Bools
    same_samples: bool = True


def judge(networks: Sequence[Runs], margin: float) -> tuple[Replication, ...]:
    """A verdict for each network.

    Equivalence is two one-sided tests at 5% each (Schuirmann 1987, J. Pharmacokinetics and
    Biopharmaceutics 15:657-680). Both kinds of p are adjusted by Holm's method over all networks.

    Args:
        networks: The runs of each.
        margin: The smallest difference that counts, a fraction of all answers.
    """
    if not networks:
        return ()
    means = np.array([(runs.recorded.mean(), runs.now.mean()) for runs in networks])
    errors = [standard_error(runs) for runs in networks]
    found = list(zip(errors, means[:, 1] - means[:, 0], strict=True))
    different = _adjusted(np.array([error.p(difference) for error, difference in found]))
    equivalent = _adjusted(np.array([error.p_within(mean, margin) for error, mean in found]))
    return tuple(
        _replication(*row) for row in zip(means, errors, different, equivalent, strict=True)
    )


def standard_error(runs: Runs) -> StandardError:
    """How far off the difference of both means may be.

    Seeds of the recorded and of the new runs, and samples, are random. The variance of the
    difference is what both means spread over seeds, and what their difference spreads over
    samples, minus the residual that is in both; no part of it is less than zero. The degrees of
    freedom are Satterthwaite's (1946, Biometrics Bulletin 2:110-114). Both are nan where one group
    has a single seed, or nothing spreads.
    """
    groups = (runs.recorded, runs.now)
    if min(len(group) for group in groups) < 2:
        return _UNKNOWN
    seeds = [group.mean(axis=1).var(ddof=1) / len(group) for group in groups]
    of_seeds = [len(group) - 1 for group in groups]
    variances, freedoms = np.array(seeds), np.array(of_seeds, dtype=np.float64)
    if runs.same_samples:
        samples = runs.recorded.shape[1]
        by_sample = (runs.now.mean(axis=0) - runs.recorded.mean(axis=0)).var(ddof=1) / samples
        rests = [-_residual(group) / group.size for group in groups]
        all_of_them = np.array([*seeds, by_sample, *rests])
        of_all = np.array([*of_seeds, samples - 1, *(f * (samples - 1) for f in of_seeds)])
        # Where a part would be less than zero, what is left is the other alone.
        candidates = (
            (variances, freedoms),
            (all_of_them[2:3], of_all[2:3]),
            (all_of_them, of_all),
        )
        variances, freedoms = max(candidates, key=lambda found: found[0].sum())
    total = variances.sum()
    if total <= ROUNDING**2:
        return _UNKNOWN
    return StandardError(size=total**0.5, freedoms=total**2 / (variances**2 / freedoms).sum())


_UNKNOWN = StandardError(size=np.array(np.nan), freedoms=np.array(np.nan))


def _residual(right: Bools) -> float:
    """The mean square of what neither a seed nor a sample explains."""
    values = right.astype(np.float64)
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    seeds, samples = values.shape
    return float((rest**2).sum() / ((seeds - 1) * (samples - 1)))


def _adjusted(p: Floats) -> Floats:
    return np.where(np.isnan(p), np.nan, holm(p))


def _replication(
    means: Floats, error: StandardError, different: np.float64, equivalent: np.float64
) -> Replication:
    difference = means[1] - means[0]
    interval = error.interval(difference)
    known = interval is not None
    verdict: Verdict = "inconclusive"
    if known and equivalent <= ALPHA:
        verdict = "equivalent"
    elif known and different <= ALPHA:
        verdict = "different"
    return Replication(
        recorded=float(means[0]),
        now=float(means[1]),
        difference=float(difference),
        interval=interval,
        p_different=float(different) if known else None,
        p_equivalent=float(equivalent) if known else None,
        verdict=verdict,
    )
