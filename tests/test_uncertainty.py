"""Seeds and samples as crossed random effects, against algebra, a mixed model and a bootstrap."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from bench.statistics.basics import Floats
from bench.statistics.uncertainty import (
    StandardError,
    Uncertainty,
    accuracy_interval,
    crossed,
    nested,
    seed_cubes,
)

# Rows are seeds. Grand mean 5; rows 4, 5, 6; columns 3, 5, 5, 7; what is left is 0 or +-1.
BY_HAND = np.array([[2.0, 4, 4, 6], [4, 5, 4, 7], [3, 6, 7, 8]])


def of(values: Floats) -> Uncertainty:
    return crossed(values.mean(axis=-1), values.mean(axis=-2), (values**2).mean(axis=(-1, -2)))


def additive(rng: np.random.Generator, deviations: tuple[float, float, float]) -> Floats:
    seeds, samples, rest = deviations
    return (
        rng.normal(0, seeds, (12, 1)) + rng.normal(0, samples, 60) + rng.normal(0, rest, (12, 60))
    )


def test_mean_squares_and_freedoms_are_those_of_the_analysis_by_hand() -> None:
    # Sums of squares: rows 4 x (1 + 0 + 1) = 8, columns 3 x (4 + 0 + 0 + 4) = 24, all
    # 9 + 1 + 1 + 1 + 1 + 0 + 1 + 4 + 4 + 1 + 4 + 9 = 36, so 4 are left. Mean squares 8 / 2 = 4,
    # 24 / 3 = 8, 4 / 6 = 2/3. Variance of the mean: (4 + 8 - 2/3) / 12.
    found = of(BY_HAND)
    assert found.parts == pytest.approx(np.array([4 - 2 / 3, 8 - 2 / 3, 2 / 3]) / 12)
    assert found.both.size**2 == pytest.approx((4 + 8 - 2 / 3) / 12)
    freedoms = (12 - 2 / 3) ** 2 / (4**2 / 2 + 8**2 / 3 + (2 / 3) ** 2 / 6)
    assert found.both.freedoms == pytest.approx(freedoms)
    assert found.seeds.size**2 == pytest.approx(4 / 12)
    assert found.samples.size**2 == pytest.approx(8 / 12)


@pytest.mark.parametrize("deviations", [(0.5, 1.0, 1.0), (1.0, 0.3, 2.0)])
def test_standard_error_and_components_are_those_of_a_mixed_model(
    deviations: tuple[float, float, float],
) -> None:
    values = additive(np.random.default_rng(1), deviations)
    table = pd.DataFrame(
        [
            {"seed": seed, "sample": sample, "value": value, "all": 1}
            for (seed, sample), value in np.ndenumerate(values)
        ]
    )
    model = smf.mixedlm(
        "value ~ 1",
        table,
        groups="all",
        re_formula="0",
        vc_formula={"seed": "0 + C(seed)", "sample": "0 + C(sample)"},
    ).fit(reml=True)
    found = of(values)
    components = dict(zip(model.model.exog_vc.names, model.vcomp, strict=True))
    parts = found.parts * [12, 60, 12 * 60]
    expected = [components["seed"], components["sample"], model.scale]
    assert parts == pytest.approx(expected, rel=1e-3)
    assert found.both.size == pytest.approx(model.bse_fe.iloc[0], rel=1e-3)


def test_no_component_is_below_zero_and_both_is_never_the_smallest() -> None:
    values = np.random.default_rng(2).normal(size=(500, 5, 30))
    found = of(values)
    assert (found.parts >= 0).all()
    assert (found.parts[:2] == 0).any()
    assert (found.both.size >= found.seeds.size - 1e-12).all()
    assert (found.both.size >= found.samples.size - 1e-12).all()


def test_many_matrices_at_once_are_each_as_alone() -> None:
    values = np.random.default_rng(3).normal(size=(2, 3, 6, 20)) + 0.3
    together = of(values)
    alone = of(values[1, 2])
    mean = values.mean(axis=(-1, -2))
    assert together.p(mean)[1, 2] == pytest.approx(alone.p(mean[1, 2]))
    assert together.parts[:, 1, 2] == pytest.approx(alone.parts)


def test_the_pigeonhole_bootstrap_finds_the_same_variance_and_the_residual_three_times() -> None:
    # Owen 2007 (Ann. Appl. Statist. 1:386-411): rows and columns are drawn anew, each by itself.
    # The residual is in the means of rows, in those of columns, and once more in their cells.
    rng = np.random.default_rng(4)
    values = additive(rng, (1.0, 3.0, 4.0))
    draws = []
    for _ in range(4000):
        rows, columns = rng.integers(0, 12, 12), rng.integers(0, 60, 60)
        draws.append(values[np.ix_(rows, columns)].mean())
    found = of(values)
    seeds, samples, rest = found.parts
    row, column = 11 / 12, 59 / 60  # deviations from the mean of all, not from the truth
    expected = row * seeds + column * samples + (row + column + row * column) * rest
    # The variance of 4,000 draws has a standard error of 2.2%.
    assert np.var(draws) == pytest.approx(expected, rel=0.1)


def test_without_skewness_p_and_interval_are_students() -> None:
    found = of(BY_HAND)  # its row and column means lie evenly about 5
    expected = 2 * stats.t.sf(5 / found.both.size, found.both.freedoms)
    assert found.both.p(np.array(5.0)) == pytest.approx(expected)


def test_skewness_makes_one_side_wider_and_no_p_smaller() -> None:
    plain = StandardError(size=np.array(1.0), freedoms=np.array(9.0))
    skewed = StandardError(size=np.array(1.0), freedoms=np.array(9.0), skewness=np.array(-0.6))
    q = stats.t.ppf(0.975, 9)
    found, usual = skewed.interval(np.array(3.0)), plain.interval(np.array(3.0))
    assert found is not None
    assert usual is not None
    # Few low values: the true mean may be further below, by q + 0.6 (1 + 2 q^2) / 6.
    assert found.low == pytest.approx(3 - (q + 0.6 * (1 + 2 * q**2) / 6))
    assert found.high == usual.high == pytest.approx(3 + q)
    assert skewed.p(np.array(3.0)) > plain.p(np.array(3.0))
    assert skewed.p(np.array(-3.0)) == plain.p(np.array(-3.0))


@pytest.mark.parametrize("skewness", [0.0, -0.4, 1.5])
@pytest.mark.parametrize("mean", [-3.0, -6.0, 6.0, 20.0])
def test_a_mean_at_the_end_of_an_interval_has_the_p_of_its_level(
    mean: float, skewness: float
) -> None:
    error = StandardError(size=np.array(2.0), freedoms=np.array(7.0), skewness=np.array(skewness))
    p = float(error.p(np.array(mean)))
    interval = error.interval(np.array(mean), confidence=1 - p)
    assert interval is not None
    assert min(abs(interval.low), abs(interval.high)) == pytest.approx(0, abs=1e-9)


def test_skewness_is_supposed_where_seeds_of_one_network_differ_more() -> None:
    # Deviations 2 and 1 (n - 1 in the denominator): cubes 8 - 1 = 7. Equal ones cancel.
    restless, calm = [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]
    weights = np.array([1.0, -1.0])
    assert seed_cubes(np.array([restless, calm]), weights) == pytest.approx(7)
    assert seed_cubes(np.array([calm, restless]), weights) == pytest.approx(-7)
    assert seed_cubes(np.array([calm, calm]), weights) == pytest.approx(0)
    # Means of rows 1, 2, 3, deviation 1: of three seeds s x 0.7 / 3^2 is the third cumulant of the
    # mean, and s x 1 / 3^2 the most that there can be; s is -2 x (1 + 40 / 25), as of
    # five seeds.
    s = -5.2
    values = np.array([[0.0, 2, 1, 1], [1, 1, 3, 3], [2, 4, 2, 4]])
    plain = of(values)
    for cubes, expected in ((0.7, s * 0.7 / 9), (7.0, s / 9), (-7.0, -s / 9)):
        found = crossed(
            values.mean(axis=1), values.mean(axis=0), np.asarray((values**2).mean()), cubes
        )
        added = (found.both.skewness - plain.both.skewness) * found.both.size**3
        assert added == pytest.approx(expected)


def test_equivalence_is_two_one_sided_tests() -> None:
    # Schuirmann 1987: the larger of two one-sided p values, against -m and against m.
    error = StandardError(size=np.array(0.2), freedoms=np.array(15.0))
    against_m = stats.t.cdf((0.1 - 0.5) / 0.2, 15)
    assert error.p_within(np.array(0.1), 0.5) == pytest.approx(against_m)
    assert error.p_within(np.array(-0.1), 0.5) == pytest.approx(against_m)
    assert error.p_within(np.array(0.5), 0.5) == pytest.approx(0.5)
    assert error.p_within(np.array(2.0), 0.5) > 0.99


def test_of_all_doubts_the_largest_decides() -> None:
    found = of(np.random.default_rng(5).normal(0.4, 1, (2, 200)))
    mean = np.array(0.4)
    each = [error.p(mean) for error in (found.seeds, found.samples, found.both)]
    assert found.p(mean) == max(each)


def test_seeds_of_own_samples_carry_both_sources() -> None:
    values = np.random.default_rng(6).normal(size=(6, 50))
    found = nested(values)
    assert found.both.size == found.seeds.size == pytest.approx(stats.sem(values.mean(axis=1)))
    assert found.parts.sum() >= found.both.size**2 - 1e-15


def test_one_seed_tells_nothing_of_other_seeds() -> None:
    found = of(np.random.default_rng(7).normal(size=(1, 50)))
    assert np.isnan(found.seeds.size)
    assert np.isnan(found.both.size)
    assert found.samples.size > 0
    assert np.isnan(found.p(np.array(1.0)))


def test_seeds_that_are_equally_accurate_leave_the_doubt_over_samples() -> None:
    # 4 of 360 wrong, the same ones for every seed: s = sqrt(p q / 359), t(0.975, 359) = 1.9666;
    # ln(356 / 4) = 4.4886, and 1.9666 x s / (p q) = 0.9902 away from it on the logit scale.
    correct = np.ones((3, 360), dtype=np.bool_)
    correct[:, :4] = False
    found = accuracy_interval(correct)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.97065, 0.99584), abs=2e-5)
    assert accuracy_interval(correct[:1]) is None  # one seed says nothing of other seeds
    assert accuracy_interval(np.ones((3, 360), dtype=np.bool_)) is None


def test_the_interval_of_two_seeds_is_not_narrower_than_over_seeds_alone() -> None:
    # 90% and 80% right: s / sqrt(2) = 0.05; t(0.975, 1) = 12.706; 0.85 x 0.15 = 0.1275.
    correct = np.ones((2, 100), dtype=np.bool_)
    correct[0, :10] = correct[1, :20] = False
    found = accuracy_interval(correct)
    assert found is not None
    half = 12.706 * 0.05 / 0.1275
    low, high = (1 / (1 + np.exp(-np.log(0.85 / 0.15) - side * half)) for side in (-1, 1))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_beyond_three_standard_errors_skewness_adds_no_more_than_there() -> None:
    # 9 degrees of freedom, two-sided 0.1%: 4.781 in printed tables. At 3 the correction is
    # 0.6 (1 + 2 x 9) / 6 = 1.9.
    error = StandardError(size=np.array(2.0), freedoms=np.array(9.0), skewness=np.array(-0.6))
    below, above = error.reach(0.001)
    assert (below, above) == pytest.approx((2 * (4.781 + 1.9), 2 * 4.781), abs=1e-3)


@pytest.mark.parametrize("skewness", [-0.5, 0.5])
def test_what_is_detected_in_four_of_five_cases_is_larger_where_seeds_are_skewed(
    skewness: float,
) -> None:
    error = StandardError(size=np.array(0.1), freedoms=np.array(9.0), skewness=np.array(skewness))
    q = stats.t.ppf(0.975, 9)
    critical = q + 0.5 * (1 + 2 * q**2) / 6
    power = stats.nct.sf(critical, 9, error.detectable(0.05) / 0.1)
    assert power == pytest.approx(0.8)


def test_spread_within_seeds_of_own_samples_is_that_of_their_samples() -> None:
    # Means of rows 4, 5, 6: variance 1 / 3 of their mean. Variances of rows 8/3, 6/3 and 14/3, mean
    # 28/9, over 12 values: 7/27, with 3 x 3 degrees of freedom. The rest of 9/27 are the seeds.
    found = nested(BY_HAND, 0.7)
    assert found.seeds.size**2 == pytest.approx(1 / 3)
    assert (found.samples.size**2, found.samples.freedoms) == pytest.approx((7 / 27, 9))
    assert found.parts == pytest.approx(np.array([2, 7, 0]) / 27)
    # Three seeds as above: -5.2 x 0.7 / 9, over the cubed standard error.
    assert found.both.skewness == pytest.approx(-5.2 * 0.7 / 9 * 3**1.5)
    apart = nested(np.array([[0.0, 2.0], [1.0, 1.0]]))  # equal means: the samples are all
    assert apart.parts[1] == pytest.approx(1 / 4)


def test_a_skewed_spread_of_samples_is_fishers_k_statistic() -> None:
    by_sample = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 3.0])
    values = np.array([[-1.0], [1.0]]) + by_sample
    found = of(values)
    expected = stats.kstat(by_sample, 3) / 6**2 / found.both.size**3
    assert found.both.skewness == pytest.approx(expected)
    few = of(np.array([[0.0, 1.0], [2.0, 5.0]]))  # of two samples nothing is known
    assert few.both.skewness == 0


def test_an_interval_of_an_accuracy_is_even_on_the_scale_of_log_odds() -> None:
    rng = np.random.default_rng(8)
    right = rng.random((6, 80)) < 0.9 + 0.05 * rng.standard_normal((6, 1))
    found = accuracy_interval(right)
    assert found is not None
    mean, error = right.mean(), of(right.astype(np.float64)).both
    low, middle, high = (np.log(x / (1 - x)) for x in (found.low, mean, found.high))
    assert high - middle == pytest.approx(middle - low)
    # The slope of the log odds is 1 / (mean (1 - mean)).
    half = stats.t.ppf(0.975, error.freedoms) * error.size / mean / (1 - mean)
    assert high - middle == pytest.approx(half)
    assert accuracy_interval(np.ones((3, 9), dtype=np.bool_)) is None
