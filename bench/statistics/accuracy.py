"""Verdicts on differences in accuracy between networks: right answers in, intervals and p out.

`compare_paired` asks for both sources of uncertainty, and for both at once: `better` means that the
difference holds for other seeds on these samples, for these networks on other samples, and when
both are drawn again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from bench.statistics.basics import ALPHA, CONFIDENCE, Bools, Floats, Interval, holm
from bench.statistics.uncertainty import Uncertainty, crossed, nested

Verdict = Literal["better", "worse", "inconclusive", "identical"]


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


def compare_paired(family: Sequence[Contrast], *, families: int = 1) -> tuple[Comparison, ...]:
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
    estimates = [_uncertainty(contrast) for contrast in family]
    differences = np.array([contrast.values.mean() for contrast in family])
    p = np.array([found.p(mean) for found, mean in zip(estimates, differences, strict=True)])
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

    None where the runs show no spread, so that it cannot be estimated.
    """
    return _uncertainty(contrast).interval(contrast.values.mean(), confidence)


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
    # Of the samples where they disagree, a fair coin would give either half.
    fewer, all_of_them = min(len(only_first), len(only_second)), len(only_first) + len(only_second)
    return Disagreement(
        only_first_wrong=only_first,
        only_second_wrong=only_second,
        p=min(1.0, 2 * float(special.bdtr(fewer, all_of_them, 0.5))),
    )


def _comparison(
    contrast: Contrast, found: Uncertainty, p: np.float64, adjusted: np.float64, level: float
) -> Comparison:
    n_seeds, n_samples = contrast.values.shape
    difference = contrast.values.mean()
    return Comparison(
        name=contrast.name,
        difference=float(difference),
        seeds=found.seeds.interval(difference),
        samples=found.samples.interval(difference),
        both=found.both.interval(difference),
        widest=found.interval(difference),
        standardised_difference=_known(difference / (found.seeds.total * n_seeds**0.5)),
        p=_known(p),
        adjusted_p=_known(adjusted),
        n_seeds=n_seeds,
        n_samples=n_samples,
        detectable=_known(found.detectable(level)),
        verdict=_verdict(contrast, difference, adjusted),
    )


def _verdict(contrast: Contrast, difference: np.float64, adjusted: np.float64) -> Verdict:
    if contrast.identical:
        return "identical"
    if np.isnan(adjusted) or adjusted > ALPHA:
        return "inconclusive"
    return "better" if difference > 0 else "worse"


def _uncertainty(contrast: Contrast) -> Uncertainty:
    values = contrast.values
    if contrast.same_samples:
        return crossed(values.mean(axis=1), values.mean(axis=0))
    return nested(values)


def _known(value: float | np.float64 | Floats) -> float | None:
    return None if np.isnan(value) else float(value)
