"""Commands that are killed at random moments and given again, and what must be true then."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.cells.weights import are_intact
from bench.records import kinds
from bench.records.store import Store, of_kind
from tests.programs import REPOSITORY, outside_pytest

GONE_WITHIN_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that writes a report, and where.

    Attributes:
        arguments: Of Python.
        folder: The report's.
        place: Where it runs.
    """

    arguments: tuple[str, ...]
    folder: Path
    place: Path = REPOSITORY

    def start(self) -> subprocess.Popen[bytes]:
        """Starts it in a session of its own, so that all that it starts is found."""
        return subprocess.Popen(
            [sys.executable, *self.arguments],
            cwd=self.place,
            env={**outside_pytest(), "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{self.place}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self) -> float:
        """Runs it to its end, which must be a good one; how many seconds that takes."""
        began = time.monotonic()
        process = self.start()
        assert process.wait(timeout=3_600) == 0
        assert_nothing_runs(process.pid)
        return time.monotonic() - began


@dataclass
class Killer:
    """Kills a command at moments that a seed draws.

    Attributes:
        command: The command.
        seconds: How long it takes, within which the moments are drawn.
        moments: What draws them.
        codes: How often it ended with which exit code.
    """

    command: Command
    seconds: float
    moments: random.Random
    codes: Counter[int] = field(default_factory=Counter)

    def kill(self, number: signal.Signals) -> None:
        """Starts the command, and sends a signal to it at a drawn moment.

        Nothing that it had finished may be lost by that, and nothing may run on.
        """
        before = finished(self.command.folder)
        process = self.command.start()
        time.sleep(self.moments.uniform(0, self.seconds))
        self.codes[_kill(process, number)] += 1
        assert before <= finished(self.command.folder)

    def kill_a_worker(self) -> bool:
        """Starts the command, ends a process that trains for it, and waits until it is done.

        The moments are counted from the first cell that is trained.

        Returns:
            Whether a cell was lost by that; none is if all were trained before the moment.
        """
        process = self.command.start()
        _wait_for_a_cell(self.command, process, set())
        time.sleep(self.moments.uniform(0, self.seconds))
        _end_busiest_worker(process.pid)
        self.codes[process.wait(timeout=3_600)] += 1
        assert_nothing_runs(process.pid)
        return any(cell.lost_workers for cell in trained(self.command.folder))


def kill_once_a_cell_is_trained(command: Command, number: signal.Signals) -> int:
    """Starts a command, and sends it a signal once it has trained a cell that it had not before.

    Nothing that it had finished may be lost by that, and nothing may run on.

    Returns:
        Its exit code.
    """
    before = finished(command.folder)
    process = command.start()
    _wait_for_a_cell(command, process, before)
    code = _kill(process, number)
    assert before < finished(command.folder)
    return code


def _wait_for_a_cell(command: Command, process: subprocess.Popen[bytes], before: set[str]) -> None:
    while finished(command.folder) <= before and process.poll() is None:
        time.sleep(0.05)


def _kill(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Sends a signal to a process; its exit code, when nothing that it started runs any more."""
    process.send_signal(number)
    code = process.wait(timeout=60)
    assert_nothing_runs(process.pid)
    return code


def _end_busiest_worker(main: int) -> None:
    """Ends the busiest of those that were started by another than the main process, if any is."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(main).children(recursive=True)
        workers = [process for process in found if process.ppid() != main]
        if workers:
            max(workers, key=lambda process: sum(process.cpu_times()[:2])).kill()


def assert_nothing_runs(session: int) -> None:
    """Checks that all processes of a session end soon."""
    until = time.monotonic() + GONE_WITHIN_SECONDS
    while (left := members(session)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def members(session: int) -> list[psutil.Process]:
    """The processes of a session that run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def trained(folder: Path) -> list[kinds.Train]:
    """All cells that are recorded as finished."""
    cells = of_kind(Store(folder).read(), kinds.Train)
    return [cell for cell in cells if cell.status == "ok"]


def finished(folder: Path) -> set[str]:
    """The keys of all cells that are recorded as finished."""
    return {cell.key for cell in trained(folder)}


def digests(folder: Path) -> dict[str, str | None]:
    """By cell, the digest of its weights; each cell stands there once."""
    cells = trained(folder)
    found = {str(cell): cell.weights_sha256 for cell in cells}
    assert len(found) == len(cells)
    return found


def assert_tidy(folder: Path) -> None:
    """Checks that nothing half written is left, and that the weights are those recorded."""
    assert not [*folder.rglob("*.part")]
    assert not [*folder.glob("*.damaged.jsonl")]
    for cell in of_kind(Store(folder).read(), kinds.Train):
        path = folder / "weights" / f"{cell.model}-{cell.device}-{cell.seed}.safetensors"
        if path.exists():
            assert are_intact(path, cell.weights_sha256)
