"""A main process that is killed leaves none behind that trains or measures."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kills import GONE_WITHIN_SECONDS, assert_nothing_runs, members
from tests.programs import REPOSITORY, outside_pytest

BUSY = """
def burn(number):
    import sys
    print("busy", number, file=sys.stderr, flush=True)
    while True:
        pass
"""
FORKED = (
    BUSY
    + """
from bench.cells.side_by_side import run_all
print([*run_all(burn, [1, 2], 2)])
"""
)
SPAWNED = """
import runpy
from bench.cells.parent import spawned_processes
if __name__ == "__main__":
    with spawned_processes(2) as processes:
        for _ in range(2):
            processes.submit(runpy.run_path, __file__ + ".busy")
"""
LOKY = (
    BUSY
    + """
import os
from joblib import Parallel, delayed
from bench.cells.parent import end_with
def watched(number, parent):
    end_with(parent)
    burn(number)
Parallel(n_jobs=2)(delayed(watched)(number, os.getpid()) for number in (1, 2))
"""
)


@contextmanager
def running(program: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program in a process of its own, and at the end none of those that it started."""
    path = folder / "program.py"
    path.write_text(program)
    path.with_name("program.py.busy").write_text(BUSY + "burn(0)")
    process = subprocess.Popen(
        [sys.executable, path],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for left in members(process.pid):
            left.kill()
        process.communicate()


@pytest.mark.parametrize("program", [FORKED, SPAWNED, LOKY], ids=["forked", "spawned", "loky"])
def test_whatever_computes_for_a_process_is_gone_soon_after_that_was_killed(
    program: str, tmp_path: Path
) -> None:
    with running(program, tmp_path) as process:
        assert process.stderr is not None
        busy = [process.stderr.readline()[:4] for _ in range(2)]
        assert busy == ["busy", "busy"]
        assert len(members(process.pid)) >= 3
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_nothing_runs(process.pid)


def test_where_the_system_does_not_kill_a_thread_looks_for_the_parent() -> None:
    program = (
        "import sys\nsys.platform = 'darwin'\nimport os, time\nfrom bench.cells import parent\n"
        "parent.end_with(int(sys.argv[1]))\nprint('watches', flush=True)\ntime.sleep(60)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    second = subprocess.Popen(
        [sys.executable, "-c", program, str(first.pid)],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert second.stdout is not None
        assert second.stdout.readline() == "watches\n"
        assert second.poll() is None
        first.kill()
        first.wait()
        assert second.wait(timeout=GONE_WITHIN_SECONDS) == 1
    finally:
        second.kill()
        second.communicate()


def test_a_process_does_not_wait_for_its_own_end() -> None:
    program = "import os; from bench.cells.parent import end_with; end_with(os.getpid()); print(1)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n")


STARTED_BY_A_THREAD = """
import subprocess, sys, threading, time
watches = (
    "import os, sys, time\\n"
    "from bench.cells.parent import end_with_all_that_is_forked\\n"
    "end_with_all_that_is_forked(os.getppid())\\n"
    "print('watches', file=sys.stderr, flush=True)\\n"
    "time.sleep(600)\\n"
)
thread = threading.Thread(target=subprocess.Popen, args=([sys.executable, "-c", watches],))
thread.start()
thread.join()
time.sleep(600)
"""


def test_the_end_of_a_thread_is_not_that_of_its_process(tmp_path: Path) -> None:
    with running(STARTED_BY_A_THREAD, tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "watches\n"
        time.sleep(0.5)
        assert len(members(process.pid)) == 2
        process.kill()
        process.wait()
        assert_nothing_runs(process.pid)
