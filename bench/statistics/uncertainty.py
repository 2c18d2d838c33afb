"""How far off a mean over seeds and test samples may be: standard errors, p values, intervals.

A difference in accuracy is uncertain for two reasons: other seeds would train other networks, and
other test samples would meet them. Seeds and samples are crossed random effects:

    difference[seed, sample] = mean + seed effect + sample effect + residual

Each effect is drawn anew with every seed and with every sample. The mean squares of a two-way
analysis of variance without replication say how much each adds to the variance of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from bench.statistics.basics import (
    CONFIDENCE,
    POWER,
    ROUNDING,
    Bools,
    Floats,
    Interval,
    student_quantile,
)

# How skewed the accuracies of a network's seeds may be: as those of the most skewed network of the
# records (-1.9 over ten seeds). A few seeds show too little of it, or, with all among the good
# ones, nothing: so it is supposed, not estimated. Between networks whose seeds differ equally it
# cancels.
SEED_SKEWNESS = -2.0
# The correction for skewness is the first of a series. From ten seeds on it is enough, says the
# simulation (`studies.accuracy_errors`), but not for five. With the factor 1 + 40 / seeds^2 five
# seeds err in 5% of cases, too. For fewer seeds their degrees of freedom are guard enough.
_FEW_SEEDS = 5
_FARTHEST = 3.0


@dataclass(frozen=True, kw_only=True)
class StandardError:
    """How far off a mean may be, by Student's t with a guard against skewness.

    Where a few runs end far below the rest, most samples of runs hold none of them: their mean is
    too high and their spread too small, and Student's test takes that for a difference. On that
    side, and on that side alone, its quantile q becomes q + skewness (1 + 2 q^2) / 6, which is the
    quantile of a studentised mean to the first order (Johnson 1978, J. Am. Statist. Assoc.
    73:536-544; Hall 1992, The Bootstrap and Edgeworth Expansion, section 2.6). Beyond q = 3, where
    an expansion about the normal distribution says nothing, it adds no more than there. So no p is
    below Student's.

    Attributes:
        size: (...), the standard error; nan where it cannot be estimated.
        freedoms: (...), degrees of freedom of that estimate.
        skewness: (...), the third cumulant of the mean over the cubed standard error.
    """

    size: Floats
    freedoms: Floats
    skewness: Floats | float = 0.0

    def p(self, mean: Floats) -> Floats:
        """Two-sided p of the test that the true mean is zero."""
        p: Floats = 2 * special.stdtr(self.freedoms, -np.abs(self._t(mean)))
        return p

    def p_within(self, mean: Floats, margin: float) -> Floats:
        """The p of the claim that the true mean lies within a margin on both sides of zero.

        Two one-sided tests, of which the weaker one counts (Schuirmann 1987, J. Pharmacokinet.
        Biopharm. 15:657-680).
        """
        below = special.stdtr(self.freedoms, self._t(mean - margin))
        above = special.stdtr(self.freedoms, -self._t(mean + margin))
        p: Floats = np.maximum(below, above)
        return p

    def interval(self, mean: Floats, confidence: float = CONFIDENCE) -> Interval | None:
        """The interval of a single mean; None without a standard error."""
        if np.isnan(self.size):
            return None
        low, high = self.reach(1 - confidence)
        return Interval(low=float(mean - low), high=float(mean + high))

    def reach(self, level: float) -> tuple[Floats, Floats]:
        """How far below and above the mean the truth may lie at a two-sided level."""
        below = self._quantile(level, np.maximum(-self.skewness, 0)) * self.size
        above = self._quantile(level, np.maximum(self.skewness, 0)) * self.size
        return below, above

    def detectable(self, level: float) -> float:
        """The true mean that is significant at a two-sided level with 80% power.

        By the noncentral t distribution; the chance to be significant in the wrong direction is
        not counted, as in R's `power.t.test`.
        """
        critical = self._quantile(level, np.abs(self.skewness))
        return float(special.nctdtrinc(self.freedoms, 1 - POWER, critical) * self.size)

    def _t(self, distance: Floats) -> Floats:
        """Distances from a supposed true mean as quantiles of Student's t: `_quantile` inverted."""
        t = distance / self.size
        bent = np.maximum(-self.skewness * np.sign(t), 0) / 3
        # The root of bent q^2 + q + bent / 2 = |t|, in the form that holds for bent = 0, too.
        beyond = np.maximum(np.abs(t) - bent / 2, 0)
        quadratic = 2 * beyond / (1 + np.sqrt(1 + 4 * bent * beyond))
        straight = np.abs(t) - 3 * bent * _correction(_FARTHEST)  # beyond the farthest quantile
        found: Floats = np.sign(t) * np.maximum(quadratic, straight)
        return found

    def _quantile(self, level: float, skewness: Floats | float) -> Floats:
        """How many standard errors the mean may be away at a two-sided level."""
        quantile = student_quantile(self.freedoms, level)
        return quantile + skewness * _correction(np.minimum(quantile, _FARTHEST))


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """The standard errors of a mean: over seeds, over test samples, and over both together.

    Attributes:
        seeds: For other seeds on these test samples.
        samples: For these networks on other test samples.
        both: For other seeds and other test samples.
        parts: (3, ...), what seeds, samples and the residual add to the variance of the mean; nan
            where they cannot be told apart. Their sum is the square of the size of `both`.
    """

    seeds: StandardError
    samples: StandardError
    both: StandardError
    parts: Floats

    @property
    def _all(self) -> tuple[StandardError, ...]:
        return self.seeds, self.samples, self.both

    def p(self, mean: Floats) -> Floats:
        """The largest of the three p values, nan where one is.

        To claim that several things hold at once, each at level 5%, is a test of level 5% without
        any adjustment: the intersection-union test (Berger 1982, Technometrics 24:295-300). The
        standard error over both is never the smallest. From five seeds on the test over both
        decides nearly alone, so that the others cost nothing. With two or three seeds its degrees
        of freedom are estimated too badly: alone it would err in up to 12% and 8% of cases.
        """
        p: Floats = np.max([error.p(mean) for error in self._all], axis=0)
        return p

    def p_within(self, mean: Floats, margin: float) -> Floats:
        """The largest p of the claim that the true mean lies within the margin."""
        p: Floats = np.max([error.p_within(mean, margin) for error in self._all], axis=0)
        return p

    def interval(self, mean: Floats, confidence: float = CONFIDENCE) -> Interval | None:
        """The widest of the three intervals of a single mean; None where one is missing."""
        found = [error.interval(mean, confidence) for error in self._all]
        known = [interval for interval in found if interval is not None]
        if len(known) < len(found):
            return None
        return Interval(low=min(i.low for i in known), high=max(i.high for i in known))

    def detectable(self, level: float) -> float:
        """The true mean that all three detect at a two-sided level; nan where one is missing."""
        return float(np.max([error.detectable(level) for error in self._all]))


def estimate(values: Floats, cubes: Floats | float = 0.0, *, same_samples: bool) -> Uncertainty:
    """The uncertainty of a mean over seeds and samples.

    Args:
        values: (seeds, samples).
        cubes: See `seed_cubes`.
        same_samples: Whether column i is the same test sample for every seed.
    """
    if same_samples:
        return crossed(values.mean(axis=1), values.mean(axis=0), (values**2).mean(), cubes)
    return nested(values, cubes)


def crossed(
    by_seed: Floats, by_sample: Floats, mean_square: Floats, cubes: Floats | float = 0.0
) -> Uncertainty:
    """The uncertainty of means over seeds that all meet the same test samples.

    With S seeds, N samples and the mean squares of seeds, samples and residual, the variance of
    the mean is (MS seeds + MS samples - MS residual) / (S N), no component below zero. That is the
    denominator of the quasi-F ratio (Clark 1973, J. Verbal Learning and Verbal Behavior 12:335-359;
    Raaijmakers, Schrijnemakers and Gremmen 1999, J. Memory and Language 41:416-426), with
    Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2:110-114).

    Args:
        by_seed: (..., seeds), differences averaged over samples.
        by_sample: (..., samples), the same differences averaged over seeds instead.
        mean_square: (...), the mean of the squared differences.
        cubes: (...), see `seed_cubes`; zero for no guard against skewed seeds.
    """
    n_seeds, n_samples = by_seed.shape[-1], by_sample.shape[-1]
    cells = n_seeds * n_samples
    seeds, samples = _of_mean(by_seed), _of_mean(by_sample)
    if n_seeds < 2:
        unknown = np.full_like(seeds.size, np.nan)
        both = StandardError(size=unknown, freedoms=seeds.freedoms)
        return Uncertainty(seeds=seeds, samples=samples, both=both, parts=np.stack([unknown] * 3))
    free_seeds, free_samples = n_seeds - 1.0, n_samples - 1.0
    free_residual = free_seeds * free_samples
    of_seeds, of_samples = seeds.size**2 * cells, samples.size**2 * cells
    squares = cells * (mean_square - by_seed.mean(axis=-1) ** 2)
    rest = squares - free_seeds * of_seeds - free_samples * of_samples
    residual = np.maximum(rest, 0) / free_residual
    parts = np.stack(
        [np.maximum(of_seeds - residual, 0), np.maximum(of_samples - residual, 0), residual]
    )
    total = parts.sum(axis=0)
    freedoms = total**2 / (
        of_seeds**2 / free_seeds + of_samples**2 / free_samples + residual**2 / free_residual
    )
    size = np.sqrt(total / cells)
    skewness = (_of_seeds(seeds.size, n_seeds, cubes) + _third_cumulant(by_sample)) / size**3
    both = StandardError(size=size, freedoms=freedoms, skewness=skewness)
    return Uncertainty(seeds=seeds, samples=samples, both=both, parts=parts / cells)


def nested(values: Floats, cubes: Floats | float = 0.0) -> Uncertainty:
    """The uncertainty of a mean over seeds that each meet test samples of their own.

    The spread over seeds then holds both sources already; what the samples alone add to it is the
    spread within each seed.

    Args:
        values: (seeds, samples).
        cubes: See `seed_cubes`.
    """
    n_seeds, n_samples = values.shape
    seeds = _of_mean(values.mean(axis=1))
    spread = values.var(axis=1, ddof=1).mean()
    within = spread / (n_seeds * n_samples) if spread > ROUNDING else np.nan
    samples = StandardError(
        size=np.sqrt(within),
        freedoms=np.array(n_seeds * (n_samples - 1.0)),
    )
    parts = np.array([np.maximum(seeds.size**2 - within, 0), within, 0 * seeds.size])
    both = replace(seeds, skewness=_of_seeds(seeds.size, n_seeds, cubes) / seeds.size**3)
    return Uncertainty(seeds=seeds, samples=samples, both=both, parts=parts)


def _of_mean(values: Floats) -> StandardError:
    """The standard error of the mean over the last axis; nan where there is no spread."""
    n = values.shape[-1]
    if n < 2:
        unknown = np.full(values.shape[:-1], np.nan)
        return StandardError(size=unknown, freedoms=np.ones_like(unknown))
    spread = np.ptp(values, axis=-1) > ROUNDING
    size = np.where(spread, values.std(axis=-1, ddof=1) / n**0.5, np.nan)
    return StandardError(size=size, freedoms=np.full_like(size, n - 1.0))


def seed_cubes(accuracies: Floats, weights: Floats) -> Floats:
    """(...), the sum of the cubed weighted deviations of several networks' seeds.

    Args:
        accuracies: (..., networks, seeds).
        weights: (contrasts, networks) or (networks,), of each network in a contrast.
    """
    if accuracies.shape[-1] < 2:
        return np.zeros((*accuracies.shape[:-2], *weights.shape[:-1]))
    cubes: Floats = accuracies.std(axis=-1, ddof=1) ** 3 @ (weights**3).T
    return cubes


def _of_seeds(size: Floats, n_seeds: int, cubes: Floats | float) -> Floats:
    """The third cumulant that a mean over seeds is supposed to have at most."""
    deviation = size * n_seeds**0.5
    share = np.clip(cubes / deviation**3, -1, 1)
    skewness = SEED_SKEWNESS * (1 + 40 / max(n_seeds, _FEW_SEEDS) ** 2)
    cumulant: Floats = skewness * share * deviation**3 / n_seeds**2
    return cumulant


def _correction(quantile: Floats | float) -> Floats | float:
    return (1 + 2 * quantile**2) / 6


def _third_cumulant(by_sample: Floats) -> Floats:
    """The third cumulant of the mean over samples: Fisher's k-statistic (1930) over n squared."""
    n = by_sample.shape[-1]
    if n < 3:
        return np.zeros(by_sample.shape[:-1])
    cubes = ((by_sample - by_sample.mean(axis=-1, keepdims=True)) ** 3).sum(axis=-1)
    cumulant: Floats = cubes * n / ((n - 1) * (n - 2)) / n**2
    return cumulant


def accuracy_interval(correct: Bools) -> Interval | None:
    """Where a network's mean accuracy lies for other seeds and other test samples, in 0..1.

    On the logit scale, where the interval cannot leave 0..1 and is wider towards the middle, as the
    doubt is. It is the widest of those for other seeds, other samples and both, as that of a
    difference is. Seeds that are all equally accurate leave the doubt over samples. None for one
    seed, and where there is no spread over samples.

    Args:
        correct: (seeds, samples), whether it is right; every seed on the same samples.
    """
    values = correct.astype(np.float64)
    mean = values.mean()
    error = estimate(values, same_samples=True)
    if len(values) < 2 or np.isnan(error.samples.size):
        return None
    arms = [student_quantile(e.freedoms) * e.size for e in (error.seeds, error.samples, error.both)]
    half = np.nanmax(arms) / (mean * (1 - mean))
    low, high = special.expit(special.logit(mean) + np.array([-half, half]))
    return Interval(low=float(low), high=float(high))
