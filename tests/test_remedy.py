"""What would settle a comparison, against other planners of experiments."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from bench.statistics.accuracy import Contrast, compare_paired
from bench.statistics.neighbours import design_effect
from bench.statistics.remedy import Remedy, expected_error, remedy_of
from bench.statistics.uncertainty import StandardError, Uncertainty


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


def test_a_step_of_one_side_has_the_design_effect_by_hand() -> None:
    # 50 times 1, then 50 times -1, in blocks of 10: 41 blocks of each, and nine between with means
    # 0.8, 0.6, ... -0.8, whose squares add up to 2.4. So 84.4 / 91 of a block's mean; times
    # 10 x 100 / 90, over the variance 100 / 99.
    step = np.repeat([1.0, -1.0], 50)
    expected = 10 * (84.4 / 91) * (100 / 90) / (100 / 99)
    assert design_effect(step) == pytest.approx(expected**0.5)
    assert design_effect(step[:-1]) is None  # ten blocks of 10 are the fewest


@pytest.mark.parametrize(
    ("seeds_error", "times"),
    # A difference of 1 is found where the error is less than 1 / 2.9 (Student's 97.5% and 80%
    # quantiles for many samples): errors of 20 seeds of up to 0.34, with twice as many 0.49, with
    # four times as many 0.69, with eight times 0.98.
    [(0.2, 1), (0.42, 2), (0.6, 4), (0.8, 8), (1.2, None)],
)
def test_samples_settle_it_with_as_few_seeds_more_as_can(
    seeds_error: float, times: int | None
) -> None:
    found = remedy(additive(1.0, seeds_error=seeds_error, samples_error=1.0))
    assert found is not None
    assert found.seeds is None
    assert found.samples_seeds == (None if times is None else times * 20)
    assert (found.samples is None) == (times is None)


def test_the_expected_error_of_the_runs_there_are_is_that_of_the_analysis_by_hand() -> None:
    # test_uncertainty: mean squares 4, 8 and 2/3 of 3 seeds and 4 samples; so variances of
    # a fourth of 10/3 for seeds, a third of 22/3 for samples, and 2/3 for what is left.
    size, freedoms = expected_error(
        np.array(10 / 12), np.array(22 / 9), np.array(2 / 3), seeds=3, samples=4
    )
    assert size**2 == pytest.approx((4 + 8 - 2 / 3) / 12)
    assert freedoms == pytest.approx((12 - 2 / 3) ** 2 / (4**2 / 2 + 8**2 / 3 + (2 / 3) ** 2 / 6))


def test_what_belongs_to_one_seed_and_sample_together_is_divided_by_both_numbers() -> None:
    # A variance of 1 for each of 5 x 100, and none of seeds or samples alone. By Satterthwaite as
    # many degrees of freedom as 1 / (1 / (n - 1) + 1 / 99 + 1 / (99 (n - 1))).
    error = StandardError(size=np.array(500**-0.5), freedoms=np.array(4.0))
    parts = np.array([0.0, 0.0, 1 / 500])
    found = Uncertainty(seeds=error, samples=error, both=error, parts=parts)

    def power(seeds: int) -> float:
        free = 1 / (1 / (seeds - 1) + 1 / 99 + 1 / (99 * (seeds - 1)))
        critical = stats.t.ppf(0.975, free)
        return float(stats.nct.sf(critical, free, 0.06 * (seeds * 100) ** 0.5))

    first = next(seeds for seeds in range(6, 100) if power(seeds) >= 0.8)
    asked = {"n_seeds": 5, "n_samples": 100, "level": 0.05, "margin": 0.001}
    assert remedy_of(found, 0.06, **asked) == Remedy(seeds=first)  # type: ignore[arg-type]
