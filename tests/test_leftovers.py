"""What killed processes leave behind is removed by the next start, and nothing else is."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cells import leftovers
from bench.cells.leftovers import SHARED, sweep, temporary_folder


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes what was left a moment ago for old."""
    monkeypatch.setattr(leftovers, "SECONDS", 0.0)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_entries_of_dead_processes_go_and_those_of_living_ones_and_of_others_stay(
    tmp_path: Path, dead: int
) -> None:
    shared, temporary = tmp_path / "shm", tmp_path / "tmp"
    for place in (shared, temporary):
        place.mkdir()
    living, host = os.getpid(), socket.gethostname()
    for number in (dead, living):
        (shared / f"sem.loky-{number}-abc").touch()
        (shared / f"joblib_memmapping_folder_{number}_1_2").mkdir()
        (temporary / f"bench-{host}-{number}-x").mkdir()
    (shared / "psm_4711").touch()
    (temporary / f"bench-elsewhere-{dead}-x").mkdir()
    sweep(shared, temporary)
    assert names(shared) == {
        f"sem.loky-{living}-abc",
        f"joblib_memmapping_folder_{living}_1_2",
        "psm_4711",
    }
    assert names(temporary) == {f"bench-{host}-{living}-x", f"bench-elsewhere-{dead}-x"}


def test_what_has_just_been_made_is_left_alone(
    tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "SECONDS", 60.0)
    (tmp_path / f"sem.loky-{dead}-abc").touch()
    sweep(tmp_path, tmp_path)
    assert names(tmp_path) == {f"sem.loky-{dead}-abc"}


def test_nobody_calls_where_other_processes_listen(tmp_path: Path) -> None:
    (tmp_path / "pymp-living").mkdir()
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(str(tmp_path / "pymp-living" / "listener"))
        here.listen()
        here.settimeout(0.2)
        sweep(tmp_path / "none", tmp_path)
        with pytest.raises(TimeoutError):  # a call would end Python's fork server
            here.accept()
    assert names(tmp_path) == {"pymp-living"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared memory of Linux")
def test_a_semaphore_goes_once_nobody_uses_it(tmp_path: Path) -> None:
    used = multiprocessing.get_context("spawn").Semaphore()
    name = SHARED / f"sem.{used._semlock.name.lstrip('/')}"  # type: ignore[attr-defined]
    unused = SHARED / "sem.mp-nobodys0"
    unused.touch()
    try:
        sweep(SHARED, tmp_path)
        assert name.exists()
        assert not unused.exists()
    finally:
        unused.unlink(missing_ok=True)


def test_a_temporary_folder_is_removed_at_its_end_and_bears_its_process(tmp_path: Path) -> None:
    with temporary_folder() as place:
        assert f"-{os.getpid()}-" in Path(place).name
        sweep(tmp_path, Path(place).parent)
        assert Path(place).is_dir()
    assert not Path(place).exists()
