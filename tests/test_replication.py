"""Recorded and new runs of a network: verdicts, against algebra and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from bench.statistics.replication import Runs, judge, standard_error

MARGIN = 0.005


def simulated(
    rng: np.random.Generator, seeds: int, samples: int, *, lower: float = 0.0, spread: float = 0.2
) -> np.ndarray:
    """Runs of one network on the same samples, right with a chance that samples and seeds move."""
    difficulty = 5.0 * np.random.default_rng(0).standard_normal(samples)
    chance = special.expit(10.0 + difficulty + spread * rng.standard_normal((seeds, 1)))
    found: np.ndarray = rng.random((seeds, samples)) < chance * (1 - lower)
    return found


def test_with_samples_of_their_own_it_is_welchs_test() -> None:
    rng = np.random.default_rng(1)
    runs = Runs(
        recorded=rng.random((7, 50)) < 0.8, now=rng.random((4, 50)) < 0.9, same_samples=False
    )
    means = [group.mean(axis=1) for group in (runs.recorded, runs.now)]
    welch = stats.ttest_ind(means[1], means[0], equal_var=False)
    (found,) = judge([runs], MARGIN)
    assert found.p_different == pytest.approx(welch.pvalue)
    assert standard_error(runs).freedoms == pytest.approx(welch.df)
    interval = welch.confidence_interval(0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((interval.low, interval.high))
    # Two one-sided tests, by the same tool.
    one_sided = [
        stats.ttest_ind(means[1] + shift, means[0], equal_var=False, alternative=side).pvalue
        for shift, side in ((-MARGIN, "less"), (MARGIN, "greater"))
    ]
    assert found.p_equivalent == pytest.approx(max(one_sided))


@pytest.mark.parametrize(
    ("recorded", "now", "variance"),
    [
        # By hand. Rows of the first: means 1/2 and 1, variance 1/8, so the mean has 1/16; and the
        # second likewise. Differences over samples: -1 and 0, variance 1/2, their mean has 1/4.
        # Residuals are 1/4 but for signs, mean square 1/4, over 4 values: 1/16 for each group.
        # 1/16 + 1/16 + 1/4 - 1/16 - 1/16.
        ([[1, 0], [1, 1]], [[0, 1], [0, 0]], 1 / 4),
        # Seeds 1/4 and 0, samples 1/4, no residual.
        ([[1, 1], [0, 0]], [[1, 0], [1, 0]], 1 / 2),
        # Seeds 1/16 twice, samples 0, residuals 1/16 twice: less than seeds alone is not possible.
        ([[1, 0], [1, 1]], [[0, 0], [1, 0]], 1 / 8),
    ],
)
def test_the_variance_is_that_of_seeds_and_samples_without_counting_the_rest_twice(
    recorded: list[list[int]], now: list[list[int]], variance: float
) -> None:
    runs = Runs(recorded=np.array(recorded, dtype=bool), now=np.array(now, dtype=bool))
    assert standard_error(runs).size ** 2 == pytest.approx(variance)


def test_five_percent_of_equal_networks_are_called_different_and_of_just_different_equivalent() -> (
    None
):
    rng = np.random.default_rng(2)
    trials = 1_500  # standard error 0.0056
    equal = [
        judge([Runs(recorded=simulated(rng, 8, 360), now=simulated(rng, 6, 360))], MARGIN)[0]
        for _ in range(trials)
    ]
    p = np.array([found.p_different for found in equal], dtype=float)
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.017)
    accuracy = simulated(rng, 4_000, 360).mean()
    different = [
        judge(
            [
                Runs(
                    recorded=simulated(rng, 12, 360),
                    now=simulated(rng, 12, 360, lower=MARGIN / accuracy),
                )
            ],
            MARGIN,
        )[0]
        for _ in range(trials)
    ]
    assert np.mean([f.verdict == "equivalent" for f in different]) <= 0.05 + 0.017


def test_enough_equal_runs_are_equivalent_and_a_handicap_of_points_is_different() -> None:
    rng = np.random.default_rng(3)
    equal = Runs(recorded=simulated(rng, 20, 1_000), now=simulated(rng, 20, 1_000))
    worse = Runs(recorded=simulated(rng, 20, 1_000), now=simulated(rng, 20, 1_000, lower=0.03))
    few = Runs(recorded=simulated(rng, 2, 1_000), now=simulated(rng, 2, 1_000))
    one = Runs(recorded=simulated(rng, 20, 1_000), now=simulated(rng, 1, 1_000))
    found = judge([equal, worse, few, one], MARGIN)
    assert [f.verdict for f in found] == [
        "equivalent",
        "different",
        "inconclusive",
        "inconclusive",
    ]
    assert found[3].interval is None
    assert found[3].p_different is None


def test_holm_counts_all_networks_and_a_missing_p_as_one() -> None:
    rng = np.random.default_rng(4)
    runs = Runs(recorded=simulated(rng, 6, 300), now=simulated(rng, 6, 300, lower=0.02))
    one = Runs(recorded=simulated(rng, 6, 300), now=simulated(rng, 1, 300))
    (alone,) = judge([runs], MARGIN)
    first, _, _ = judge([runs, one, one], MARGIN)
    assert alone.p_different is not None
    assert first.p_different == pytest.approx(min(1, 3 * alone.p_different))


def test_runs_that_never_vary_are_inconclusive() -> None:
    right = np.ones((5, 20), dtype=bool)
    (found,) = judge([Runs(recorded=right, now=right)], MARGIN)
    assert found.verdict == "inconclusive"
    assert judge([], MARGIN) == ()


def test_variance_and_freedoms_of_three_seeds_and_four_samples_are_those_by_hand() -> None:
    # The table of test_uncertainty and its opposite: means of rows have the variance 1, so 1/3 for
    # each group, with 2 degrees of freedom. Differences over samples 6, 10, 10, 14: 32/3, so 8/3,
    # with 3. Residuals 2/3 over 12 values in each, with 6, are counted twice, so taken off.
    table = np.array([[2.0, 4, 4, 6], [4, 5, 4, 7], [3, 6, 7, 8]])
    runs = Runs(recorded=-table, now=table)
    found = standard_error(runs)
    variance = 2 / 3 + 8 / 3 - 2 * (2 / 3) / 12
    squares = 2 * (1 / 3) ** 2 / 2 + (8 / 3) ** 2 / 3 + 2 * (1 / 18) ** 2 / 6
    assert found.size**2 == pytest.approx(variance)
    assert found.freedoms == pytest.approx(variance**2 / squares)


def test_a_difference_is_that_of_the_new_runs_less_the_recorded_ones() -> None:
    rng = np.random.default_rng(5)
    recorded, now = rng.random((4, 50)) < 0.9, rng.random((3, 50)) < 0.5
    (found,) = judge([Runs(recorded=recorded, now=now)], MARGIN)
    assert (found.recorded, found.now) == (recorded.mean(), now.mean())
    assert found.difference == pytest.approx(now.mean() - recorded.mean())
    assert found.interval is not None
    assert found.interval.low < found.difference < found.interval.high < 0


def test_rounding_is_no_spread() -> None:
    # One of ten right in every seed, then two of ten; but a mean of three times 0.1 is not 0.1.
    recorded, now = (np.tile(np.arange(10) < right, (3, 1)) for right in (1, 2))
    assert np.full(3, 0.1).var() > 0
    (found,) = judge([Runs(recorded=recorded, now=now, same_samples=False)], MARGIN)
    assert (found.verdict, found.interval) == ("inconclusive", None)
