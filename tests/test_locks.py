"""Two runs at once: the second is refused, or waits where it measures, and reports say so."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bench.cli.frame import EXIT_WRONG_REQUEST
from bench.records.errors import RequestError
from bench.records.lock import LOCK, waiting_for, writing_alone
from bench.records.store import Store
from bench.report.speed import speed
from bench.results.runs import read
from bench.timing import alone
from bench.timing.alone import Beside
from tests.factories import SEEDS, stored, timing_records, train_record
from tests.programs import REPOSITORY, run_module

HOLDING = """
import sys, time
from pathlib import Path
from bench.records.lock import waiting_for, writing_alone
with {held}(Path(sys.argv[1]){more}):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(path: Path, held: str = "writing_alone", more: str = "") -> Iterator[int]:
    """Another process that holds a lock; its id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING.format(held=held, more=more), str(path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"held\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def test_a_second_run_on_a_report_is_refused_in_a_line_that_names_the_first(tmp_path: Path) -> None:
    with another_process(tmp_path / "local-twice") as pid:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        result = run_module(
            "bench.compare",
            *("--models", "dnn", "--seeds", "1", "--epochs", "1", "--jobs", "1"),
            *("--reports", str(tmp_path), "--name", "local-twice", "--devices", "cpu"),
        )
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert result.returncode == EXIT_WRONG_REQUEST
    (line,) = result.stderr.splitlines()
    assert f"being written by process {pid} on " in line
    assert after == before


def test_the_lock_of_a_process_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    with another_process(folder) as pid:
        with pytest.raises(RequestError, match=str(pid)), writing_alone(folder):
            pass
        os.kill(pid, signal.SIGKILL)
        for _ in range(100):
            try:
                with writing_alone(folder):
                    return
            except RequestError:
                time.sleep(0.05)
    pytest.fail("the lock of a dead process is still held")


def test_a_process_may_ask_again_for_what_it_holds_and_others_come_after(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    with writing_alone(folder):
        Store(folder).append(train_record("lenet", 1, 390))
        with pytest.raises(AssertionError), another_process(folder):
            pass
    with another_process(folder):
        pass


def test_a_record_is_appended_by_nobody_else_while_a_run_writes(tmp_path: Path) -> None:
    store = Store(tmp_path / "report")
    with another_process(store.path.parent), pytest.raises(RequestError, match="written by"):
        store.append(train_record("lenet", 1, 390))
    assert not store.path.exists()


def test_a_folder_that_nothing_was_written_into_is_gone_again(tmp_path: Path) -> None:
    with writing_alone(tmp_path / "reports" / "new"):
        assert (tmp_path / "reports" / "new" / LOCK).exists()
    assert [*tmp_path.iterdir()] == []


def test_who_measures_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    path, said = tmp_path / "measuring.lock", []

    def note(who: str) -> None:
        said.append(who)
        os.kill(first, signal.SIGKILL)

    with (
        another_process(path, "waiting_for", ", print") as first,
        waiting_for(path, note),
    ):
        assert re.fullmatch(rf"process {first} on \S+", said[0])


def test_what_others_compute_is_the_machines_work_less_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In ten seconds the cores work fifteen, of which nine are this process's: 6 / 10.
    moments = iter([(100.0, 1_000.0, 50.0), (110.0, 1_015.0, 59.0)])
    monkeypatch.setattr(alone, "_now", lambda: next(moments))
    beside = Beside()
    beside.stop()
    assert beside.busy_cores == pytest.approx(0.6)


def test_what_a_process_and_those_that_it_started_compute_is_its_own() -> None:
    def spent(work: Callable[[], object]) -> tuple[float, float]:
        before, own = alone._now()[1:]
        work()
        machine, after = alone._now()[1:]
        return machine - before, after - own

    spin = "import time\nstart = time.process_time()\nwhile time.process_time() < start + 0.5: pass"
    for work in (lambda: exec(spin), lambda: subprocess.run([sys.executable, "-c", spin])):
        machine, own = spent(work)
        assert own > 0.25
        assert machine > own - 0.1  # counted in hundredths of a second, core by core


@pytest.mark.parametrize(("cores", "said"), [(0.02, False), (0.9, True)])
def test_a_report_says_when_others_computed_beside_it(
    tmp_path: Path, cores: float, *, said: bool
) -> None:
    timings = [
        msgspec.structs.replace(record, beside_cores=cores)
        for record in timing_records("lenet", 0.02)
    ]
    records = [*(train_record("lenet", seed, 390) for seed in SEEDS), *timings]
    store = stored(tmp_path, records, ["lenet"])
    text = speed(read(store))
    assert f"kept {cores:.1f} cores busy" in text
    assert ("Others computed beside" in text) == said
