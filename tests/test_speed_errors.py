from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.error_rates import (
    PLANTED,
    SPEED_RUNS,
    read_speed_errors,
    read_speed_regimes,
)
from bench.statistics.speed import VERDICTS
from bench.timing import protocol
from studies import speed_errors
from studies.speed_errors import (
    BESIDE,
    NETWORKS,
    REGIMES,
    SCENARIOS,
    SHAPES,
    has,
    regime,
    simulate,
    simulate_errors,
    simulate_regimes,
    slowed,
    verdicts,
)

DRIFTING = ("slowing-10", "slowing-30", "random-walk")


def test_published_verdicts_of_speed_err_rarely_and_withhold_rarely() -> None:
    stored = {(row.scenario, row.networks, row.order, row.rule): row for row in read_speed_errors()}
    assert {(name, networks) for name, networks, *_ in stored} == {
        (name, networks) for name in SCENARIOS for networks in NETWORKS
    }
    assert SPEED_RUNS >= 2_000
    for name in SCENARIOS:
        for networks in NETWORKS:
            row = stored[name, networks, "interleaved", "processes"]
            assert row.false_rate <= 0.05
            assert row.false_rate_upper <= 0.06
            assert row.false_alarms <= 0.05 * SPEED_RUNS
            assert row.false_as_fast_runs <= 0.05 * SPEED_RUNS


def test_published_delays_are_found_where_they_matter() -> None:
    stored = {
        (row.scenario, row.networks, row.rule): row
        for row in read_speed_errors()
        if row.order == "interleaved"
    }
    ours, floor = (stored["steady", 3, rule] for rule in ("processes", "noise floor"))
    assert ours.found_1 is not None
    assert ours.found_3 is not None
    assert ours.found_10 is not None
    assert floor.found_3 is not None
    assert ours.found_1 <= 0.05 * SPEED_RUNS  # within the margin of 2%
    assert ours.found_3 >= 0.8 * SPEED_RUNS > floor.found_3
    assert ours.found_10 >= 0.95 * SPEED_RUNS
    assert PLANTED == (1, 3, 10)


def test_published_regimes_of_one_process_are_withheld_and_never_pass_for_a_difference() -> None:
    stored = {(row.regime, row.networks, row.rule): row for row in read_speed_regimes()}
    assert {name for name, *_ in stored} == set(REGIMES)
    for networks in NETWORKS:
        for name in ("one process", "122 to 425"):
            assert stored[name, networks, "processes"].withheld >= 0.9 * SPEED_RUNS
        for name in ("one process", "late in one process", "122 to 425"):
            assert stored[name, networks, "processes"].false_rate_upper <= 0.05
            assert stored[name, networks, "noise floor"].false_runs > 0.3 * SPEED_RUNS


def test_published_rows_come_from_this_code() -> None:
    row = next(r for r in read_speed_regimes() if (r.regime, r.networks) == ("one process", 3))
    assert regime("one process", networks=3, rule="processes") == row


@pytest.mark.parametrize("scenario", DRIFTING)
def test_networks_measured_one_after_the_other_are_told_apart_where_they_are_equal(
    scenario: str,
) -> None:
    runs = 100
    false = {
        order: has(
            verdicts(simulate(SCENARIOS[scenario], order=order, networks=13, runs=runs)),
            *("faster", "slower"),
        ).any(axis=1)
        for order in ("sequential", "interleaved")
    }
    assert false["sequential"].sum() > runs / 2
    assert false["interleaved"].sum() <= 0.05 * runs


@pytest.mark.parametrize("order", ["interleaved", "sequential"])
def test_every_block_of_the_machine_is_used_once(
    order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that slows down by 30% without noise worth the name: sorted, its blocks are those
    # of the ramp, whichever network they went to.
    monkeypatch.setattr("studies.speed_errors.OUTLIERS", 0.0)
    monkeypatch.setitem(SHAPES, "processes", (2, 6))
    blocks = (4 + BESIDE) * 2 * 6
    scenario = speed_errors.Scenario(machine=SCENARIOS["slowing-30"].machine, noise=0.0)
    ramp = scenario.machine(np.random.default_rng(0), (1, blocks))[0]
    times = simulate(scenario, order=order, networks=4, runs=3, seed=1)  # type: ignore[arg-type]
    assert times.shape == (3, 4 + BESIDE, 2, 6)
    np.testing.assert_allclose(np.sort(times.reshape(3, -1)), np.tile(ramp, (3, 1)))
    if order == "interleaved":
        # Round 0 is the first sixth of the ramp for every network and process, and in it one
        # process comes before the other.
        assert times[..., 0].max() < times[..., 1].min()
        assert times[..., 0, 0].max() < times[..., 1, 0].min()
    else:
        assert times[:, 0].max() < times[:, 1].min()


def test_a_delay_is_planted_in_the_second_network_alone() -> None:
    log_seconds = simulate(SCENARIOS["steady"], networks=3, runs=2)
    moved = slowed(log_seconds, 0.03) - log_seconds
    assert moved[:, 1] == pytest.approx(np.log(1.03))
    assert np.count_nonzero(moved[:, [0, 2]]) == 0


def test_the_old_rule_needs_more_than_a_network_differs_from_itself() -> None:
    # Two labels that differ by 4% in every round: half of the blocks are slower than the others.
    own = np.tile([0.02, -0.02], 20)
    log_seconds = np.zeros((1, 2 + BESIDE, 1, 40)) + own
    for slower, said in ((0.03, "inconclusive"), (0.05, "slower")):
        log_seconds[0, 1] = own + slower
        found = verdicts(log_seconds, "noise floor")
        assert [VERDICTS[int(code)] for code in found[0]] == [said]


def test_the_smallest_ratio_is_found_in_80_percent_of_the_runs() -> None:
    runs = {30: int(0.8 * SPEED_RUNS)}
    assert speed_errors.smallest_ratio(lambda by: runs.get(by, SPEED_RUNS * (by > 30))) == 1.03
    assert speed_errors.smallest_ratio(lambda _: 0) is None


def test_the_simulation_has_the_shape_of_a_measurement() -> None:
    assert SHAPES["processes"] == (protocol.PROCESSES, protocol.ROUNDS)


@pytest.mark.slow
def test_every_scenario_comes_out_as_published() -> None:
    assert list(simulate_errors()) == read_speed_errors()
    assert list(simulate_regimes()) == read_speed_regimes()
