from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from bench.statistics.basics import Floats, holm
from bench.statistics.speed import count_outliers, judge, noise_floor, speed_ratios, wilcoxon

ROUNDS = 20


def block_times(
    log_seconds: float | np.ndarray[Any, Any], *, own_difference: float = 0.0
) -> Floats:
    """Block times whose A/A log-ratio is the same in every round, so that it is the floor."""
    rounds = np.broadcast_to(log_seconds, ROUNDS)
    return np.exp(np.stack([rounds + own_difference / 2, rounds - own_difference / 2]))


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


def test_too_few_rounds_give_no_interval_and_no_verdict() -> None:
    found = wilcoxon(np.ones(5))
    assert found.low == -np.inf
    assert found.high == np.inf
    seconds = {"slow": block_times(1.0)[:, :5], "fast": block_times(0.0)[:, :5]}
    assert speed_ratios(seconds, "slow")["fast"].verdict == "inconclusive"


def test_holm_adjusts_like_statsmodels_in_every_table() -> None:
    tables = np.random.default_rng(3).uniform(0, 0.2, (10, 12))
    expected = [multipletests(table, method="holm")[1] for table in tables]
    np.testing.assert_allclose(holm(tables), expected)


def test_the_noise_floor_is_what_a_workload_differs_by_from_itself() -> None:
    # Every round differs by 0.02 in the log, so both ends of the interval are 0.02.
    for sign in (1, -1):
        times = block_times(3.0, own_difference=sign * 0.02)
        assert noise_floor(times) == pytest.approx(np.exp(0.02) - 1)


@pytest.mark.parametrize(
    ("log_ratio", "verdict"),
    [
        (0.01, "inconclusive"),
        (0.04, "inconclusive"),  # beyond the baseline's floor, not beyond its own
        (0.06, "faster"),
        (-0.04, "inconclusive"),
        (-0.06, "slower"),
    ],
)
@pytest.mark.parametrize("noisy", ["baseline", "other"])
def test_a_verdict_needs_a_difference_beyond_both_floors(
    noisy: str, log_ratio: float, verdict: str
) -> None:
    floors = {"baseline": 0.02, "other": 0.02, noisy: 0.05}
    seconds = {
        "baseline": block_times(0.0, own_difference=floors["baseline"]),
        "other": block_times(-log_ratio, own_difference=floors["other"]),
    }
    found = speed_ratios(seconds, "baseline")["other"]
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(np.exp(log_ratio))
    assert found.noise_floor == pytest.approx(np.exp(0.05) - 1)


def test_the_whole_interval_has_to_lie_beyond_the_floor_not_its_centre_alone() -> None:
    # The ratio's centre is 0.04; of the means of two rounds about one in three is below 0.035.
    rounds = np.linspace(0.01, 0.07, ROUNDS)
    other = block_times(-rounds, own_difference=0.035)
    found = speed_ratios({"baseline": block_times(0.0), "other": other}, "baseline")["other"]
    assert found.adjusted_p < 0.05
    assert np.log(found.ratio) == pytest.approx(0.04)
    assert found.verdict == "inconclusive"


def test_a_verdict_has_to_survive_holm_within_its_table() -> None:
    # Ranks 20, 19 and 11 are negative: W = 50, just below the critical value 52 of one test at 5%.
    # Three equal tests multiply p by three.
    ranks = np.arange(1, ROUNDS + 1) * 0.001
    ranks[[19, 18, 10]] *= -1
    baseline, other = block_times(0.0), block_times(-ranks)
    alone = speed_ratios({"baseline": baseline, "a": other}, "baseline")
    assert alone["a"].verdict == "faster"
    among_three = speed_ratios(
        {"baseline": baseline, "a": other, "b": other, "c": other}, "baseline"
    )
    assert [ratio.verdict for ratio in among_three.values()] == ["inconclusive"] * 3
    assert among_three["a"].adjusted_p == pytest.approx(3 * alone["a"].p)


def test_an_outlier_is_part_of_the_ratio_and_does_not_carry_it_away() -> None:
    noise = np.random.default_rng(4).normal(0, 0.01, (2, 2, ROUNDS))
    log_seconds = np.zeros((2, 2, ROUNDS)) + noise
    log_seconds[1] -= 0.1
    log_seconds[1, 0, 7] += np.log(100)
    found = judge(log_seconds)
    assert found.location.centre[0] == pytest.approx(0.1, abs=0.01)
    assert found.verdicts[0] == 1


def test_without_its_baseline_a_table_compares_nothing() -> None:
    assert speed_ratios({"other": block_times(0.0)}, "baseline") == {}
    assert speed_ratios({"baseline": block_times(0.0)}, "baseline") == {}


def test_outliers_lie_beyond_tukeys_fences() -> None:
    # Quartiles 3.25 and 7.75, 4.5 apart: the fences are -3.5 and 14.5.
    within = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert count_outliers(np.array([*within, 14.5])) == 0
    assert count_outliers(np.array([*within, 14.6])) == 1
    assert count_outliers(-np.array([*within, 14.6])) == 1
