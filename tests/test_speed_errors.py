from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.error_rates import SPEED_RUNS, read_speed_errors
from bench.timing import protocol
from studies import speed_errors
from studies.speed_errors import SCENARIOS, count_false, simulate, simulate_all, smallest_ratio

DRIFTING = ("slowing-10", "slowing-30", "random-walk", "step", "burst")


def test_published_verdicts_of_speed_err_rarely_and_find_more_than_students() -> None:
    stored = {(row.scenario, row.order, row.interval): row for row in read_speed_errors()}
    ways = {("interleaved", "wilcoxon"), ("interleaved", "student"), ("sequential", "wilcoxon")}
    assert set(stored) == {(name, *way) for name in SCENARIOS for way in ways}
    assert SPEED_RUNS >= 2_000
    for scenario in SCENARIOS:
        ours = stored[scenario, "interleaved", "wilcoxon"]
        students = stored[scenario, "interleaved", "student"]
        assert ours.false_rate <= 0.05
        assert ours.false_rate_upper <= 0.06
        assert ours.smallest_ratio is not None
        assert students.smallest_ratio is not None
        assert 1 < ours.smallest_ratio < students.smallest_ratio


def test_published_rows_come_from_this_code() -> None:
    # 2,000 runs of one scenario, measured in both orders.
    stored = {(row.scenario, row.order, row.interval): row for row in read_speed_errors()}
    for order in ("interleaved", "sequential"):
        row = stored["slowing-10", order, "wilcoxon"]
        found = count_false(SCENARIOS["slowing-10"], order=order, interval="wilcoxon")
        assert found == (row.false_runs, row.false_runs_of_test_alone)


@pytest.mark.parametrize("scenario", DRIFTING)
def test_networks_measured_one_after_the_other_are_told_apart_where_they_are_equal(
    scenario: str,
) -> None:
    runs = 100
    sequential, _ = count_false(
        SCENARIOS[scenario], order="sequential", interval="wilcoxon", runs=runs
    )
    interleaved, _ = count_false(
        SCENARIOS[scenario], order="interleaved", interval="wilcoxon", runs=runs
    )
    assert sequential > runs / 2
    assert interleaved <= 0.05 * runs


@pytest.mark.parametrize("order", ["interleaved", "sequential"])
def test_every_block_of_the_machine_is_used_once(order: str) -> None:
    # A machine that slows down by 30% without noise worth the name: sorted, its blocks are those
    # of the ramp, whichever network they went to.
    shape = {"runs": 3, "networks": 4, "rounds": 6}
    ramp = SCENARIOS["slowing-30"].machine(np.random.default_rng(0), (1, 48))[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.speed_errors.NOISE", 0.0)
        patch.setattr("studies.speed_errors.OUTLIERS", 0.0)
        times = simulate(SCENARIOS["slowing-30"], order=order, seed=1, **shape)  # type: ignore[arg-type]
    assert times.shape == (3, 4, 2, 6)
    np.testing.assert_allclose(np.sort(times.reshape(3, -1)), np.tile(ramp, (3, 1)))
    if order == "interleaved":
        # Round 0 is the first sixth of the ramp for every network and label.
        assert times[..., 0].max() < times[..., 1].min()
    else:
        assert times[:, 0].max() < times[:, 1].min()


def test_a_ratio_that_no_simulated_run_finds_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    # Blocks that vary by a factor of e^20 hide every ratio up to 2.
    monkeypatch.setattr("studies.speed_errors.NOISE", 20.0)
    assert smallest_ratio(SCENARIOS["steady"], interval="wilcoxon", runs=5) is None


def test_the_simulation_has_as_many_rounds_as_a_measurement() -> None:
    assert speed_errors.ROUNDS == protocol.ROUNDS


@pytest.mark.slow
def test_every_scenario_comes_out_as_published() -> None:
    assert list(simulate_all()) == read_speed_errors()
