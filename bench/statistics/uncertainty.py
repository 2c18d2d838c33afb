"""How far off a mean over seeds and test samples may be: standard errors, p values, intervals.

A difference in accuracy is uncertain for two reasons: other seeds would train other networks, and
other test samples would meet them. Both are kept apart, and taken together as a third.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from bench.statistics.basics import CONFIDENCE, POWER, Floats, Interval, student_quantile

# Accuracies on any test set that fits in memory differ by more; below this it is rounding.
ROUNDING = 1e-12
_BISECTIONS = 30
_SMALLEST = np.finfo(np.float64).tiny


@dataclass(frozen=True, kw_only=True)
class StandardError:
    """How far off a mean may be, for one reason or for two independent ones together.

    With one part its quantiles are Student's. With two, each part brings its own, weighted by its
    share of the variance: Cochran and Cox's test (Cochran 1964, Biometrics 20:191-195; the
    `COCHRAN` option of SAS's `TTEST`), exact when one part has all the variance and conservative
    between.

    Attributes:
        parts: (parts, ...), standard errors; nan where one cannot be estimated.
        freedoms: (parts, ...), degrees of freedom of those estimates.
    """

    parts: Floats
    freedoms: Floats

    @property
    def total(self) -> Floats:
        """The standard error of all parts together."""
        total: Floats = np.sqrt((self.parts**2).sum(axis=0))
        return total

    def p(self, mean: Floats) -> Floats:
        """Two-sided p of the test that the true mean is zero."""
        t = np.abs(mean) / self.total
        # It lies between the p values that each part's degrees of freedom would give: bisect.
        bounds = 2 * special.stdtr(self.freedoms, -t)
        low, high = bounds.min(axis=0), bounds.max(axis=0)
        if len(self.parts) > 1:
            # Of zero there is no quantile: a p too small for a number is a bound of its own.
            low = np.maximum(low, _SMALLEST)
            for _ in range(_BISECTIONS):
                middle = np.sqrt(low) * np.sqrt(high)
                significant = t >= self._quantile(middle)
                low, high = np.where(significant, low, middle), np.where(significant, middle, high)
        p: Floats = high
        return p

    def interval(self, mean: Floats, confidence: float = CONFIDENCE) -> Interval | None:
        """The interval of a single mean; None without a standard error."""
        if np.isnan(self.total):
            return None
        half = self._quantile(np.asarray(1 - confidence)) * self.total
        return Interval(low=float(mean - half), high=float(mean + half))

    def detectable(self, level: float) -> float:
        """The true mean that is significant at a two-sided level with 80% power.

        By the noncentral t distribution; the chance to be significant in the wrong direction is
        not counted, as in R's `power.t.test`.
        """
        critical = student_quantile(self.freedoms, level)
        shift = special.nctdtrinc(self.freedoms, 1 - POWER, critical)
        return float(self._weighted(shift) * self.total)

    def _quantile(self, level: Floats) -> Floats:
        return self._weighted(student_quantile(self.freedoms, level))

    def _weighted(self, values: Floats) -> Floats:
        mean: Floats = (self.parts**2 * values).sum(axis=0) / (self.parts**2).sum(axis=0)
        return mean


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """The standard errors of a mean: over seeds, over test samples, and over both together."""

    seeds: StandardError
    samples: StandardError
    both: StandardError

    @property
    def _all(self) -> tuple[StandardError, ...]:
        return self.seeds, self.samples, self.both

    def p(self, mean: Floats) -> Floats:
        """The largest of the three p values, nan where one is.

        To claim that several things hold at once, each at level 5%, is a test of level 5% without
        any adjustment: the intersection-union test (Berger 1982, Technometrics 24:295-300).
        """
        p: Floats = np.max([error.p(mean) for error in self._all], axis=0)
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


def crossed(by_seed: Floats, by_sample: Floats) -> Uncertainty:
    """The uncertainty of means over seeds that all meet the same test samples.

    That each of the two tests is significant does not make the difference significant when seeds
    and samples are both drawn again: each test takes as given what the other varies (Raaijmakers,
    Schrijnemakers and Gremmen 1999, J. Memory and Language 41:416-426). Their sum does that: the
    squared standard errors added, which is min F' of Clark (1973, J. Verbal Learning and Verbal
    Behavior 12:335-359). It counts the noise that belongs to both sources twice and so errs towards
    `inconclusive`.

    Args:
        by_seed: (..., seeds), differences averaged over samples.
        by_sample: (..., samples), the same differences averaged over seeds instead.
    """
    seeds, samples = _of_mean(by_seed), _of_mean(by_sample)
    both = StandardError(
        parts=np.concatenate([seeds.parts, samples.parts]),
        freedoms=np.concatenate([seeds.freedoms, samples.freedoms]),
    )
    return Uncertainty(seeds=seeds, samples=samples, both=both)


def nested(values: Floats) -> Uncertainty:
    """The uncertainty of a mean over seeds that each meet test samples of their own.

    The spread over seeds then holds both sources already; what the samples alone add to it is the
    spread within each seed.

    Args:
        values: (seeds, samples).
    """
    n_seeds, n_samples = values.shape
    seeds = _of_mean(values.mean(axis=1))
    within = values.var(axis=1, ddof=1).sum() / n_samples
    samples = StandardError(
        parts=np.array([np.sqrt(within) / n_seeds if within > ROUNDING else np.nan]),
        freedoms=np.array([n_seeds * (n_samples - 1.0)]),
    )
    return Uncertainty(seeds=seeds, samples=samples, both=seeds)


def _of_mean(values: Floats) -> StandardError:
    """The standard error of the mean over the last axis; nan where there is no spread."""
    n = values.shape[-1]
    shape = (1, *values.shape[:-1])
    if n < 2:
        return StandardError(parts=np.full(shape, np.nan), freedoms=np.ones(shape))
    spread = np.ptp(values, axis=-1) > ROUNDING
    error = np.where(spread, values.std(axis=-1, ddof=1) / n**0.5, np.nan)
    return StandardError(parts=error[None], freedoms=np.full(shape, n - 1.0))
