"""Comparisons looked at while seeds are added: what stops, what holds, and what is given up."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from bench.statistics.accuracy import Contrast, compare_paired, pair, uncertainty_of
from bench.statistics.basics import Bools
from bench.statistics.sequential import (
    LOOKS,
    fractions,
    from_samples,
    may_settle,
    nominal_levels,
)
from bench.statistics.settling import Look, Settled, settle
from bench.statistics.uncertainty import crossed
from studies.settling_errors import settled as simulated_rule
from studies.simulated_networks import CALM, simulate

MARGIN = 0.005
SEEDS = tuple(range(1, 41))


def networks(accuracies: list[float], *, samples: int = 360, seed: int = 1) -> Bools:
    """(networks, 40 seeds, samples), whether each is right."""
    rng = np.random.default_rng(seed)
    (right,) = simulate(
        rng, [(a, CALM) for a in accuracies], runs=1, seeds=len(SEEDS), samples=samples
    )
    found: Bools = right[0]
    return found


def against_first(right: Bools, seeds: int = 40) -> list[Contrast]:
    return [
        pair(f"{i} - 0", right[i, :seeds], right[0, :seeds], seeds=SEEDS[:seeds])
        for i in range(1, len(right))
    ]


def look_at(family: list[Contrast], *, looks: tuple[int, ...] = LOOKS, taken: int = 40) -> Settled:
    compare = partial(compare_paired, margin=MARGIN)
    return settle(family, compare, looks=looks, taken=taken, margin=MARGIN)


def test_what_is_clear_stops_early_and_what_is_not_goes_on() -> None:
    found = look_at(against_first(networks([0.97, 0.80, 0.968], samples=5_000)))
    clear, close = found.comparisons
    assert (clear.verdict, clear.n_seeds) == ("worse", 10)
    assert close.n_seeds > 10
    assert found.looks[0].open == (0, 1)  # five of forty seeds may spend next to nothing here
    assert (found.looks[1].decided, found.looks[1].open) == ((0,), (1,))


def test_seeds_after_the_stop_change_nothing() -> None:
    right = networks([0.97, 0.80, 0.962], samples=5_000)
    before = look_at(against_first(right))
    stopped = before.comparisons[0].n_seeds
    right[1, stopped:] = True
    after = look_at(against_first(right))
    assert after == before


def test_looks_taken_again_are_the_same_looks() -> None:
    right = networks([0.97, 0.96, 0.95, 0.97], samples=1_000)
    whole = look_at(against_first(right))
    for number, look in enumerate(whole.looks, start=1):
        # With the seeds that there were then, as where a run was stopped and goes on.
        again = look_at(against_first(right, seeds=look.seeds), taken=look.seeds)
        assert again.looks == whole.looks[:number]


def test_one_look_is_a_run_of_a_fixed_number_of_seeds() -> None:
    family = against_first(networks([0.97, 0.95, 0.90]), seeds=20)
    fixed = compare_paired(family, margin=MARGIN)
    once = look_at(family, looks=(20,), taken=20).comparisons
    for a, b in zip(fixed, once, strict=True):
        assert b.adjusted_p == pytest.approx(a.adjusted_p)
        assert b.equivalent_p == pytest.approx(a.equivalent_p)
        assert b.verdict == a.verdict
        assert b.both is not None
        assert a.both is not None
        assert b.both.low == pytest.approx(a.both.low, abs=1e-9)


def test_p_and_interval_account_for_the_looks_taken() -> None:
    family = against_first(networks([0.97, 0.955]))
    found = look_at(family, taken=10).comparisons[0]
    (alone,) = compare_paired(family, margin=MARGIN)
    (ten,) = compare_paired(against_first(networks([0.97, 0.955]), seeds=10), margin=MARGIN)
    assert found.n_seeds == ten.n_seeds == 10
    assert found.adjusted_p is not None
    assert ten.adjusted_p is not None
    assert found.adjusted_p > ten.adjusted_p
    assert found.both is not None
    assert ten.both is not None
    assert found.both.low < ten.both.low < ten.both.high < found.both.high
    assert alone.n_seeds == 40


@pytest.mark.parametrize("accuracies", [[0.97, 0.97, 0.97], [0.97, 0.96, 0.95], [0.97, 0.94, 0.97]])
def test_the_simulation_follows_the_rule_of_reports(accuracies: list[float]) -> None:
    rng = np.random.default_rng(7)
    for right in simulate(rng, [(a, CALM) for a in accuracies], runs=12, seeds=40, samples=360):
        simulated = simulated_rule(right)
        for run, networks_of_run in enumerate(right):
            comparisons = look_at(against_first(networks_of_run)).comparisons
            assert [c.n_seeds for c in comparisons] == simulated.seeds[run].tolist()
            for verdict in ("better", "worse", "equivalent"):
                given = [c.verdict == verdict for c in comparisons]
                assert given == getattr(simulated, verdict)[run].tolist()


def test_a_comparison_is_given_up_where_no_seed_to_come_can_settle_it() -> None:
    # All doubt is in the samples: 10 of 100 are right in all seeds of one side alone, 6 in those
    # of the other alone. Seeds hardly differ, so that a hundred more would say the same.
    values = np.zeros((40, 100))
    values[:, :10], values[:, 10:16] = 1, -1
    values[::2, 50] = 1
    family = [Contrast(name="stuck", values=values, seeds=SEEDS)]
    found = look_at(family)
    assert found.looks[0].given_up == (0,)
    assert found.comparisons[0].verdict == "inconclusive"
    assert len(found.looks) == 1


def test_what_may_still_be_settled_is_what_the_last_look_can_reach() -> None:
    # Five seeds with a standard error of 0.5; samples add next to nothing. The mean may move by
    # 2.776 (Student, 4 degrees of freedom) * 0.5 * sqrt(1 - 5/40) = 1.2986 until the last look,
    # whose standard error is 0.5 * sqrt(5/40) = 0.17678 with 39 degrees of freedom.
    by_seed = 1.0 + np.array([-1, -1, 0, 1, 1]) * np.sqrt(1.25)
    by_sample = 1.0 + 1e-6 * np.arange(-499.5, 500)
    found = crossed(by_seed, by_sample, (by_seed**2).mean())
    assert found.seeds.size == pytest.approx(0.5)

    def may(mean: float, margin: float) -> bool:
        return bool(
            may_settle(
                found,
                np.array(mean),
                seeds=5,
                most=40,
                samples=1_000,
                # Ten standard errors, 1.7678, for a difference, and two, 0.35355, for equivalence.
                levels=(2 * stats.t.sf(10, 39), 2 * stats.t.sf(2, 39)),
                margin=margin,
            )
        )

    assert not may(1.7678 - 1.2986 - 0.001, margin=0.353)
    assert may(1.7678 - 1.2986 + 0.001, margin=0.353)
    assert may(-1.7678 + 1.2986 - 0.001, margin=0.353)
    assert may(0.0, margin=0.354)


@pytest.mark.parametrize("same_samples", [True, False])
def test_the_interval_of_a_look_has_the_level_of_that_look(*, same_samples: bool) -> None:
    hard = np.where(np.arange(200) % 2, 0.99, 0.5)  # for theirs alone, so samples differ
    draws = np.random.default_rng(3).random((2, 10, 200))
    ours, theirs = draws < np.stack([np.full(200, 0.9), hard])[:, None]
    asked = pair("", ours, theirs, same_samples=same_samples, seeds=SEEDS[:10])
    contrast = replace(asked, looks=(5, 10), most_seeds=40)
    (found,) = compare_paired([contrast])
    # Where all seeds meet the same samples, ten know more of what forty will know.
    fixed = float(from_samples(uncertainty_of(contrast).parts, 10, 40)) if same_samples else 0.0
    assert (fixed > 0) == same_samples
    level = nominal_levels(fractions((5, 10, 40), fixed)[:2])[-1]
    by_seed = ours.mean(axis=1) - theirs.mean(axis=1)
    half = stats.t.ppf(1 - level / 2, 9) * stats.sem(by_seed)
    assert found.seeds is not None
    assert found.seeds.high == pytest.approx(by_seed.mean() + half)


def test_what_goes_on_is_what_the_last_look_says() -> None:
    looks = tuple(
        Look(seeds=seeds, decided=(), given_up=(), open=goes_on)
        for seeds, goes_on in ((5, (0, 1, 2)), (10, (0, 1)), (20, (1,)), (40, ()))
    )
    assert Settled(comparisons=(), looks=looks[:3]).open == (1,)
    assert Settled(comparisons=(), looks=looks).open == ()
    assert Settled(comparisons=(), looks=()).open == ()
