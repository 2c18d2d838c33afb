"""Whether a speed changed by itself: what sets an alarm off, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.basics import Floats
from bench.statistics.regimes import unstable

WORKLOADS, PROCESSES, ROUNDS = 6, 5, 8


def quiet(seed: int = 0, noise: float = 0.01) -> Floats:
    """Logs of block times of a machine that does nothing else."""
    return np.random.default_rng(seed).normal(0, noise, (WORKLOADS, PROCESSES, ROUNDS))


def alarms(log_seconds: Floats) -> list[int]:
    return np.flatnonzero(unstable(log_seconds)).tolist()


def test_a_quiet_machine_sets_none_off() -> None:
    assert alarms(quiet()) == []


def test_a_machine_that_changes_for_all_sets_none_off() -> None:
    log_seconds = quiet()
    log_seconds[:, 2, 4:] += np.log(2)  # twice as slow from the middle of one process on,
    log_seconds[:, 4] += np.log(1.5)  # and all through another
    assert alarms(log_seconds) == []


def test_a_few_delayed_blocks_set_none_off() -> None:
    log_seconds = quiet()
    log_seconds[1, [0, 1, 4], [0, 3, 7]] += [0.3, 1.0, 0.1]
    assert alarms(log_seconds) == []


def planted(what: str) -> Floats:
    log_seconds = quiet()
    slow = {
        "a whole process": np.s_[1, 3],
        "the end of one process": np.s_[1, 3, 5:],
        "the beginning of one process": np.s_[1, 3, :3],
        "the end of every process": np.s_[1, :, 4:],
        "every other round": np.s_[1, :, ::2],
    }[what]
    log_seconds[slow] += np.log(1.1)
    return log_seconds


@pytest.mark.parametrize(
    "what",
    [
        "a whole process",
        "the end of one process",
        "the beginning of one process",
        "the end of every process",
        "every other round",
    ],
)
def test_a_workload_that_is_slower_for_a_while_sets_its_own_alarm_off(what: str) -> None:
    assert alarms(planted(what)) == [1]


def test_a_change_of_less_than_five_percent_sets_none_off() -> None:
    log_seconds = quiet(noise=0.001)
    log_seconds[1, :, 4:] += np.log(1.04)
    assert alarms(log_seconds) == []
    log_seconds[1, :, 4:] += np.log(1.07 / 1.04)
    assert alarms(log_seconds) == [1]


def test_a_single_process_is_watched_from_its_beginning_to_its_end() -> None:
    log_seconds = np.random.default_rng(0).normal(0, 0.01, (WORKLOADS, 1, 20))
    assert alarms(log_seconds) == []
    # A sigmoid that took 122 microseconds in 13 rounds and 425 in those after.
    log_seconds[1, 0, 13:] += np.log(425 / 122)
    assert alarms(log_seconds) == [1]


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 3), (2, 2, 2), (3, 5, 1)])
def test_where_there_are_few_rounds_nothing_is_found(shape: tuple[int, ...]) -> None:
    log_seconds = np.random.default_rng(0).normal(0, 0.01, shape)
    assert not unstable(log_seconds).any()


def test_blocks_that_are_all_alike_set_none_off() -> None:
    assert alarms(np.zeros((3, 5, 8))) == []
