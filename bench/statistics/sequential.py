"""Verdicts that may be looked at while seeds are added: a group-sequential design, two-sided.

Who looks at 5, 10, 20 and 40 seeds, and stops as soon as p is at most 0.05, errs more often than
in 5% of cases, because there are four chances to err. Here each look has a smaller level of its
own, so that all looks together err in 5%. How much may be spent by which look is Lan and DeMets's
function (1983, Biometrika 70:659-663), like the boundaries of O'Brien and Fleming: little at first,
most at the end. What is left for a look follows from what was spent before it, by the recursive
integration of Armitage, McPherson and Rowe (1969, J. R. Statist. Soc. A 132:235-244); see Jennison
and Turnbull (2000, Group Sequential Methods with Applications to Clinical Trials, chapters 7 and
19).

What is spent depends on the information: the inverse of the variance of the estimate, as a fraction
of what it will be at the last look. The test samples are the same at every look, so information
does not grow in proportion to seeds: where samples make most of the variance, five seeds know
nearly as much as forty, and may spend nearly as much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import special

from bench.statistics.basics import ALPHA, Bools, Floats, student_quantile
from bench.statistics.remedy import expected_error
from bench.statistics.uncertainty import Uncertainty

LOOKS = (5, 10, 20, 40)  # seeds
SPENDING = "Lan and DeMets (1983), like O'Brien and Fleming"
# Looks that know equally much would be one look; as if 1% of the last variance came from seeds.
MOST_FROM_SAMPLES = 0.99
# How surely the variance between seeds is at most what a look supposes. A few seeds often show too
# little of it; a look that believed them would take the samples for nearly all of the variance, and
# would spend too much too early.
_SURELY = 0.9
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_SMALLEST_LEVEL, _WIDEST = 1e-12, 8.5  # standard errors: further out is less than 1e-16


# By look, the fraction of the last look's information, rising, in 0..1.
Information = tuple[float, ...]


def looks_up_to(most: int) -> tuple[int, ...]:
    """After how many seeds a run that may take `most` is looked at; the last look is at `most`."""
    return (*(seeds for seeds in LOOKS if seeds < most), most)


def fractions(looks: Sequence[int], fixed: float) -> Information:
    """How much each look knows of what the last one will know, in 0..1.

    The variance of a mean over S seeds is `seeds / S + samples`.

    Args:
        looks: Numbers of seeds, rising.
        fixed: The share of the variance at the last look that comes from the test samples, and
            that no seed makes smaller, in 0..1.
    """
    fixed = min(max(fixed, 0.0), MOST_FROM_SAMPLES)
    return tuple(1 / ((1 - fixed) * looks[-1] / seeds + fixed) for seeds in looks)


def spent(fraction: float | Floats, level: float = ALPHA) -> Floats:
    """How much of a two-sided level may be spent by a fraction of the information.

    Each side spends `2 - 2 Phi(z / sqrt(fraction))` of its half, where z leaves a quarter of the
    level above it; so all is spent at 1.
    """
    limit = -special.ndtri(level / 4)
    spent: Floats = 4 * special.ndtr(-limit / np.sqrt(fraction))
    return spent


@lru_cache(maxsize=1 << 14)
def nominal_levels(information: Information, level: float = ALPHA) -> tuple[float, ...]:
    """The two-sided level of each look, so that all looks together have the given one.

    Args:
        information: Of each look.
        level: Of all looks together.
    """
    # Score of a mean that is zero: Brownian motion over information. `density` is that of the
    # scores of runs that no look has stopped, at `points`.
    levels = []
    points, weighted = np.zeros(1), np.ones(1)
    before, spent_before = 0.0, 0.0
    for fraction in information:
        scale = np.sqrt(fraction - before)
        spends = float(spent(fraction, level)) - spent_before
        limit = _limit(points, weighted, scale, np.sqrt(fraction), spends)
        levels.append(float(2 * special.ndtr(-limit)))
        reach = limit * np.sqrt(fraction)
        arrived = reach * _NODES
        steps = (arrived[:, None] - points) / scale
        density = (np.exp(-0.5 * steps**2) @ weighted) / (scale * np.sqrt(2 * np.pi))
        points, weighted = arrived, density * reach * _WEIGHTS
        before, spent_before = fraction, spent_before + spends
    return tuple(levels)


def _limit(points: Floats, weighted: Floats, scale: float, root: float, spends: float) -> float:
    """The z beyond which a look stops, so that it spends what it may."""

    def beyond(limit: float) -> float:
        up, down = (limit * root - points) / scale, (limit * root + points) / scale
        return float(weighted @ (special.ndtr(-up) + special.ndtr(-down)))

    if beyond(_WIDEST) >= spends:
        return _WIDEST
    return _root(lambda z: beyond(z) - spends, 0.0, _WIDEST, 1e-10)


def _root(function: Callable[[float], float], low: float, high: float, within: float) -> float:
    """Where a function that changes sign between two places is zero."""
    from scipy.optimize import brentq  # takes a tenth of a second, and few runs look early

    return float(brentq(function, low, high, xtol=within))


@lru_cache(maxsize=1 << 14)
def repeated_p(p: float, information: Information) -> float:
    """The p of a look that accounts for all looks until then: Jennison and Turnbull's repeated p.

    It is the smallest level of the whole design at which this look stops. If nothing is there to
    be found, the smallest of all looks' repeated p values is at most 0.05 in 5% of cases, and so
    for every other level: they may be adjusted for several tests like any other p values (Maurer
    and Bretz 2013, Statistics in Biopharmaceutical Research 5:311-320). Dividing the levels of the
    looks by the number of tests would not do, because spending is not proportional to the level.

    Args:
        p: Two-sided, of this look alone; nan where it is not known. One of Student's or
            Satterthwaite's test is used like one of a normal test (Jennison and Turnbull 2000,
            section 3.8).
        information: Of the looks up to this one.
    """
    if (len(information) == 1 and information[0] == 1) or not p < 1:
        return p
    reached = tuple(information)

    def excess(log_level: float) -> float:
        return nominal_levels(reached, float(np.exp(log_level)))[-1] - p

    lowest, highest = np.log(_SMALLEST_LEVEL), np.log(0.9999)
    if excess(lowest) >= 0:
        return max(p, _SMALLEST_LEVEL)
    if excess(highest) <= 0:
        return 1.0
    return float(np.exp(_root(excess, lowest, highest, 1e-6)))


def p_of_looks(
    found: Sequence[Uncertainty],
    means: Sequence[float],
    looks: Sequence[int],
    *,
    most: int,
    same_samples: bool,
    margin: float,
) -> tuple[Floats, Floats]:
    """The p of a difference and the p of equivalence, which account for all looks taken.

    The one-sided p of equivalence is half of a two-sided one: each side spends half of a level.

    Args:
        found: By look, how far off the mean may be.
        means: By look.
        looks: Numbers of seeds.
        most: That of the last look of the plan.
        same_samples: Whether all seeds meet the same test samples.
        margin: Within which networks are equivalent.
    """
    of_looks = []
    for number, (at_look, value) in enumerate(zip(found, means, strict=True), start=1):
        mean = np.asarray(value)
        known = information(at_look.parts if same_samples else None, looks[:number], most)
        p, within = float(at_look.p(mean)), float(at_look.p_within(mean, margin))
        of_looks.append((repeated_p(p, known), repeated_p(min(2 * within, 1.0), known) / 2))
    smallest = np.fmin.reduce(np.array(of_looks), axis=0)  # of one seed nothing is known
    return smallest[0], smallest[1]


def information(parts: Floats | None, looks: Sequence[int], most: int) -> Information:
    """How much each of some looks knows of what the last look of the plan will know.

    Args:
        parts: (3,), see `Uncertainty`, at the last of these looks; None where every seed has test
            samples of its own.
        looks: Numbers of seeds.
        most: That of the last look of the plan.
    """
    fixed = 0.0
    if parts is not None and parts.sum() > 0:
        fixed = float(from_samples(parts, looks[-1], most))
    return fractions((*looks, most), fixed)[: len(looks)]


def from_samples(parts: Floats, seeds: int, most: int) -> Floats:
    """The share of the variance at the last look that surely comes from the test samples.

    What seeds and the residual add is taken at the upper limit of its one-sided interval (Scheffe
    1959, The Analysis of Variance, section 7.2): the estimate times its degrees of freedom over
    the lower quantile of chi-squared.

    Args:
        parts: (3, ...), what seeds, samples and the residual add to the variance after so many
            seeds, on the same samples for all.
        seeds: How many.
        most: How many the last look has.
    """
    of_seeds, samples, rest = parts
    at_most = (of_seeds + rest) * (seeds - 1) / special.chdtri(seeds - 1, _SURELY)
    share: Floats = samples / (samples + at_most * seeds / most)
    return share


def may_settle(
    found: Uncertainty,
    mean: Floats,
    *,
    seeds: int,
    most: int,
    samples: int,
    levels: tuple[float | Floats, float | Floats],
    margin: float,
) -> Bools:
    """Whether a run that goes on to its last look may still decide a comparison.

    The mean will be somewhere else then, but not far: what the seeds to come can change is
    predicted from the spread of those that are there, at 95%. Where even the most favourable mean
    would be neither significant nor surely within the margin, going on is of no use: stochastic
    curtailment (Lan, Simon and Halperin 1982, Sequential Analysis 1:207-219). To stop for that
    makes no verdict false, because it gives none.

    Args:
        found: The uncertainty so far.
        mean: The difference so far.
        seeds: How many there are.
        most: How many the last look has.
        samples: Number of test samples.
        levels: The largest two-sided level of the looks to come, for a difference; and that of
            the same design at twice the level, for equivalence.
        margin: Within which networks are equivalent.
    """
    of_seeds, of_samples, rest = found.parts
    size, freedoms = expected_error(
        of_seeds * seeds, of_samples * samples, rest * seeds * samples, most, samples
    )
    free = np.full_like(size, seeds - 1.0)
    reach = student_quantile(free) * found.seeds.size * np.sqrt(1 - seeds / most)
    largest, smallest = np.abs(mean) + reach, np.maximum(np.abs(mean) - reach, 0)
    different = largest >= student_quantile(freedoms, levels[0]) * size
    equivalent = smallest + student_quantile(freedoms, levels[1]) * size <= margin
    may: Bools = different | equivalent
    return may
