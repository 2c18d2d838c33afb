"""What would settle a comparison, against other planners of experiments."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from bench.statistics.accuracy import Contrast, compare_paired
from bench.statistics.neighbours import design_effect
from bench.statistics.remedy import Remedy


def additive(difference: float, seeds_error: float, samples_error: float) -> Contrast:
    """20 seeds and 50 samples with exactly these mean and standard errors, without a residual."""
    seeds, samples = np.arange(20.0), np.arange(50.0)
    seeds = (seeds - seeds.mean()) / seeds.std(ddof=1) * seeds_error * 20**0.5
    samples = (samples - samples.mean()) / samples.std(ddof=1) * samples_error * 50**0.5
    return Contrast(name="", values=difference + seeds[:, None] + samples)


def remedy(contrast: Contrast) -> Remedy | None:
    (comparison,) = compare_paired([contrast])
    return comparison.remedy


def needed(effect: float) -> int:
    return math.ceil(float(TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)))


def test_seeds_that_would_settle_it_are_statsmodels() -> None:
    # One seed deviates by sqrt(20), samples by nothing.
    found = remedy(additive(1.0, seeds_error=1.0, samples_error=1e-6))
    assert found == Remedy(seeds=needed(1 / 20**0.5))


def test_where_the_doubt_is_in_the_samples_no_number_of_seeds_settles_it() -> None:
    found = remedy(additive(1.0, seeds_error=1e-3, samples_error=1.0))
    assert found is not None
    assert found.seeds is None
    assert found.samples == pytest.approx(needed(1 / 50**0.5), rel=0.01)
    assert found.samples_seeds == 20


def test_equivalence_settles_it_where_there_is_no_difference() -> None:
    # Half a point from the margin on both sides; each side's test with 90% power.
    deviation = 0.004 * 20**0.5
    sides = (
        n
        for n in range(21, 1000)
        if (stats.t.ppf(0.95, n - 1) + stats.t.ppf(0.9, n - 1)) * deviation / n**0.5 <= 0.005
    )
    assert remedy(additive(0.0, seeds_error=0.004, samples_error=1e-7)) == Remedy(seeds=next(sides))


def test_what_is_settled_needs_no_remedy() -> None:
    assert remedy(additive(9.0, seeds_error=1.0, samples_error=1.0)) is None


def test_one_seed_says_nothing_of_a_remedy() -> None:
    one = Contrast(name="", values=additive(0.1, 1.0, 1.0).values[:1])
    assert remedy(one) is None


def test_shares_add_up_and_name_the_larger_doubt() -> None:
    (found,) = compare_paired([additive(0.0, seeds_error=3.0, samples_error=4.0)])
    assert found.shares is not None
    # 9 of 25 and 16 of 25.
    assert (found.shares.seeds, found.shares.samples) == pytest.approx((0.36, 0.64))
    assert found.shares.rest == pytest.approx(0, abs=1e-9)


def test_independent_samples_have_a_design_effect_of_one() -> None:
    rng = np.random.default_rng(1)
    effects = [design_effect(rng.normal(size=900)) for _ in range(200)]
    assert np.mean([effect for effect in effects if effect is not None]) == pytest.approx(
        1, abs=0.03
    )


def test_samples_that_come_four_times_have_twice_the_doubt() -> None:
    values = np.repeat(np.random.default_rng(2).normal(size=10_000), 4)
    assert design_effect(values) == pytest.approx(2, rel=0.1)


def test_samples_that_cancel_their_neighbours_leave_no_doubt() -> None:
    # Every block of 20 holds as many +1 as -1.
    assert design_effect(np.tile([1.0, -1.0], 200)) == pytest.approx(0, abs=1e-9)


def test_few_samples_have_no_design_effect() -> None:
    assert design_effect(np.arange(50.0)) is None
    assert design_effect(np.zeros(400)) is None
