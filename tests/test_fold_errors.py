"""Folds against the fixed split: the published study, and what it computes, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics.error_rates import read_fold_errors
from studies.fold_errors import FOLDS, PAIRS, SETS, features, nearest, on_one_set, pooled


def test_the_mean_over_folds_has_a_fifth_of_the_mean_variance_of_a_fold() -> None:
    # The variance of a fold's mean by hand, as in test_uncertainty: (4 + 8 - 2/3) / 12, with
    # (12 - 2/3)^2 / (4^2 / 2 + 8^2 / 3 + (2/3)^2 / 6) degrees of freedom. Five equal folds: five
    # times as many.
    fold = np.array([[2.0, 4, 4, 6], [4, 5, 4, 7], [3, 6, 7, 8]])
    found = pooled([fold] * 5)
    variance, freedoms = (12 - 2 / 3) / 12, (12 - 2 / 3) ** 2 / (8 + 64 / 3 + 2 / 27)
    assert found.mean == pytest.approx(5)
    assert found.size == pytest.approx((variance / 5) ** 0.5)
    assert found.half == pytest.approx(stats.t.ppf(0.975, 5 * freedoms) * found.size)


def clouds(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points around ten centres far apart, which every learner tells apart."""
    labels = np.arange(count) % 10
    return np.eye(10)[labels] * 5 + rng.normal(0, 0.1, (count, 10)), labels


def test_learners_learn_what_is_easy_and_differ_by_seed_only_where_they_draw() -> None:
    rng = np.random.default_rng(1)
    train, labels = clouds(rng, 500)
    test, expected = clouds(rng, 100)
    for learner in (features(200), features(200, pictures=60), nearest):
        assert (learner(rng, train, labels, test) == expected).all()
    shuffled = rng.permutation(labels)
    one, again = (nearest(np.random.default_rng(seed), train, shuffled, test) for seed in (1, 1))
    assert (one == again).all()
    assert (one != nearest(np.random.default_rng(2), train, shuffled, test)).any()


def test_equal_answers_differ_by_nothing_in_either_design() -> None:
    rng = np.random.default_rng(1)
    for fixed, folds in on_one_set(rng, *clouds(rng, 300)).values():
        assert fixed.mean == folds.mean == 0


def test_the_published_study_is_whole_and_says_why_folds_are_not_used() -> None:
    rows = {row.learner: row for row in read_fold_errors()}
    assert list(rows) == list(PAIRS)
    for row in rows.values():
        assert row.sets == SETS
        assert row.fold_false <= row.fold_upper <= row.fold_false + 0.05
    *calm, dependent = rows.values()
    for row in calm:  # an error of 5% is not contradicted, and folds are no less precise
        assert row.fold_false < 0.05 < row.fold_upper
        assert row.fold_error < row.fixed_error
    assert dependent.fold_false > dependent.fixed_false > 0.1
    assert FOLDS == 5
