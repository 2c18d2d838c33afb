from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch

from bench.cells import machine, outcomes
from bench.cells.outcomes import EndedError, TimedOutError
from bench.cells.processes import ForkedProcess, ProcessEndedError
from bench.cells.side_by_side import Guard, run_all
from bench.records.errors import RequestError
from tests.programs import REPOSITORY, outside_pytest


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def end_over_two(number: int) -> int:
    if number == 2:
        os._exit(7)
    return number


def loaded(name: str) -> tuple[bool, int]:
    """Whether a module was there before it was asked for, and this process's threads."""
    status = Path("/proc/self/status").read_text()
    return name in sys.modules, int(status.partition("Threads:")[2].split()[0])


def test_items_are_done_in_as_many_processes_as_run_at_a_time() -> None:
    processes = []
    for number, result in run_all(square, range(1, 7), 2):
        assert not isinstance(result, ProcessEndedError)
        assert result[0] == number**2
        processes.append(result[1])
    assert len(processes) == 6
    assert len(set(processes)) == 2
    assert os.getpid() not in processes
    assert not active_children()


def test_one_at_a_time_stays_in_this_process_and_in_order() -> None:
    assert [*run_all(square, [3, 1], 1)] == [(3, (9, os.getpid())), (1, (1, os.getpid()))]


def test_only_what_ends_its_process_fails_and_all_else_goes_on() -> None:
    found = dict(run_all(end_over_two, [1, 2, 3, 4], 2))
    assert {number: found[number] for number in (1, 3, 4)} == {1: 1, 3: 3, 4: 4}
    assert isinstance(found[2], EndedError)
    assert found[2].status == "killed"
    assert str(found[2]).startswith("its process ended with exit code 7 before it had answered; ")
    assert [*found][-1] == 2  # tried again when nothing ran beside it


def test_what_cannot_be_sent_to_a_process_fails_and_all_else_goes_on() -> None:
    unsendable = threading.Lock()  # belongs to its process
    found = dict(run_all(repr, [1, unsendable, 2], 2))
    assert (found[1], found[2]) == ("1", "2")
    assert "cannot be sent to a process" in str(found[unsendable])


def test_what_ended_for_want_of_memory_is_done_when_nothing_runs_beside_it(tmp_path: Path) -> None:
    def fail_at_first(number: int) -> int:
        if number == 2 and not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            os._exit(9)
        return number

    assert dict(run_all(fail_at_first, [1, 2, 3], 2)) == {1: 1, 2: 2, 3: 3}


def test_this_process_is_busy_while_the_last_item_runs_and_not_before() -> None:
    done: list[str] = []

    def nap(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    for seconds, _ in run_all(nap, [0.1, 0.2, 1.5], 2, lambda: done.append("meanwhile")):
        done.append(str(seconds))
    assert done == ["0.1", "0.2", "meanwhile", "1.5"]


def test_processes_that_nobody_waits_for_are_ended() -> None:
    running = run_all(time.sleep, [0.01, 600, 600], 2)
    assert next(running) == (0.01, None)
    running.close()
    assert not active_children()


def test_a_process_has_torch_and_its_compiler_from_the_start_and_one_thread() -> None:
    with ForkedProcess(loaded) as process:
        for module in ("torch._dynamo", "bench.cells.train"):
            process.ask("__call__", module)
            assert process.answer() == (True, 1)


def test_what_is_loaded_before_a_fork_leaves_cuda_alone() -> None:
    # A process forked from one that has asked for devices can use none.
    program = (
        "import torch\n"
        "def ask(*_): raise SystemExit('asked for a GPU')\n"
        "torch._C._cuda_getDeviceCount = ask\n"
        "import bench.cells.preload\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=outside_pytest(),
        check=True,
        timeout=300,
    )


def test_a_script_without_a_guard_is_not_run_again_in_its_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from bench.cells.side_by_side import run_all\n"
        "def double(number): return 2 * number\n"
        "print('begins')\n"
        "print(sorted(result for _, result in run_all(double, [1, 2, 3], 2)))\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "begins\n[2, 4, 6]\n", "")


@pytest.mark.parametrize("thing", [square, loaded])
def test_a_process_that_has_ended_says_so_to_whoever_asks_it(thing: object) -> None:
    with ForkedProcess(thing) as process:
        process.process.kill()
        process.process.join()
        process.ask("__call__", 1)
        with pytest.raises(ProcessEndedError, match="a process ended with -9"):
            process.answer()


def die_so_often(times: int, log: Path) -> dict[str, str]:
    """Ends its process the first times, as another program can by SIGKILL."""
    log.write_text(log.read_text() + "x" if log.exists() else "x")
    if len(log.read_text()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"TF32": "off"}


def test_torchs_settings_are_read_once_more_if_the_process_that_reads_them_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_flags", partial(die_so_often, 1, tmp_path / "once"))
    assert machine.flags() == {"TF32": "off"}
    monkeypatch.setattr(machine, "_flags", partial(die_so_often, 2, tmp_path / "twice"))
    with pytest.raises(RequestError, match="was ended twice; if memory is short"):
        machine.flags()


def test_what_takes_too_long_is_ended_and_not_tried_again_and_all_else_goes_on() -> None:
    lost: list[object] = []
    guard = Guard(seconds=lambda _: 2.0, on_lost=lambda *told: lost.append(told))
    began = time.monotonic()
    found = dict(run_all(time.sleep, [600.0, 0.01, 0.02], 2, guard=guard))
    assert (found[0.01], found[0.02], lost) == (None, None, [])
    assert isinstance(found[600.0], TimedOutError)
    assert found[600.0].status == "timed out"
    assert "not finished after 2 s; give it longer (--cell-timeout)" in str(found[600.0])
    assert time.monotonic() - began < 100
    assert not active_children()


def test_one_at_a_time_may_be_kept_from_this_process_and_a_lost_process_is_told() -> None:
    lost: list[tuple[int, str]] = []
    guard = Guard(on_lost=lambda item, error: lost.append((item, error.status)), always=True)
    found = dict(run_all(end_over_two, [1, 2, 3], 1, guard=guard))
    assert (found[1], found[3], lost) == (1, 3, [(2, "killed")])
    assert isinstance(found[2], EndedError)


def test_a_killed_process_is_out_of_memory_where_the_system_has_killed_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = tmp_path / "vmstat"
    counted.write_text("nr_free_pages 5\noom_kill 3\n")
    monkeypatch.setattr(outcomes, "_KILLED_FOR_MEMORY", (counted, "oom_kill"))
    assert outcomes.memory_kills() == 3
    assert outcomes.ended(-signal.SIGKILL, 3).status == "killed"
    assert "ended by SIGKILL before" in str(outcomes.ended(-signal.SIGKILL, 3))
    assert outcomes.ended(-signal.SIGKILL, 2).status == "out of memory"
    assert outcomes.ended(-signal.SIGSEGV, 2).status == "killed"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory"),
        (RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate"), "out of memory"),
        (RuntimeError("shapes"), "failed"),
        (outcomes.timed_out(3), "timed out"),
    ],
)
def test_what_has_come_of_it_is_told_by_what_was_raised(error: Exception, status: str) -> None:
    assert outcomes.status_of(error) == status
