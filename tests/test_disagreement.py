"""What exactly one of two networks gets wrong, and how sure a rate is that was seen so often."""

from __future__ import annotations

from math import comb

import pytest
from scipy import stats as scipy_stats

from bench.statistics.disagreement import disagreement
from studies.results import upper_bound


def test_mcnemar_is_exact_on_agrestis_presidential_approval() -> None:
    # Agresti 1990, Categorical Data Analysis, p. 350: 794 and 570 unchanged, 150 and 86 changed.
    # Twice the lower tail of a fair coin, in whole numbers; the book's z^2 = 17.36 has p = 3.1e-5.
    changed = range(150), range(1000, 1086)
    unchanged = range(2000, 2794)
    found = disagreement([*changed[0], *unchanged], [*changed[1], *unchanged])
    tail = sum(comb(236, k) for k in range(87))
    assert found.p == pytest.approx(2 * tail / 2**236, rel=1e-9)
    assert found.p == pytest.approx(3.1e-5, rel=0.25)


def test_disagreement_names_what_exactly_one_network_gets_wrong() -> None:
    found = disagreement({5: 1, 3: 9, 8: 2}, {3: 0})
    assert (found.only_first_wrong, found.only_second_wrong) == ((5, 8), ())
    # Two of two in one direction: 2 x (1/2)^2.
    assert found.p == pytest.approx(0.5)
    assert disagreement({1: 2}, {1: 3}).p == 1.0


def test_upper_bound_is_the_published_one() -> None:
    # The rule of three's exact form: with none of n, 1 - 0.05^(1/n); Clopper and Pearson 1934.
    assert upper_bound(0, 2000) == pytest.approx(1 - 0.05 ** (1 / 2000))
    # The bound p solves P(X <= k) = 0.05 for a binomial X of n and p.
    assert scipy_stats.binom.cdf(100, 2000, upper_bound(100, 2000)) == pytest.approx(0.05)
