"""Statistics of repeated runs: numbers in, intervals and verdicts out.

A difference in accuracy is in doubt for two reasons: other seeds would train other networks, and
other test samples would meet them. `compare` keeps the two apart and asks for both, and for both
at once: `better` means that the difference holds for other seeds on these samples, for these
networks on other samples, and when both are drawn anew. scipy and statsmodels do the mathematics.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8
# Accuracies on any test set that fits in memory differ by more; below this it is rounding.
ROUNDING = 1e-12
# No test set is larger. Two fractions with smaller denominators differ by 1e-12 at least.
_MOST_SAMPLES = 1_000_000
_BISECTIONS = 30

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Verdict = Literal["better", "worse", "inconclusive", "identical"]


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
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / n**0.5
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


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A two-sided interval, at 95% where nothing else is said."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A question about accuracy, as one number for every seed and test sample.

    Attributes:
        name: What is compared with what.
        values: (seeds, samples). For two models: correct (1) or not (0) of the one, minus that of
            the other. For more, a weighted sum whose weights add up to 0.
        same_samples: Whether column i is the same test sample for every seed; if not, each seed
            has drawn test samples of its own.
        identical: Whether the networks are known to be equal, so that nothing is left to test.
    """

    name: str
    values: Floats
    same_samples: bool = True
    identical: bool = False

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] < 1 or self.values.shape[1] < 2:
            raise ValueError(
                f"'{self.name}' has values of shape {self.values.shape}; "
                "it needs (seeds, samples), at least one seed and two samples"
            )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the runs say about one contrast, fractions in 0..1.

    What cannot be known is absent, not zero: with one seed, or with no spread over seeds, there is
    no interval over seeds, no p and no smallest detectable difference.

    Attributes:
        name: The contrast's.
        difference: Mean over seeds and samples.
        seeds: Where the mean over all possible seeds lies, on this test set.
        samples: Where the mean over all possible test samples lies, for these trained networks.
        both: Where the mean over all possible seeds and test samples lies.
        widest: The widest of the three intervals, which the verdict rests on.
        standardised_difference: The difference in standard deviations of the paired differences
            over seeds, Cohen's d_z (Cohen 1988, Statistical Power Analysis, 2nd ed., p. 48).
        p: Two-sided; the largest of the p values for seeds, samples and both.
        adjusted_p: After Holm within the family, and for the number of families.
        n_seeds: Number of seeds.
        n_samples: Number of test samples of each seed.
        detectable: The smallest true difference that as many seeds and samples as these detect
            with 80% power, at the level that is left when all tests share the 5% evenly (Holm's
            first step), if the true spread is what was seen.
        verdict: `better` or `worse` if the adjusted p is at most 0.05, which no interval that
            includes zero allows; `identical` for equal networks; else `inconclusive`.
    """

    name: str
    difference: float
    seeds: Interval | None
    samples: Interval | None
    both: Interval | None
    widest: Interval | None
    standardised_difference: float | None
    p: float | None
    adjusted_p: float | None
    n_seeds: int
    n_samples: int
    detectable: float | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """How far off a difference may be, for one reason or for two independent ones together.

    With one part its quantiles are Student's. With two, each part brings its own, weighted by its
    share of the variance: Cochran and Cox's test (Cochran 1964, Biometrics 20:191-195; the
    `COCHRAN` option of SAS's `TTEST`), exact when one part has all the variance and conservative
    between.

    Attributes:
        errors: (parts, ...), standard errors; nan where one cannot be estimated.
        freedoms: (parts, ...), degrees of freedom of those estimates.
    """

    errors: Floats
    freedoms: Floats

    @property
    def error(self) -> Floats:
        """Standard error of the difference."""
        error: Floats = np.sqrt((self.errors**2).sum(axis=0))
        return error

    def p(self, difference: Floats) -> Floats:
        """Two-sided p of the test that the true difference is zero."""
        t = np.abs(difference) / self.error
        # It lies between the p values that each part's degrees of freedom would give: bisect.
        bounds = 2 * special.stdtr(self.freedoms, -t)
        low, high = bounds.min(axis=0), bounds.max(axis=0)
        if len(self.errors) > 1:
            for _ in range(_BISECTIONS):
                middle = np.sqrt(low * high)
                significant = t >= self._quantile(middle)
                low, high = np.where(significant, low, middle), np.where(significant, middle, high)
        p: Floats = high
        return p

    def interval(self, difference: Floats, confidence: float = CONFIDENCE) -> Interval | None:
        """The interval of a single difference; None without a standard error."""
        if np.isnan(self.error):
            return None
        half = self._quantile(np.asarray(1 - confidence)) * self.error
        return Interval(low=float(difference - half), high=float(difference + half))

    def detectable(self, level: float) -> float:
        """The true difference that is significant at a two-sided level with 80% power.

        By the noncentral t distribution; the chance to be significant in the wrong direction is
        not counted, as in R's `power.t.test`.
        """
        critical = -special.stdtrit(self.freedoms, level / 2)
        shift = special.nctdtrinc(self.freedoms, 1 - POWER, critical)
        return float(self._weighted(shift) * self.error)

    def _quantile(self, level: Floats) -> Floats:
        """How many standard errors a difference may be away from zero, at a two-sided level."""
        return self._weighted(-special.stdtrit(self.freedoms, level / 2))

    def _weighted(self, values: Floats) -> Floats:
        mean: Floats = (self.errors**2 * values).sum(axis=0) / (self.errors**2).sum(axis=0)
        return mean


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """The reasons for which a difference may be off: seeds, test samples, and both together."""

    seeds: Doubt
    samples: Doubt
    both: Doubt

    def p(self, difference: Floats) -> Floats:
        """The largest of the three p values, nan where one is.

        To claim that several things hold at once, each at level 5%, is a test of level 5% without
        any adjustment: the intersection-union test (Berger 1982, Technometrics 24:295-300).
        """
        p: Floats = np.max(
            [doubt.p(difference) for doubt in (self.seeds, self.samples, self.both)], axis=0
        )
        return p

    def interval(self, difference: Floats, confidence: float = CONFIDENCE) -> Interval | None:
        """The widest of the three intervals of a single difference; None where one is missing."""
        found = [
            doubt.interval(difference, confidence)
            for doubt in (self.seeds, self.samples, self.both)
        ]
        known = [interval for interval in found if interval is not None]
        if len(known) < len(found):
            return None
        return Interval(low=min(i.low for i in known), high=max(i.high for i in known))


def doubts(by_seed: Floats, by_sample: Floats) -> Doubts:
    """Both doubts and their sum, for test samples that are the same for every seed.

    That each of the two tests is significant does not make the difference significant when seeds
    and samples are both drawn anew: each test takes as given what the other varies (Raaijmakers,
    Schrijnemakers and Gremmen 1999, J. Memory and Language 41:416-426). Their sum does that: the
    squared standard errors added, which is min F' of Clark (1973, J. Verbal Learning and Verbal
    Behavior 12:335-359). It counts the noise that belongs to both sources twice and so errs towards
    `inconclusive`.

    Args:
        by_seed: (..., seeds), differences averaged over samples.
        by_sample: (..., samples), the same differences averaged over seeds instead.
    """
    seeds, samples = _of_mean(by_seed), _of_mean(by_sample)
    both = Doubt(
        errors=np.concatenate([seeds.errors, samples.errors]),
        freedoms=np.concatenate([seeds.freedoms, samples.freedoms]),
    )
    return Doubts(seeds=seeds, samples=samples, both=both)


def compare(family: Sequence[Contrast], *, families: int = 1) -> tuple[Comparison, ...]:
    """One comparison for each contrast of a family that was declared before the data were seen.

    The p values are adjusted within the family by Holm's method. Contrasts of identical networks
    are no tests and take no part in it; one without a p counts as a test that was not significant.

    Args:
        family: The contrasts.
        families: How many families the run has declared. Each gets an equal share of the 5%, so
            that the run as a whole errs in 5% of cases or fewer: adjusted p values are multiplied
            by their number (Bonferroni).
    """
    if not family:
        return ()
    estimates = [_doubts_of(contrast) for contrast in family]
    differences = np.array([contrast.values.mean() for contrast in family])
    p = np.array([doubt.p(mean) for doubt, mean in zip(estimates, differences, strict=True)])
    tested = np.array([not contrast.identical for contrast in family])
    adjusted = np.full_like(p, np.nan)
    adjusted[tested] = np.minimum(families * holm(p[tested]), 1)
    adjusted[np.isnan(p)] = np.nan
    level = ALPHA / families / max(int(tested.sum()), 1)
    return tuple(
        _comparison(contrast, estimates[i], p[i], adjusted[i], level)
        for i, contrast in enumerate(family)
    )


def interval_of(contrast: Contrast, confidence: float = CONFIDENCE) -> Interval | None:
    """Where a contrast's true mean lies, for other seeds, for other test samples and for both.

    None where the runs show no spread to tell it by.
    """
    return _doubts_of(contrast).interval(contrast.values.mean(), confidence)


def holm(p: Floats) -> Floats:
    """The p values of one family, adjusted by Holm's method (1979, Scand. J. Statist. 6:65-70).

    A missing one (nan) counts as 1, so that what cannot be tested does not make the rest easier.
    """
    if not p.size:
        return p
    adjusted: Floats = multipletests(np.nan_to_num(p, nan=1.0), method="holm")[1]
    return adjusted


def upper_bound(found: int, runs: int) -> float:
    """One-sided 95% upper bound of a rate of which `found` in `runs` were seen.

    Source: Clopper and Pearson, Biometrika 26, 1934, 404-413.
    """
    test = stats.binomtest(found, runs, alternative="less")
    return float(test.proportion_ci(confidence_level=CONFIDENCE, method="exact").high)


def correctness(
    misclassified: Mapping[int, Collection[int]], seeds: Sequence[int], samples: int
) -> Bools:
    """Whether a model got each test sample right: (seeds, samples), seeds in the order given.

    Args:
        misclassified: By seed, the positions of the test samples that it got wrong.
        seeds: Which seeds.
        samples: Number of test samples.
    """
    correct = np.ones((len(seeds), samples), dtype=np.bool_)
    for row, seed in zip(correct, seeds, strict=True):
        row[list(misclassified[seed])] = False
    return correct


def pair(
    name: str, ours: Bools, theirs: Bools, *, same_samples: bool = True, identical: bool = False
) -> Contrast:
    """The contrast of two models; positive where ours is right more often.

    Args:
        name: What is compared with what.
        ours: (seeds, samples), whether our model is right.
        theirs: The same for the other model: same seeds, same samples, same order.
        same_samples: Whether column i is the same test sample for every seed.
        identical: Whether both ended in the same weights for every seed.

    Raises:
        ValueError: The shapes differ.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"'{name}' cannot pair runs of shape {ours.shape} with {theirs.shape}")
    values = ours.astype(np.float64) - theirs
    return Contrast(name=name, values=values, same_samples=same_samples, identical=identical)


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Two trained networks on the same test samples.

    Attributes:
        only_first_wrong: Positions of the samples that only the first got wrong.
        only_second_wrong: Positions of those that only the second got wrong.
        p: Exact two-sided McNemar p: whether the two numbers differ by more than chance. It speaks
            of these two networks alone, not of other seeds.
    """

    only_first_wrong: tuple[int, ...]
    only_second_wrong: tuple[int, ...]
    p: float


def disagreement(first: Collection[int], second: Collection[int]) -> Disagreement:
    """What exactly one of two networks gets wrong, from the positions that each misclassified."""
    only_first = tuple(sorted(set(first) - set(second)))
    only_second = tuple(sorted(set(second) - set(first)))
    # The exact test looks at the two cells where they disagree; the others do not enter.
    table = [[0, len(only_first)], [len(only_second), 0]]
    return Disagreement(
        only_first_wrong=only_first,
        only_second_wrong=only_second,
        p=float(mcnemar(table, exact=True).pvalue),
    )


def _comparison(
    contrast: Contrast, doubts: Doubts, p: np.float64, adjusted: np.float64, level: float
) -> Comparison:
    n_seeds, n_samples = contrast.values.shape
    difference = contrast.values.mean()
    return Comparison(
        name=contrast.name,
        difference=float(difference),
        seeds=doubts.seeds.interval(difference),
        samples=doubts.samples.interval(difference),
        both=doubts.both.interval(difference),
        widest=doubts.interval(difference),
        standardised_difference=_known(difference / (doubts.seeds.error * n_seeds**0.5)),
        p=_known(p),
        adjusted_p=_known(adjusted),
        n_seeds=n_seeds,
        n_samples=n_samples,
        detectable=_known(
            np.max([d.detectable(level) for d in (doubts.seeds, doubts.samples, doubts.both)])
        ),
        verdict=_verdict(contrast, difference, adjusted),
    )


def _verdict(contrast: Contrast, difference: np.float64, adjusted: np.float64) -> Verdict:
    if contrast.identical:
        return "identical"
    if np.isnan(adjusted) or adjusted > ALPHA:
        return "inconclusive"
    return "better" if difference > 0 else "worse"


def _doubts_of(contrast: Contrast) -> Doubts:
    values = contrast.values
    if contrast.same_samples:
        return doubts(values.mean(axis=1), values.mean(axis=0))
    # Every seed met samples of its own, so that the spread over seeds holds both doubts already;
    # what the samples alone add to it is the spread within each seed.
    n_seeds, n_samples = values.shape
    seeds = _of_mean(values.mean(axis=1))
    within = values.var(axis=1, ddof=1).sum() / n_samples
    samples = Doubt(
        errors=np.array([np.sqrt(within) / n_seeds if within > ROUNDING else np.nan]),
        freedoms=np.array([n_seeds * (n_samples - 1.0)]),
    )
    return Doubts(seeds=seeds, samples=samples, both=seeds)


def _of_mean(values: Floats) -> Doubt:
    """The doubt of the mean over the last axis; no error where there is no spread."""
    n = values.shape[-1]
    shape = (1, *values.shape[:-1])
    if n < 2:
        return Doubt(errors=np.full(shape, np.nan), freedoms=np.ones(shape))
    spread = np.ptp(values, axis=-1) > ROUNDING
    error = np.where(spread, values.std(axis=-1, ddof=1) / n**0.5, np.nan)
    return Doubt(errors=error[None], freedoms=np.full(shape, n - 1.0))


def _known(value: float | np.float64 | Floats) -> float | None:
    return None if np.isnan(value) else float(value)
