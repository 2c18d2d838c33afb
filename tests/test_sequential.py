"""Levels of the looks: against published tables, another method of integration, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.sequential import (
    LOOKS,
    fractions,
    from_samples,
    looks_up_to,
    nominal_levels,
    p_of_looks,
    repeated_p,
    spent,
)
from bench.statistics.sequential import information as information_of
from bench.statistics.uncertainty import StandardError, Uncertainty


def limits(levels: tuple[float, ...]) -> list[float]:
    return [float(stats.norm.isf(level / 2)) for level in levels]


def crossed_somewhere(levels: tuple[float, ...], information: tuple[float, ...]) -> float:
    """How often a mean that is zero passes some look's limit, by scipy's multivariate normal."""
    known = np.array(information)
    covariance = np.sqrt(np.minimum.outer(known, known) / np.maximum.outer(known, known))
    limit = np.array(limits(levels))
    normal = stats.multivariate_normal(cov=covariance, abseps=1e-7, maxpts=2_000_000, seed=1)
    return 1 - float(normal.cdf(limit, lower_limit=-limit))


@pytest.mark.parametrize(
    ("looks", "published"),
    [
        # R's ldbounds (`iuse = 1`) and gsDesign (`sfLDOF`), two-sided 0.05, equal steps.
        (4, [4.333, 2.963, 2.359, 2.014]),
        (5, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_limits_of_equal_steps_are_those_of_published_tables(
    looks: int, published: list[float]
) -> None:
    levels = nominal_levels(tuple((look + 1) / looks for look in range(looks)))
    assert limits(levels) == pytest.approx(published, abs=0.001)


@pytest.mark.parametrize("level", [0.05, 0.0125])
@pytest.mark.parametrize("fixed", [0.0, 0.5, 0.9, 0.99])
def test_all_looks_together_spend_the_level_by_another_method(level: float, fixed: float) -> None:
    information = fractions(LOOKS, fixed)
    levels = nominal_levels(information, level)
    assert crossed_somewhere(levels, information) == pytest.approx(level, abs=2e-5)
    for looks in (2, 3):
        together = crossed_somewhere(levels[:looks], information[:looks])
        assert together == pytest.approx(float(spent(information[looks - 1], level)), abs=2e-5)


def test_the_spending_function_spends_nothing_first_and_all_at_the_end() -> None:
    assert spent(1.0, 0.05) == pytest.approx(0.05)
    assert spent(1.0, 0.01) == pytest.approx(0.01)
    # 4 (1 - Phi(2.2414 / 0.5)), of which each side has a half.
    assert spent(0.25, 0.05) == pytest.approx(1.475e-5, rel=2e-3)


def test_what_a_look_knows_follows_from_seeds_and_samples() -> None:
    assert looks_up_to(40) == (5, 10, 20, 40)
    assert looks_up_to(12) == (5, 10, 12)
    assert looks_up_to(5) == (5,)
    assert fractions(LOOKS, 0.0) == pytest.approx((0.125, 0.25, 0.5, 1.0))
    # Half of the last variance is the samples': v(S) = (40 / S + 1) / 2.
    assert fractions(LOOKS, 0.5) == pytest.approx((1 / 4.5, 1 / 2.5, 1 / 1.5, 1.0))
    # A share that was estimated outside of 0..1.
    assert fractions(LOOKS, -0.3) == fractions(LOOKS, 0.0)
    assert fractions(LOOKS, 1.0) == fractions(LOOKS, 0.99)


def test_repeated_p_is_the_level_at_which_a_look_stops() -> None:
    information = fractions(LOOKS, 0.7)
    for level in (0.2, 0.05, 0.003):
        for look, nominal in enumerate(nominal_levels(information, level)[1:], start=2):
            assert repeated_p(nominal, information[:look]) == pytest.approx(level, rel=1e-4)
    assert repeated_p(0.03, (1.0,)) == 0.03
    assert np.isnan(repeated_p(float("nan"), information[:2]))
    assert repeated_p(1.0, information) == 1.0
    assert 0 < repeated_p(0.0, information) < 1e-9


def scores(rng: np.random.Generator, runs: int, fixed: float) -> np.ndarray:
    """z at each look, (runs, looks): means over seeds plus one error of the samples for all."""
    seeds = rng.standard_normal((runs, LOOKS[-1])).cumsum(axis=1)[:, np.array(LOOKS) - 1]
    seeds *= np.sqrt((1 - fixed) * LOOKS[-1]) / np.array(LOOKS)
    samples = np.sqrt(fixed) * rng.standard_normal((runs, 1))
    deviation = np.sqrt((1 - fixed) * LOOKS[-1] / np.array(LOOKS) + fixed)
    found: np.ndarray = (seeds + samples) / deviation
    return found


@pytest.mark.parametrize("fixed", [0.0, 0.6, 0.95])
def test_looking_four_times_errs_as_often_as_declared_and_without_levels_more_often(
    fixed: float,
) -> None:
    runs = 100_000
    p = 2 * stats.norm.sf(abs(scores(np.random.default_rng(1), runs, fixed)))
    for level in (0.2, 0.05, 0.01):
        levels = np.array(nominal_levels(fractions(LOOKS, fixed), level))
        error = np.sqrt(level * (1 - level) / runs)
        assert (p <= levels).any(axis=1).mean() == pytest.approx(level, abs=3 * error)
    careless = (p <= 0.05).any(axis=1).mean()
    assert careless > (0.07 if fixed == 0.95 else 0.09)


def test_levels_divided_by_the_number_of_tests_would_spend_too_much() -> None:
    information = fractions(LOOKS, 0.0)
    tests = 10
    divided = tuple(level / tests for level in nominal_levels(information))
    assert crossed_somewhere(divided, information) > 1.005 * 0.05 / tests
    right = nominal_levels(information, 0.05 / tests)
    assert crossed_somewhere(right, information) == pytest.approx(0.05 / tests, abs=2e-6)


def test_what_seeds_add_is_taken_as_large_as_it_may_be_at_90_percent() -> None:
    # Of variances estimated with 4 and 9 degrees of freedom, 10% are below 1.064 / 4 and 4.168 / 9
    # of the true one: the 10% quantiles of chi-squared, from printed tables. With 5 of 40 seeds,
    # what seeds and residual add at the last look is an eighth of what they add now.
    parts = np.array([3.0, 2.0, 1.0])
    for seeds, quantile in ((5, 1.064), (10, 4.168)):
        at_last = (3 + 1) * (seeds - 1) / quantile * seeds / 40
        assert from_samples(parts, seeds, 40) == pytest.approx(2 / (2 + at_last), rel=1e-3)
    assert from_samples(np.array([3.0, 0.0, 1.0]), 5, 40) == 0


def sure(level: float) -> tuple[Uncertainty, float]:
    """A mean with a standard error of 1 and so many degrees of freedom that t is normal."""
    error = StandardError(size=np.array(1.0), freedoms=np.array(1e9))
    parts = np.array([1.0, 0.0, 0.0])
    uncertainty = Uncertainty(seeds=error, samples=error, both=error, parts=parts)
    return uncertainty, float(stats.norm.isf(level / 2))


def test_p_of_two_looks_is_the_level_at_which_one_of_them_stops() -> None:
    # Of 5, 10, 20 and 40 seeds, each with samples of their own, two looks were taken.
    information, looks = (5 / 40, 10 / 40), (5, 10)
    for level in (0.2, 0.03):
        first, second = nominal_levels(information, level)
        for stops, other in ((first, 0.9), (0.9, second)):
            one, another = sure(stops), sure(other)
            found, means = [one[0], another[0]], [one[1], another[1]]
            p, _ = p_of_looks(found, means, looks, most=40, same_samples=False, margin=0.1)
            assert p == pytest.approx(level, rel=1e-3)
        # A mean of zero is within the margin m with a one-sided p of Phi(-m): half of a level.
        margin = float(stats.norm.isf(second / 2))
        _, within = p_of_looks(found, [0, 0], looks, most=40, same_samples=False, margin=margin)
        assert within == pytest.approx(level / 2, rel=1e-3)


def test_samples_that_are_the_same_at_every_look_leave_less_to_learn() -> None:
    # Variance at the last of 40 seeds as test_what_seeds_add_...: 2 of samples, and what 5 seeds
    # may add at most, 4 x 4 / 1.064 x 5 / 40 = 1.880.
    parts = np.array([3.0, 2.0, 1.0])
    fixed = 2 / (2 + 1.880)
    known = 1 / ((1 - fixed) * 40 / 5 + fixed)
    assert information_of(parts, (5,), 40) == pytest.approx((known,), rel=1e-3)
    # Of two looks the last one says what seeds add: ten seeds, 4 x 9 / 4.168 x 10 / 40 = 2.159.
    fixed = 2 / (2 + 2.159)
    both = (1 / ((1 - fixed) * 40 / seeds + fixed) for seeds in (5, 10))
    assert information_of(parts, (5, 10), 40) == pytest.approx(tuple(both), rel=1e-3)
    assert information_of(None, (5, 10), 40) == pytest.approx((5 / 40, 10 / 40))
    assert information_of(np.full(3, np.nan), (5,), 40) == pytest.approx((5 / 40,))
