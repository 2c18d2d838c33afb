from __future__ import annotations

import numpy as np
import pytest

from bench.statistics import simulate_speed as drift
from bench.statistics.simulate_speed import (
    RUNS,
    SCENARIOS,
    Outcome,
    count_false,
    outcomes,
    read_drift,
    simulate,
)
from bench.timing import measure

DRIFTING = ("slowing-10", "slowing-30", "random-walk", "step", "burst")


@pytest.fixture(scope="module")
def stored() -> dict[tuple[str, str, str], Outcome]:
    return {(found.scenario, found.order, found.interval): found for found in read_drift()}


def test_the_stored_outcome_covers_every_scenario_and_way(
    stored: dict[tuple[str, str, str], Outcome],
) -> None:
    ways = {("interleaved", "wilcoxon"), ("interleaved", "student"), ("sequential", "wilcoxon")}
    assert set(stored) == {(name, *way) for name in SCENARIOS for way in ways}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_false_verdicts_of_speed_stay_within_their_bound(
    stored: dict[tuple[str, str, str], Outcome], scenario: str
) -> None:
    found = stored[scenario, "interleaved", "wilcoxon"]
    assert RUNS >= 2_000
    assert found.false_rate <= 0.05
    assert found.false_rate_upper <= 0.06


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_wilcoxons_interval_finds_smaller_differences_than_students(
    stored: dict[tuple[str, str, str], Outcome], scenario: str
) -> None:
    ours = stored[scenario, "interleaved", "wilcoxon"].smallest_ratio
    students = stored[scenario, "interleaved", "student"].smallest_ratio
    assert ours is not None
    assert students is not None
    assert 1 < ours < students


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
        patch.setattr("bench.statistics.simulate_speed.NOISE", 0.0)
        patch.setattr("bench.statistics.simulate_speed.OUTLIERS", 0.0)
        times = simulate(SCENARIOS["slowing-30"], order=order, seed=1, **shape)  # type: ignore[arg-type]
    assert times.shape == (3, 4, 2, 6)
    np.testing.assert_allclose(np.sort(times.reshape(3, -1)), np.tile(ramp, (3, 1)))
    if order == "interleaved":
        # Round 0 is the first sixth of the ramp for every network and label.
        assert times[..., 0].max() < times[..., 1].min()
    else:
        assert times[:, 0].max() < times[:, 1].min()


def test_the_simulation_has_as_many_rounds_as_a_measurement() -> None:
    assert drift.ROUNDS == measure.ROUNDS


@pytest.mark.slow
def test_the_simulation_gives_the_stored_outcome() -> None:
    assert tuple(outcomes()) == read_drift()
