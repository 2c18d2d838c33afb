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


def among_others(blocks: Floats) -> Floats:
    """One workload with these blocks, (processes, rounds), and others that never vary."""
    log_seconds = np.zeros((WORKLOADS, *blocks.shape))
    log_seconds[1] = blocks
    return log_seconds


# Blocks in turns n above and n below: all steps are 2 n, so that a block's standard deviation is
# taken for 2 n / (0.6745 sqrt(2)), as of a normal distribution.
TURNS = np.tile([1.0, -1.0], ROUNDS // 2)
DEVIATION = 2 / (0.6745 * 2**0.5)  # of n


@pytest.mark.parametrize(
    ("errors", "found"), [(5.7, []), (6.3, [1])], ids=["below six errors", "above"]
)
def test_the_end_of_one_process_is_a_regime_from_six_standard_errors_on(
    errors: float, found: list[int]
) -> None:
    n = 0.0062
    blocks = np.tile(TURNS, (PROCESSES, 1)) * n
    # Three rounds against five, whose turns leave -n / 3 and n / 5.
    blocks[3, 5:] += n * (errors * DEVIATION * (1 / 3 + 1 / 5) ** 0.5 + 1 / 3 + 1 / 5)
    assert alarms(among_others(blocks)) == found


def test_two_rounds_are_too_few_for_a_regime() -> None:
    n = 0.0062
    blocks = np.tile(TURNS, (PROCESSES, 1)) * n
    blocks[3, 6:] += n * 7 * DEVIATION * (1 / 2 + 1 / 6) ** 0.5  # seven errors of two against six
    assert alarms(among_others(blocks)) == []


@pytest.mark.parametrize(("errors", "found"), [(2.75, []), (3.05, [1])])
def test_the_ends_of_all_processes_together_are_a_regime_from_2_9_errors_on(
    errors: float, found: list[int]
) -> None:
    n = 0.013
    blocks = np.tile(TURNS, (PROCESSES, 1)) * n
    blocks[:, 5:] += n * (errors * DEVIATION * (1 / 3 + 1 / 5) ** 0.5 + 1 / 3 + 1 / 5)
    assert alarms(among_others(blocks)) == found


@pytest.mark.parametrize(("errors", "found"), [(6.7, []), (7.3, [1])])
def test_a_whole_process_is_a_regime_from_seven_standard_errors_on(
    errors: float, found: list[int]
) -> None:
    # Most steps are 2 n here, too; two larger blocks keep the two groups from lying far apart.
    n, turns = 0.01, np.array([1.0, -1, 1, -1, 3, -3, 1, -1])
    blocks = np.tile(turns, (PROCESSES, 1)) * n
    blocks[2] += n * errors * DEVIATION * (1 / 8 + 1 / 32) ** 0.5  # eight blocks against 32
    assert alarms(among_others(blocks)) == found


@pytest.mark.parametrize(("deviations", "found"), [(5.3, []), (5.7, [1])])
def test_fits_and_starts_are_a_regime_from_5_5_deviations_on(
    deviations: float, found: list[int]
) -> None:
    # Two groups of 20 blocks, 0.1 apart, each half s above and half s below: variance s^2 20 / 19.
    s = 0.1 / (deviations * (20 / 19) ** 0.5)
    fits = np.tile([-0.05, 0.05], ROUNDS // 2) + s * np.tile([1.0, 1, -1, -1], ROUNDS // 4)
    assert alarms(among_others(np.tile(fits, (PROCESSES, 1)))) == found


@pytest.mark.parametrize(("processes", "least"), [(5, 4), (2, 3)])
def test_a_tenth_of_the_blocks_are_a_mode_and_three_at_least(processes: int, least: int) -> None:
    # Of 40 blocks four, of 16 three; each in a round and, where it can be, a process of its own.
    for delayed in (least - 1, least):
        blocks = np.tile(TURNS, (processes, 1)) * 0.004
        for place in range(delayed):
            blocks[place % processes, 3 * place % ROUNDS] += 0.07
        assert alarms(among_others(blocks)) == ([1] if delayed == least else [])


def test_a_large_block_of_a_slow_process_makes_it_slower() -> None:
    # 5.5 n in all eight blocks are 6.6 standard errors; one block that is 4 n slower still makes a
    # mean of 6 n, and 7.2.
    n, turns = 0.01, np.array([1.0, -1, 1, -1, 3, -3, 1, -1])
    blocks = np.tile(turns, (PROCESSES, 1)) * n
    blocks[2] += 5.5 * n
    assert alarms(among_others(blocks)) == []
    blocks[2, 4] += 4 * n
    assert alarms(among_others(blocks)) == [1]


def test_of_many_tables_at_once_each_is_as_alone() -> None:
    names = ("a whole process", "the end of every process", "every other round")
    tables = np.stack([*map(planted, names), quiet()])
    assert [alarms(table) for table in tables] == [[1], [1], [1], []]
    np.testing.assert_array_equal(unstable(tables), [unstable(table) for table in tables])
