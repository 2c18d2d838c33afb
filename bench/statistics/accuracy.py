"""Verdicts on differences in accuracy between networks: right answers in, intervals and p out.

`compare_paired` asks for both sources of uncertainty, and for both at once: `better` means that the
difference holds for other seeds on these samples, for these networks on other samples, and when
both are drawn again. `equivalent` means the same of a difference within the margin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.statistics.basics import (
    ALPHA,
    CONFIDENCE,
    ROUNDING,
    Bools,
    Floats,
    Interval,
    holm,
)
from bench.statistics.margin import MARGIN
from bench.statistics.remedy import Remedy, Shares, remedy_of, shares_of
from bench.statistics.sequential import information, nominal_levels, p_of_looks
from bench.statistics.uncertainty import Uncertainty, estimate, seed_cubes

Verdict = Literal["better", "worse", "equivalent", "inconclusive", "identical"]


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
        networks: (networks, seeds), the accuracies of all networks that it is made of; None where
            skewed seeds are not guarded against.
        weights: Of each of these networks.
        seeds: Which seeds, rising, where the verdicts are looked at while seeds are added; so with
            both fields that follow.
        looks: How many of the seeds each look has seen; the last one all.
        most_seeds: How many the last look of the plan may see.
    """

    name: str
    values: Floats
    same_samples: bool = True
    identical: bool = False
    networks: Floats | None = None
    weights: tuple[float, ...] = (1.0, -1.0)
    seeds: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    most_seeds: int = 0

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] < 1 or self.values.shape[1] < 2:
            raise ValueError(
                f"'{self.name}' has values of shape {self.values.shape}; "
                "it needs (seeds, samples), at least one seed and two samples"
            )

    def first(self, seeds: int) -> Contrast:
        """The same question to the first so many seeds."""
        return replace(
            self,
            values=self.values[:seeds],
            networks=None if self.networks is None else self.networks[:, :seeds],
            seeds=self.seeds[:seeds],
        )

    @property
    def sides(self) -> Floats | None:
        """(2, seeds), the mean accuracies of what is compared and of what it is compared with.

        None where the networks are not known, or are compared in more than two ways at once, as in
        an interaction.
        """
        weights = np.array(self.weights)
        if self.networks is None or not np.isclose(np.maximum(weights, 0).sum(), 1):
            return None
        return np.stack([np.maximum(side, 0) @ self.networks for side in (weights, -weights)])


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
        beats: How often a network of the one side is more accurate than one of the other, over all
            pairs of their seeds, ties half; None where there are no two sides.
        shares: Where the variance of the difference comes from.
        p: Two-sided; the largest of the p values for seeds, samples and both.
        adjusted_p: After the adjustment within the family.
        equivalent_p: That of the claim that the difference is within the margin, adjusted within
            the family, too.
        n_seeds: Number of seeds.
        n_samples: Number of test samples of each seed.
        detectable: The smallest true difference that as many seeds and samples as these detect
            with 80% power, at the level that is left when all tests share the 5% evenly (Holm's
            first step), if the true spread is what was seen; None if it would be more than 1.
        verdict: `better` or `worse` if the adjusted p is at most 0.05, which no interval that
            includes zero allows; else `equivalent` if the adjusted p of that claim is;
            `identical` for equal networks; else `inconclusive`.
        within_margin: Whether the difference is surely within the margin, whatever the verdict.
        remedy: What would settle it; None where it is settled or nothing can be said.
    """

    name: str
    difference: float
    seeds: Interval | None
    samples: Interval | None
    both: Interval | None
    widest: Interval | None
    beats: float | None
    shares: Shares | None
    p: float | None
    adjusted_p: float | None
    equivalent_p: float | None
    n_seeds: int
    n_samples: int
    detectable: float | None
    verdict: Verdict
    within_margin: bool
    remedy: Remedy | None


def compare_paired(
    family: Sequence[Contrast],
    *,
    primary: int | None = None,
    triples: Sequence[tuple[int, int, int]] = (),
    families: int = 1,
    margin: float = MARGIN,
) -> tuple[Comparison, ...]:
    """One comparison for each contrast of a family that was declared before the data were seen.

    The p values are adjusted within the family (see `holm`), those of differences and those of
    equivalence apart: of one contrast no more than one of the two claims can be false. Contrasts of
    identical networks are no tests and take no part in it; those that have equal values are one
    test and share its verdict; one without a p counts as a test that was not significant.

    Args:
        family: The contrasts.
        primary: The place of the run's primary question, which has half of the family's 5%; None
            if it is of another family.
        triples: Places of contrasts of which any two imply the third.
        families: How many families share the run's 5% equally, so that the run as a whole errs in
            5% of cases or fewer.
        margin: The smallest difference that matters, a fraction of all samples.
    """
    first = _first_of_equals(family)
    tests = sorted({first[i] for i in range(len(family)) if not family[i].identical})
    estimates = [uncertainty_of(contrast) for contrast in family]
    shared = _Shared(
        tests=tests,
        weights=_weights(tests, None if primary is None else first[primary]),
        triples=[
            (tests.index(a), tests.index(b), tests.index(c))
            for a, b, c in triples
            if {a, b, c} <= set(tests)
        ],
        families=families,
    )
    p = [
        _p_values(contrast, error, margin)
        for contrast, error in zip(family, estimates, strict=True)
    ]
    adjusted = shared.adjust([of_difference for of_difference, _ in p])
    within = shared.adjust([of_equivalence for _, of_equivalence in p])
    return tuple(
        _comparison(
            contrast,
            estimates[i],
            adjusted=adjusted[first[i]],
            within=within[first[i]],
            level=shared.level(first[i]),
            margin=margin,
        )
        for i, contrast in enumerate(family)
    )


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """How a family shares its part of the 5%: weights and triples of the places that are tests."""

    tests: Sequence[int]
    weights: Floats
    triples: Sequence[tuple[int, int, int]]
    families: int

    def adjust(self, p: Sequence[Floats]) -> Floats:
        """The adjusted p of every place, nan where there is no test or no p."""
        known, adjusted = np.array(p), np.full(len(p), np.nan)
        if self.tests:
            at = list(self.tests)
            found = self.families * holm(known[at], self.triples, weights=self.weights)
            adjusted[at] = np.minimum(found, 1)
        adjusted[np.isnan(known)] = np.nan
        return adjusted

    def level(self, place: int) -> float:
        """The level of a test at Holm's first step."""
        if place not in self.tests:
            return ALPHA
        share = self.weights[self.tests.index(place)] / self.weights.sum()
        return float(ALPHA / self.families * share)


def _weights(tests: Sequence[int], primary: int | None) -> Floats:
    """One for each test; the primary one has as much as all others together."""
    weights = np.ones(len(tests))
    if primary in tests and len(tests) > 1:
        weights[tests.index(primary)] = len(tests) - 1
    return weights


def interval_of(contrast: Contrast, confidence: float = CONFIDENCE) -> Interval | None:
    """Where a contrast's true mean lies, for other seeds, for other test samples and for both.

    None where the runs show no spread, so that it cannot be estimated.
    """
    return uncertainty_of(contrast).interval(contrast.values.mean(), confidence)


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
    name: str,
    ours: Bools,
    theirs: Bools,
    *,
    same_samples: bool = True,
    identical: bool = False,
    seeds: Sequence[int] = (),
) -> Contrast:
    """The contrast of two models; positive where ours is right more often.

    Args:
        name: What is compared with what.
        ours: (seeds, samples), whether our model is right.
        theirs: The same for the other model: same seeds, same samples, same order.
        same_samples: Whether column i is the same test sample for every seed.
        identical: Whether both ended in the same weights for every seed.
        seeds: Which seeds, rising, where the verdicts are looked at while seeds are added.

    Raises:
        ValueError: The shapes differ.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"'{name}' cannot pair runs of shape {ours.shape} with {theirs.shape}")
    return Contrast(
        name=name,
        values=ours.astype(np.float64) - theirs,
        same_samples=same_samples,
        identical=identical,
        networks=np.stack([ours.mean(axis=1), theirs.mean(axis=1)]),
        seeds=tuple(seeds),
    )


def beats(accuracies: Floats) -> float:
    """How often the one is more accurate than the other, over all pairs of seeds, ties half.

    The probability of superiority (Mann and Whitney 1947, Ann. Math. Statist. 18:50-60).

    Args:
        accuracies: (2, seeds).
    """
    apart = accuracies[0][:, None] - accuracies[1]
    return float(((apart > ROUNDING) + 0.5 * (np.abs(apart) <= ROUNDING)).mean())


def _first_of_equals(family: Sequence[Contrast]) -> list[int]:
    """For each contrast the place of the first that has the same values."""
    places: dict[bytes, int] = {}
    return [places.setdefault(c.values.tobytes(), i) for i, c in enumerate(family)]


def _comparison(
    contrast: Contrast,
    found: Uncertainty,
    *,
    adjusted: float,
    within: float,
    level: float,
    margin: float,
) -> Comparison:
    n_seeds, n_samples = contrast.values.shape
    difference = contrast.values.mean()
    detectable = found.detectable(level)
    confidence = CONFIDENCE
    if contrast.looks:
        parts = found.parts if contrast.same_samples else None
        known = information(parts, contrast.looks, contrast.most_seeds)
        confidence = 1 - nominal_levels(known)[-1]
    made = Comparison(
        name=contrast.name,
        difference=float(difference),
        seeds=found.seeds.interval(difference, confidence),
        samples=found.samples.interval(difference, confidence),
        both=found.both.interval(difference, confidence),
        widest=found.interval(difference, confidence),
        beats=None if contrast.sides is None else beats(contrast.sides),
        shares=shares_of(found),
        p=_known(found.p(difference)),
        adjusted_p=_known(adjusted),
        equivalent_p=_known(within),
        n_seeds=n_seeds,
        n_samples=n_samples,
        detectable=detectable if detectable <= 1 else None,
        verdict=_verdict(contrast, difference, adjusted, within),
        within_margin=bool(within <= ALPHA),
        remedy=None,
    )
    if made.verdict != "inconclusive" or not contrast.same_samples:
        return made
    remedy = remedy_of(
        found,
        float(difference),
        n_seeds=n_seeds,
        n_samples=n_samples,
        level=level,
        margin=margin,
    )
    return replace(made, remedy=remedy)


def _verdict(contrast: Contrast, difference: float, adjusted: float, within: float) -> Verdict:
    if contrast.identical:
        return "identical"
    if adjusted <= ALPHA:  # false where there is none
        return "better" if difference > 0 else "worse"
    return "equivalent" if within <= ALPHA else "inconclusive"


def _p_values(contrast: Contrast, found: Uncertainty, margin: float) -> tuple[Floats, Floats]:
    """The p of a difference and the p of equivalence, which account for all looks taken."""
    if not contrast.looks:
        mean = np.asarray(contrast.values.mean())
        return found.p(mean), found.p_within(mean, margin)
    seen = [contrast.first(look) for look in contrast.looks]
    return p_of_looks(
        [uncertainty_of(part) for part in seen],
        [float(part.values.mean()) for part in seen],
        contrast.looks,
        most=contrast.most_seeds,
        same_samples=contrast.same_samples,
        margin=margin,
    )


def uncertainty_of(contrast: Contrast) -> Uncertainty:
    """How far off a contrast's mean may be."""
    cubes = 0.0
    if contrast.networks is not None:
        cubes = float(seed_cubes(contrast.networks, np.array(contrast.weights)))
    return estimate(contrast.values, cubes, same_samples=contrast.same_samples)


def _known(value: float | Floats) -> float | None:
    return None if np.isnan(value) else float(value)
