from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.statistics.basics import Floats, holm
from bench.statistics.speed import (
    VERDICTS,
    SpeedMargins,
    hodges_lehmann,
    judge,
    one_process,
    speed_ratios,
    student,
    wilcoxon,
)

ROUNDS = 20


def block_times(log_seconds: float | np.ndarray[Any, Any]) -> Floats:
    """Block times of one process, (1, rounds)."""
    times: Floats = np.exp(np.broadcast_to(log_seconds, (1, ROUNDS)))
    return times


def processes(*log_seconds: float, rounds: int = 8) -> Floats:
    """Block times of several processes, each the same in all of its rounds."""
    times: Floats = np.exp(np.tile(np.array(log_seconds)[:, None], rounds))
    return times


def test_the_interval_is_the_one_of_a_published_worked_example() -> None:
    # Hollander and Wolfe, Nonparametric Statistical Methods, 1973, p. 29f., depression scores of
    # nine patients: estimate 0.46, interval 0.010 to 0.786. The help page of R's wilcox.test has
    # the same data with the one-sided p, 0.01953.
    first = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    second = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    found = wilcoxon(first - second)
    assert found.centre == pytest.approx(0.46)
    assert found.low == pytest.approx(0.010)
    assert found.high == pytest.approx(0.786)
    assert found.p == pytest.approx(2 * 0.01953, abs=1e-5)


@pytest.mark.parametrize("rounds", [6, 9, 20, 31])
def test_p_values_are_those_of_scipy(rounds: int) -> None:
    differences = np.random.default_rng(rounds).normal(0.2, 1, (50, rounds))
    expected = stats.wilcoxon(differences, axis=1, method="exact").pvalue
    np.testing.assert_allclose(wilcoxon(differences).p, expected)


def test_twenty_rounds_leave_52_means_beyond_each_end() -> None:
    # 52 is the printed critical value of the signed-rank test for n = 20, two-sided 5% (Siegel,
    # Nonparametric Statistics for the Behavioral Sciences, 1956, table G).
    differences = np.random.default_rng(1).normal(size=ROUNDS)
    means = sorted((a + b) / 2 for i, a in enumerate(differences) for b in differences[i:])
    assert len(means) == 210
    found = wilcoxon(differences)
    assert found.low == means[52]
    assert found.high == means[209 - 52]


def test_interval_and_p_value_agree_on_whether_there_is_a_difference() -> None:
    found = wilcoxon(np.random.default_rng(2).normal(0.4, 1, (500, ROUNDS)))
    excluded = (found.low > 0) | (found.high < 0)
    assert 0 < excluded.sum() < 500
    np.testing.assert_array_equal(found.p < 0.05, excluded)


def test_the_interval_widens_with_its_level() -> None:
    # Critical values of the signed-rank test, n = 20, two-sided: 52 at 5%, 43 at 2%, 37 at 1%.
    differences = np.random.default_rng(1).normal(size=(3, ROUNDS))
    differences[1:] = differences[0]
    means = sorted((a + b) / 2 for i, a in enumerate(differences[0]) for b in differences[0][i:])
    found = wilcoxon(differences, np.array([0.05, 0.02, 0.01]))
    assert found.low.tolist() == [means[52], means[43], means[37]]
    assert found.high.tolist() == [means[209 - 52], means[209 - 43], means[209 - 37]]


def test_too_few_rounds_of_one_process_give_no_interval_and_no_verdict() -> None:
    found = wilcoxon(np.ones(5))
    assert found.low == -np.inf
    assert found.high == np.inf
    seconds = {"slow": block_times(1.0)[:, :5], "fast": block_times(0.0)[:, :5]}
    assert speed_ratios(seconds, "slow")["fast"].verdict == "inconclusive"


def test_a_difference_of_exactly_zero_speaks_for_neither_side() -> None:
    # Of the 21 means of two of 0, 1, ..., 5 one is zero and 20 are above. W <= 1 in 2 of 2^6 cases.
    assert wilcoxon(np.arange(6.0)).p == pytest.approx(2 * 2 / 64)
    assert wilcoxon(-np.arange(6.0)).p == pytest.approx(2 * 2 / 64)


def test_holm_adjusts_like_statsmodels_in_every_table() -> None:
    tables = np.random.default_rng(3).uniform(0, 0.2, (10, 12))
    expected = [multipletests(table, method="holm")[1] for table in tables]
    np.testing.assert_allclose(holm(tables), expected)


def test_processes_are_judged_by_students_test_of_scipy() -> None:
    values = np.random.default_rng(5).normal(0.1, 0.1, (20, 5))
    found = student(values, 0.01)
    expected = stats.ttest_1samp(values, 0.0, axis=1)
    interval = expected.confidence_interval(0.99)
    np.testing.assert_allclose(found.p, expected.pvalue)
    np.testing.assert_allclose(found.low, interval.low)
    np.testing.assert_allclose(found.high, interval.high)


def test_an_estimate_is_the_median_of_all_means_of_two() -> None:
    # Of 0, 1 and 8: themselves, 0.5, 4 and 4.5; in order 0, 0.5, 1, 4, 4.5, 8.
    assert hodges_lehmann(np.array([8.0, 0.0, 1.0])) == 2.5


def test_the_processes_are_the_sample_whatever_their_rounds_say() -> None:
    # Eight rounds each without any noise, but the five processes find 2%, 4%, 6%, 8% and 10%: mean
    # 6%, deviation sqrt(0.001), error sqrt(0.0002); half the interval is 2.776 errors.
    faster = (0.02, 0.04, 0.06, 0.08, 0.10)
    seconds = {"a": processes(*[0.0] * 5), "b": processes(*(-x for x in faster))}
    found = speed_ratios(seconds, "a")["b"]
    half = 2.7764 * 0.0002**0.5
    assert np.log(found.ratio) == pytest.approx(0.06)
    assert np.log([found.low, found.high]) == pytest.approx([0.06 - half, 0.06 + half], abs=1e-5)
    assert found.verdict == "faster"


def test_one_process_of_five_that_is_slow_makes_no_verdict() -> None:
    # 10% in one process: mean 2%, and the error is 2% as well, so that t is 1.
    slow = speed_ratios({"a": processes(*[0.0] * 5), "b": processes(0.1, 0, 0, 0, 0)}, "a")["b"]
    assert slow.p == pytest.approx(2 * stats.t.sf(1, 4))
    assert slow.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("log_ratio", "verdict"),
    [
        (0.0, "as fast"),
        (0.019, "as fast"),  # below the margin of 2%, log 1.02 = 0.0198
        (0.021, "faster"),
        (-0.019, "as fast"),
        (-0.021, "slower"),
        (0.2, "faster"),
    ],
)
def test_a_sure_difference_has_to_be_beyond_its_margin(log_ratio: float, verdict: str) -> None:
    noise = np.array([0.001, -0.001, 0.0005, -0.0005, 0.0])
    seconds = {"a": processes(*[0.0] * 5), "b": processes(*(noise - log_ratio))}
    assert speed_ratios(seconds, "a")["b"].verdict == verdict


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        # Deviation of -2, -1, 0, 1, 2: sqrt(2.5); half = 2.776 x spread x sqrt(2.5 / 5). The
        # margin of equivalence is log 1.05 = 0.0488: a spread of 0.0248 reaches it.
        (0.024, "as fast"),
        (0.026, "inconclusive"),
    ],
)
def test_the_whole_interval_has_to_be_within_the_margin_of_equivalence(
    spread: float, verdict: str
) -> None:
    off = spread * np.array([-2.0, -1, 0, 1, 2])
    seconds = {"a": processes(*[0.0] * 5), "b": processes(*off)}
    assert speed_ratios(seconds, "a")["b"].verdict == verdict


def test_margins_are_those_that_were_declared() -> None:
    noise = np.array([0.001, -0.001, 0.0005, -0.0005, 0.0])
    seconds = {"a": processes(*[0.0] * 5), "b": processes(*(noise - 0.03))}
    wide = SpeedMargins(difference=0.04, equivalence=0.02)
    assert speed_ratios(seconds, "a")["b"].verdict == "faster"
    assert speed_ratios(seconds, "a", margins=wide)["b"].verdict == "inconclusive"


@pytest.mark.parametrize("changed", ["a", "b"])
def test_a_speed_that_changed_by_itself_withholds_the_verdict(changed: str) -> None:
    seconds = {
        "a": processes(*[0.0] * 5),
        "b": processes(0.1, -0.1, 0.1, 0.1, 0.1),  # the second process disagrees
        "c": processes(*[2.0] * 5),
    }
    found = speed_ratios(seconds, "a", unstable=[changed])
    assert found["b"].verdict == "unstable"
    assert found["c"].verdict == "slower"
    assert (found["b"].changed, found["c"].changed) == (True, changed == "a")


def test_a_verdict_has_to_survive_holm_within_its_table() -> None:
    # Ranks 20, 19 and 11 are negative: W = 50, just below the critical value 52 of one test at 5%.
    # Three equal tests multiply p by three.
    ranks = np.arange(1, ROUNDS + 1) * 0.005
    ranks[[19, 18, 10]] *= -1
    baseline, other = block_times(0.0), block_times(-ranks)
    alone = speed_ratios({"baseline": baseline, "a": other}, "baseline")
    assert alone["a"].verdict == "faster"
    among_three = speed_ratios(
        {"baseline": baseline, "a": other, "b": other, "c": other}, "baseline"
    )
    assert [ratio.verdict for ratio in among_three.values()] == ["inconclusive"] * 3
    assert among_three["a"].adjusted_p == pytest.approx(3 * alone["a"].p)


def test_an_interval_leaves_1_out_just_where_holm_finds_a_difference() -> None:
    log_seconds = np.random.default_rng(6).normal(0, 0.02, (400, 6, 5, 8))
    log_seconds += np.linspace(0, 0.06, 6)[:, None, None]
    found = judge(log_seconds)
    excluded = (found.location.low > 0) | (found.location.high < 0)
    assert 0 < excluded.sum() < excluded.size
    np.testing.assert_array_equal(found.adjusted_p < 0.05, excluded)


def test_an_outlier_is_part_of_the_ratio_and_does_not_carry_it_away() -> None:
    log_seconds = np.random.default_rng(4).normal(0, 0.01, (2, 5, 8))
    log_seconds[1] -= 0.1
    log_seconds[1, 0, 7] += np.log(100)
    found = judge(log_seconds)
    assert found.location.centre[0] == pytest.approx(0.1, abs=0.01)
    assert VERDICTS[int(found.verdicts[0])] == "faster"


def test_labels_of_one_process_are_averaged_round_by_round() -> None:
    found = one_process(np.array([[1.0, 2.0], [4.0, 8.0]]))
    np.testing.assert_allclose(found, [[2.0, 4.0]])


def test_without_its_baseline_a_table_compares_nothing() -> None:
    assert speed_ratios({"other": block_times(0.0)}, "baseline") == {}
    assert speed_ratios({"baseline": block_times(0.0)}, "baseline") == {}


def test_a_changed_speed_has_a_verdict_only_where_every_round_agrees_on_it() -> None:
    noise = (0.0, 0.01, -0.01, 0.02, -0.02)
    change = np.tile([0.0] * 4 + [0.4] * 4, (5, 1))  # half-way, in every process
    changed = {
        "twice": np.exp(np.log(2.0) + change) * processes(*noise),  # slower before and after
        "crossing": np.exp(change - 0.2) * processes(*noise),  # faster before, slower after
        "barely": np.exp(change + 0.01) * processes(0, 0, 0, 0, 0),  # first within the margin
    }
    found = speed_ratios({"base": processes(*noise), **changed}, "base", unstable=list(changed))
    assert {name: ratio.verdict for name, ratio in found.items()} == {
        "twice": "slower",
        "crossing": "unstable",
        "barely": "unstable",
    }
    assert all(ratio.changed for ratio in found.values())
    assert not speed_ratios({"base": processes(*noise), **changed}, "base")["twice"].changed
