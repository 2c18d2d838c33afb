"""Means, quantiles and Holm's adjustment, against worked examples and other tools."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.statistics.basics import exact, holm, paired_difference, student_quantile, summarise


def test_equal_means_have_equal_bits() -> None:
    # numpy's mean of the first two is 0.9750000000000001
    of_400 = [[391, 389], [389, 391], [390, 390], [388, 392]]
    means = {summarise([exact(right / 400) for right in counts]).mean for counts in of_400}
    assert means == {0.975}
    nothing = paired_difference([exact(0.9775), exact(0.9725)], [exact(0.975), exact(0.975)])
    assert nothing.mean == 0


def test_differences_that_are_equal_have_no_spread() -> None:
    # In floating point 350 / 360 - 347 / 360 is not 355 / 360 - 352 / 360.
    ours, theirs = ([exact(right / 360) for right in counts] for counts in ((350, 355), (347, 352)))
    assert paired_difference(ours, theirs).std == 0


@pytest.mark.parametrize("samples", [7, 360, 3_000, 10_000, 60_000])
def test_a_share_of_test_samples_is_exact(samples: int) -> None:
    for right in (0, 1, samples // 3, samples - 1, samples):
        assert exact(right / samples) == Fraction(right, samples)


def test_summary_of_one_run_has_no_spread() -> None:
    summary = summarise([0.9])
    assert (summary.mean, summary.std, summary.low, summary.high) == (0.9, None, None, None)


def test_two_runs_have_the_widest_of_students_intervals() -> None:
    # 1 and 3: mean 2, deviation sqrt(2), so a standard error of 1; Student's 97.5% quantile with
    # one degree of freedom is 12.706 in every printed table.
    found = summarise([3.0, 1.0])
    assert (found.n, found.mean, found.minimum, found.maximum) == (2, 2.0, 1.0, 3.0)
    assert found.std == pytest.approx(2**0.5)
    assert (found.low, found.high) == pytest.approx((2 - 12.706, 2 + 12.706), abs=1e-3)


@pytest.mark.parametrize(("ours", "theirs"), [(2, 1), (1, 2)])
def test_other_numbers_of_runs_are_not_paired(ours: int, theirs: int) -> None:
    with pytest.raises(ValueError, match=f"{ours} runs cannot be paired with {theirs}"):
        paired_difference([0.5] * ours, [0.5] * theirs)
    with pytest.raises(ValueError, match="no values to summarise"):
        summarise([])


def test_quantiles_are_those_of_printed_tables_at_95_percent_and_at_others() -> None:
    # Two-sided 5%, 9 degrees of freedom: 2.262; 1%: 3.250.
    assert student_quantile(9) == pytest.approx(2.262, abs=5e-4)
    assert student_quantile(9, 0.01) == pytest.approx(3.250, abs=5e-4)


def test_holm_adjusts_as_in_the_worked_example() -> None:
    # Wikipedia, Holm-Bonferroni method, example: p = 0.01, 0.04, 0.03, 0.005; by hand
    # 4 x 0.005 = 0.02, 3 x 0.01 = 0.03, 2 x 0.03 = 0.06, and 1 x 0.04 not below the one before.
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_missing_p_makes_the_others_no_easier() -> None:
    assert holm(np.array([0.02, np.nan])).tolist() == pytest.approx([0.04, 1.0])


def test_no_adjusted_p_is_above_one_and_none_below_the_one_before() -> None:
    # 2 x 0.6 is 1.2, and 1 x 0.7 less than that; with weights 9 and 1, 10 / 9 and 1 x 0.7.
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([0.6, 0.7]), weights=[9, 1]).tolist() == pytest.approx([2 / 3, 0.7])


def test_weights_share_the_five_percent_as_in_holms_paper() -> None:
    # By hand, weights 3, 1, 1, 1: 0.02 x 6 / 3 = 0.04; then 0.01 x 3 and 0.02 x 2, but not below
    # the one before; then 0.5.
    adjusted = holm(np.array([0.01, 0.02, 0.01, 0.5]), weights=[3, 1, 1, 1])
    assert adjusted.tolist() == pytest.approx([0.02, 0.04, 0.03, 0.5])


def test_of_three_pairwise_hypotheses_two_are_tested_at_one_level() -> None:
    # Shaffer 1986, section 2: three means, multipliers 3, 1, 1 in place of Holm's 3, 2, 1.
    p = np.array([0.01, 0.04, 0.03])
    assert holm(p).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(p, [(0, 1, 2)]).tolist() == pytest.approx([0.03, 0.04, 0.03])


def test_a_rejected_member_of_a_triple_frees_the_tests_outside_it() -> None:
    # Five hypotheses, the first three a triple. All can be true: 5 x 0.001. Then of the other two
    # of the triple one at most: 3 x 0.012 instead of 4. Then 2 x 0.02, and last 1 x 0.03, 1 x 0.04.
    p = np.array([0.001, 0.03, 0.04, 0.012, 0.02])
    adjusted = holm(p, [(0, 1, 2)])
    assert adjusted.tolist() == pytest.approx([0.005, 0.04, 0.04, 0.036, 0.04])


def test_adjusted_by_triples_errs_in_no_more_than_five_percent() -> None:
    # a and b are equal, c differs clearly: one true hypothesis of three; and all three equal.
    rng = np.random.default_rng(9)
    for shift in (0.0, 5.0):
        a, b, c = rng.normal(0, 2**-0.5, (3, 40_000)) + np.array([[0.0], [0.0], [shift]])
        p = 2 * scipy_stats.norm.sf(np.abs(np.stack([a - b, b - c, a - c], axis=-1)))
        found = holm(p, [(0, 1, 2)]) <= 0.05
        false = found[:, 0] if shift else found.any(axis=1)
        assert false.mean() <= 0.05 + 3 * (0.05 * 0.95 / 40_000) ** 0.5
