from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

from bench.statistics.accuracy import (
    Comparison,
    Contrast,
    beats,
    compare_paired,
    correctness,
    pair,
)
from bench.statistics.basics import Floats, paired_difference
from bench.statistics.uncertainty import StandardError, crossed

# Student's sleep data (Student 1908, Biometrika 6:1-25; R's `sleep`): hours gained by ten patients.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def over_seeds_alone(by_seed: Floats) -> Contrast:
    """Values that hardly vary over samples, so that the uncertainty over seeds decides."""
    return Contrast(name="seeds", values=np.stack([by_seed - 1e-7, by_seed + 1e-7], axis=1))


def additive(
    difference: float,
    seeds_error: float,
    samples_error: float,
    *,
    n_seeds: int = 20,
    n_samples: int = 50,
) -> Contrast:
    """Values with exactly these mean and standard errors."""
    seeds, samples = np.arange(float(n_seeds)), np.arange(float(n_samples))
    seeds = (seeds - seeds.mean()) / seeds.std(ddof=1) * seeds_error * n_seeds**0.5
    samples = (samples - samples.mean()) / samples.std(ddof=1) * samples_error * n_samples**0.5
    return Contrast(name="additive", values=difference + seeds[:, None] + samples)


def only(family: tuple[Comparison, ...]) -> Comparison:
    (comparison,) = family
    return comparison


def known(comparison: Comparison) -> list[str]:
    """What is there of all that needs spread over seeds."""
    names = ("seeds", "both", "shares", "p", "adjusted_p", "equivalent_p", "detectable")
    return [name for name in names if getattr(comparison, name) is not None]


def test_paired_interval_is_the_published_one_of_students_sleep_data() -> None:
    # R, t.test(extra ~ group, data = sleep, paired = TRUE): mean of the differences -1.58,
    # 95 percent confidence interval -2.4598858 -0.7001142.
    difference = paired_difference(DRUG_1, DRUG_2)
    assert difference.mean == pytest.approx(-1.58)
    assert difference.low == pytest.approx(-2.4598858, abs=5e-8)
    assert difference.high == pytest.approx(-0.7001142, abs=5e-8)


def test_comparison_over_seeds_is_the_published_test_of_students_sleep_data() -> None:
    # As above; t = -4.0621, df = 9, p-value = 0.002833. The drugs' effects are less skewed than the
    # guard would notice on the side of zero, so that the p over both is the same.
    found = only(compare_paired([over_seeds_alone(np.array(DRUG_1) - np.array(DRUG_2))]))
    assert found.seeds is not None
    assert found.seeds.low == pytest.approx(-2.4598858, abs=5e-8)
    assert found.seeds.high == pytest.approx(-0.7001142, abs=5e-8)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.verdict, found.n_seeds, found.n_samples) == ("worse", 10, 2)


def test_both_intervals_are_scipys_student_intervals() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.random((6, 40)) < 0.9, rng.random((6, 40)) < 0.5
    found = only(compare_paired([pair("ours against theirs", ours, theirs)]))
    by_seed = scipy_stats.ttest_rel(ours.mean(axis=1), theirs.mean(axis=1))
    by_sample = scipy_stats.ttest_rel(ours.mean(axis=0), theirs.mean(axis=0))
    for interval, test in ((found.seeds, by_seed), (found.samples, by_sample)):
        assert interval is not None
        expected = test.confidence_interval()
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert found.difference == pytest.approx(ours.mean() - theirs.mean())


@pytest.mark.parametrize(
    ("contrast", "includes_zero"),
    [
        # A difference of 2 with a standard error of 2 / 1.5 is a t of 1.5.
        (additive(2.0, seeds_error=2 / 1.5, samples_error=0.1), {"seeds", "both"}),
        (additive(2.0, seeds_error=0.1, samples_error=2 / 1.5), {"samples", "both"}),
        # t of 2.5 for each alone is 2.5 / sqrt(2) = 1.77 for both.
        (additive(2.0, seeds_error=2 / 2.5, samples_error=2 / 2.5), {"both"}),
    ],
)
def test_better_needs_seeds_and_samples_and_both(
    contrast: Contrast, includes_zero: set[str]
) -> None:
    found = only(compare_paired([contrast]))
    intervals = {"seeds": found.seeds, "samples": found.samples, "both": found.both}
    assert {
        name for name, at in intervals.items() if at is not None and at.low < 0 < at.high
    } == includes_zero
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("n_seeds", "n_samples"), [(3, 50), (50, 3)])
def test_p_is_never_below_that_of_the_scarcer_source(n_seeds: int, n_samples: int) -> None:
    # Standard errors 1 (2 degrees of freedom) and 0.5 (49): over both sqrt(1.25), with
    # (1 + 0.25)^2 / (1 / 2 + 0.0625 / 49) = 3.1 of them. At a t of 31.6 of the scarcer source
    # alone, both together have the smaller p.
    errors = (1.0, 0.5) if n_seeds < n_samples else (0.5, 1.0)
    contrast = additive(31.6, *errors, n_seeds=n_seeds, n_samples=n_samples)
    assert 2 * scipy_stats.t.sf(31.6 / 1.25**0.5, 3.12) < 2 * scipy_stats.t.sf(31.6, 2)
    assert only(compare_paired([contrast])).p == pytest.approx(2 * scipy_stats.t.sf(31.6, 2))


def test_verdict_changes_with_the_order_of_the_models() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = rng.random((5, 300)) < 0.95, rng.random((5, 300)) < 0.6
    assert only(compare_paired([pair("", ours, theirs)])).verdict == "better"
    assert only(compare_paired([pair("", theirs, ours)])).verdict == "worse"


def test_one_seed_gives_samples_their_interval_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    ours, theirs = rng.random((1, 300)) < 0.95, rng.random((1, 300)) < 0.6
    found = only(compare_paired([pair("", ours, theirs)]))
    assert found.samples is not None
    assert found.samples.low > 0
    assert known(found) == []
    assert found.verdict == "inconclusive"


def test_zero_variance_over_seeds_gives_no_p() -> None:
    # Every seed gets three samples more right, each time others.
    theirs = np.zeros((7, 21), dtype=np.bool_)
    ours = theirs.copy()
    for seed in range(7):
        ours[seed, 3 * seed : 3 * seed + 3] = True
    found = only(compare_paired([pair("", ours, theirs)]))
    assert found.difference == pytest.approx(1 / 7)
    assert known(found) == []
    assert found.verdict == "inconclusive"


def test_rounding_is_not_taken_for_variance() -> None:
    # 0.9 - 0.8, 0.8 - 0.7, ... are 0.1 but for the last bits.
    tenths = np.array([0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.6, 0.6 - 0.5])
    assert np.ptp(tenths) > 0
    found = only(compare_paired([over_seeds_alone(tenths)]))
    assert (found.p, found.verdict) == (None, "inconclusive")


def test_networks_of_equal_weights_are_identical_and_no_test() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.random((5, 300)) < 0.9, rng.random((5, 300)) < 0.8
    alone = only(compare_paired([pair("tested", ours, theirs)]))
    tested, twin = compare_paired(
        [pair("tested", ours, theirs), pair("", ours, ours, identical=True)]
    )
    assert (twin.verdict, twin.p, twin.adjusted_p, twin.difference) == ("identical", None, None, 0)
    assert tested == alone


def test_equal_predictions_of_different_weights_are_inconclusive() -> None:
    ours = np.random.default_rng(5).random((5, 30)) < 0.9
    assert only(compare_paired([pair("", ours, ours)])).verdict == "inconclusive"


def test_family_adjusts_what_a_pair_alone_would_pass() -> None:
    # t = 2.4 on 19 degrees of freedom: p = 0.0268 alone, more than 0.05 as the smaller of two.
    weak = additive(2.4, seeds_error=1.0, samples_error=0.01)
    nothing = additive(0.0, seeds_error=1.0, samples_error=0.01)
    assert only(compare_paired([weak])).verdict == "better"
    first, second = compare_paired([weak, nothing])
    assert first.adjusted_p == pytest.approx(2 * 2 * scipy_stats.t.sf(2.4, 19), rel=1e-3)
    assert (first.verdict, second.verdict) == ("inconclusive", "inconclusive")


def test_equal_contrasts_are_one_test_and_share_its_verdict() -> None:
    # t = 2.4 on 19 degrees of freedom: p = 0.027 would not survive a family of two.
    weak = additive(2.4, seeds_error=1.0, samples_error=0.01)
    twin = replace(weak, name="twin", values=weak.values.copy())
    alone, (first, second) = only(compare_paired([weak])), compare_paired([weak, twin])
    assert first == alone
    assert second == replace(alone, name="twin")
    assert first.verdict == "better"


def test_the_primary_question_has_half_of_the_five_percent() -> None:
    # p = 0.0239 (t = 2.46, 19 degrees of freedom): at most 0.025 as the first of five.
    primary = additive(2.46, seeds_error=1.0, samples_error=0.01)
    others = [additive(k / 10, seeds_error=1.0, samples_error=0.01) for k in range(4)]
    found = compare_paired([*others, primary], primary=4)[4]
    p = 2 * scipy_stats.t.sf(2.46, 19)
    assert found.adjusted_p == pytest.approx(2 * p, rel=1e-3)
    assert found.verdict == "better"
    assert compare_paired([*others, primary])[4].adjusted_p == pytest.approx(5 * p, rel=1e-3)


@pytest.mark.parametrize(
    ("difference", "verdict", "within"),
    [(0.001, "equivalent", True), (0.003, "better", True), (0.01, "better", False)],
)
def test_a_difference_within_the_margin_is_equivalent_or_better_by_less_than_it(
    difference: float, verdict: str, within: bool
) -> None:
    # Standard error 0.0007: 0.001 is 1.4 of them from zero and 5.7 from the margin of 0.005.
    found = only(compare_paired([additive(difference, 0.0005, 0.0005)]))
    assert (found.verdict, found.within_margin) == (verdict, within)


def test_the_margin_is_asked_for() -> None:
    contrast = additive(0.001, 0.0005, 0.0005)
    assert only(compare_paired([contrast], margin=0.001)).verdict == "inconclusive"


def test_equivalence_is_adjusted_within_the_family_too() -> None:
    # 0.004 from the margin with a standard error of 0.0021: one-sided p about 0.03.
    contrasts = [additive(0.001 + k / 1e5, 0.0015, 0.0015) for k in range(2)]
    alone, first = only(compare_paired(contrasts[:1])), compare_paired(contrasts)[0]
    assert (alone.verdict, first.verdict) == ("equivalent", "inconclusive")
    assert alone.equivalent_p is not None
    # The second is a little nearer to the margin, so that the first is Holm's first step.
    assert first.equivalent_p == pytest.approx(2 * alone.equivalent_p)


def test_one_network_beats_another_in_so_many_pairs_of_seeds() -> None:
    # 3 beats 1, 1 and 2, ties with 3; 1 ties twice; 2 beats 1 twice and ties once: by hand, of
    # the 9 pairs of (3, 1, 2) with (1, 1, 3): 2 + 0.5, 0.5 + 0.5, 2.
    found = beats(np.array([[0.3, 0.1, 0.2], [0.1, 0.1, 0.3]]))
    assert found == pytest.approx(5.5 / 9)
    mann_whitney = scipy_stats.mannwhitneyu([0.3, 0.1, 0.2], [0.1, 0.1, 0.3]).statistic / 9
    assert found == pytest.approx(mann_whitney)


def test_differences_that_cannot_be_are_not_asked_for() -> None:
    # Two seeds 20 points apart, standard error 10: a t of 12.7 is needed, with 80% power about 16.
    values = np.random.default_rng(10).normal(0, 0.05, (2, 400)) + np.array([[0.0], [0.2]])
    assert only(compare_paired([Contrast(name="", values=values)])).detectable is None


def test_empty_family_has_no_comparisons() -> None:
    assert compare_paired([]) == ()


def test_detectable_difference_is_the_published_one() -> None:
    # R, pwr.t.test(n = 20, power = 0.80, type = "one.sample"): d = 0.6604413.
    alone = over_seeds_alone(additive(0.0, seeds_error=20**-0.5, samples_error=0.0).values[:, 0])
    assert only(compare_paired([alone])).detectable == pytest.approx(0.6604413, abs=2e-6)


@pytest.mark.parametrize("tests", [1, 7])
@pytest.mark.parametrize("n", [5, 20])
def test_detectable_difference_is_statsmodels_at_the_level_left(n: int, tests: int) -> None:
    level = 0.05 / tests
    expected = TTestPower().solve_power(nobs=n, alpha=level, power=0.8)
    error = StandardError(size=np.array(n**-0.5), freedoms=np.array(n - 1.0))
    assert error.detectable(level) == pytest.approx(expected, rel=1e-4)


def test_detectable_difference_is_detected_four_times_in_five() -> None:
    error = StandardError(size=np.array(8**-0.5), freedoms=np.array(7.0))
    values = np.random.default_rng(6).normal(error.detectable(0.01), 1.0, (20_000, 8))
    power = (scipy_stats.ttest_1samp(values, 0, axis=1).pvalue <= 0.01).mean()
    # Standard error of the share: sqrt(0.8 x 0.2 / 20,000) = 0.003.
    assert power == pytest.approx(0.8, abs=0.01)


def test_detectable_difference_over_seeds_and_samples_is_detected_four_times_in_five() -> None:
    # 20 seeds and 50 samples of deviation 1 and 2: standard errors 0.224 and 0.283.
    of_seeds, of_samples = 1 / 20**0.5, 2 / 50**0.5
    freedoms = (of_seeds**2 + of_samples**2) ** 2 / (of_seeds**4 / 19 + of_samples**4 / 49)
    both = StandardError(
        size=np.array((of_seeds**2 + of_samples**2) ** 0.5), freedoms=np.array(freedoms)
    )
    rng = np.random.default_rng(8)
    seeds, samples = rng.normal(0, 1, (10_000, 20)), rng.normal(0, 2, (10_000, 50))
    shift = both.detectable(0.01) + seeds.mean(axis=1) + samples.mean(axis=1)
    by_seed = seeds - seeds.mean(axis=1, keepdims=True) + shift[:, None]
    by_sample = samples - samples.mean(axis=1, keepdims=True) + shift[:, None]
    # Additive, without a residual: the mean square is that of both effects and of the mean.
    square = shift**2 + seeds.var(axis=1) + samples.var(axis=1)
    found = crossed(by_seed, by_sample, square)
    # The guard against skewness takes a little of the power.
    assert (found.p(shift) <= 0.01).mean() == pytest.approx(0.8, abs=0.06)


def test_families_of_a_run_share_the_five_percent() -> None:
    contrast = additive(3.0, seeds_error=1.0, samples_error=0.01)
    alone, shared = only(compare_paired([contrast])), only(compare_paired([contrast], families=2))
    assert alone.adjusted_p is not None
    assert shared.adjusted_p == pytest.approx(2 * alone.adjusted_p)
    # Half of the 5% is the level that a family of two tests leaves to its first.
    other = additive(1.0, seeds_error=1.0, samples_error=0.01)
    assert shared.detectable == compare_paired([contrast, other])[0].detectable


def test_larger_family_needs_a_larger_difference() -> None:
    contrast = additive(0.01, seeds_error=0.01, samples_error=0.01)
    others = [additive(0.01 + k, seeds_error=0.01, samples_error=0.01) for k in range(1, 7)]
    alone, (first, *_) = only(compare_paired([contrast])), compare_paired([contrast, *others])
    assert alone.detectable is not None
    assert first.detectable is not None
    assert first.detectable > alone.detectable


def test_seeds_with_samples_of_their_own_carry_both_sources() -> None:
    rng = np.random.default_rng(7)
    ours, theirs = rng.random((6, 50)) < 0.9, rng.random((6, 50)) < 0.7
    found = only(compare_paired([pair("", ours, theirs, same_samples=False)]))
    test = scipy_stats.ttest_rel(ours.mean(axis=1), theirs.mean(axis=1))
    # Six strata: the variance of the mean is the mean variance of a stratum's mean, over six.
    differences = ours.astype(float) - theirs
    error = np.mean([scipy_stats.sem(row) ** 2 for row in differences]) ** 0.5 / 6**0.5
    half = scipy_stats.t.ppf(0.975, 6 * 49) * error
    assert found.samples is not None
    assert found.samples.low == pytest.approx(found.difference - half)
    assert found.p == pytest.approx(
        max(test.pvalue, 2 * scipy_stats.t.sf(found.difference / error, 6 * 49))
    )


def test_correctness_follows_the_seeds_in_the_order_given() -> None:
    correct = correctness({1: {0: 7}, 2: {1: 3, 2: 4}}, seeds=[2, 1], samples=3)
    assert correct.tolist() == [[True, False, False], [False, True, True]]


def test_unpaired_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 9\) with \(3, 9\)"):
        pair("", np.ones((2, 9), dtype=np.bool_), np.ones((3, 9), dtype=np.bool_))
    with pytest.raises(ValueError, match="at least one seed and two samples"):
        Contrast(name="", values=np.ones((3, 1)))


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4), (0, 5), (3, 1)])
def test_values_of_any_other_shape_than_seeds_by_samples_are_refused(
    shape: tuple[int, ...],
) -> None:
    with pytest.raises(ValueError, match="at least one seed and two samples"):
        Contrast(name="", values=np.ones(shape))
    assert Contrast(name="", values=np.ones((1, 2))).first(1).values.shape == (1, 2)


def test_of_a_triple_that_is_the_whole_family_two_are_tested_at_one_level() -> None:
    # t = 9, 3 and 2.5: multipliers 3, 1, 1 (Shaffer 1986), as any two imply the third.
    family = [additive(t, seeds_error=1.0, samples_error=0.01) for t in (9.0, 3.0, 2.5)]
    alone = [only(compare_paired([contrast])).p for contrast in family]
    found = [c.adjusted_p for c in compare_paired(family, triples=[(0, 1, 2)])]
    assert found == pytest.approx([3 * (alone[0] or 0), alone[1], alone[2]])


def test_no_p_of_many_families_is_above_one() -> None:
    found = only(compare_paired([additive(0.5, 1.0, 0.01)], families=9))
    assert found.p is not None
    assert 9 * found.p > 1
    assert (found.adjusted_p, found.equivalent_p) == (1.0, 1.0)


def test_a_primary_question_that_is_alone_has_all_of_the_five_percent() -> None:
    contrast = additive(2.2, seeds_error=1.0, samples_error=0.01)
    assert compare_paired([contrast], primary=0) == compare_paired([contrast])


def test_networks_are_compared_by_sides_where_there_are_two() -> None:
    # Accuracies 0.5 and 0.7 against 0.4 and 0.4: means 0.6 and 0.4; of an interaction each network
    # is on a side of its own kind.
    networks = np.array([[0.5], [0.7], [0.4], [0.4]])
    mean = Contrast(
        name="", values=np.ones((1, 2)), networks=networks, weights=(0.5, 0.5, -0.5, -0.5)
    )
    assert mean.sides is not None
    assert mean.sides[:, 0] == pytest.approx([0.6, 0.4])
    assert replace(mean, weights=(1.0, -1.0, -1.0, 1.0)).sides is None
    assert replace(mean, networks=None).sides is None


def test_seeds_with_samples_of_their_own_are_told_no_remedy() -> None:
    rng = np.random.default_rng(11)
    ours, theirs = rng.random((2, 5, 60)) < 0.9
    found = only(compare_paired([pair("", ours, theirs, same_samples=False)]))
    assert (found.verdict, found.remedy) == ("inconclusive", None)
    assert only(compare_paired([pair("", ours, theirs)])).remedy is not None
