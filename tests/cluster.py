"""A scheduler and workers in processes of their own, on the loopback, as a user starts them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import REPOSITORY, outside_pytest

PATIENCE_SECONDS = 240.0


@dataclass
class Started:
    """Processes of a cluster, each with all that it starts.

    Attributes:
        folder: For their logs, and for what workers store.
        address: Of the scheduler.
        scheduler: Its process.
        workers: By name, theirs.
    """

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start_scheduler(self, *more: str) -> None:
        """Starts a scheduler, at the same port where there has been one."""
        port = self.address.rpartition(":")[2] or "0"
        log = self.folder / f"scheduler-{time.monotonic_ns()}.log"
        options = ["--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0"]
        self.scheduler = _start("scheduler", [*options, *more], log)
        self.address = _said(log, r"Scheduler at:\s+(\w+://\S+)", self.scheduler)

    def start_worker(self, name: str, *options: str, threads: int = 1, **environment: str) -> None:
        """Starts a worker, and waits until the scheduler has it."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        log = self.folder / f"{name}.log"
        words = [self.address, "--name", name, "--nthreads", str(threads), "--no-dashboard"]
        words += ["--local-directory", str(place), *options]
        self.workers[name] = _start("worker", words, log, **environment)
        _said(log, r"(Registered to)", self.workers[name])

    def kill_worker(self, name: str) -> None:
        """Ends a worker at once, with all that it has started, as a power cut does."""
        _kill(self.workers.pop(name))

    def kill_scheduler(self) -> None:
        """Ends the scheduler at once."""
        assert self.scheduler is not None
        _kill(self.scheduler)
        self.scheduler = None

    def stop(self) -> None:
        """Ends everything."""
        for process in [*self.workers.values(), self.scheduler]:
            if process is not None:
                _kill(process)


@contextmanager
def cluster(
    folder: Path, *workers: str, threads: int = 1, options: tuple[str, ...] = ()
) -> Iterator[Started]:
    """A scheduler, which may have options, with these workers."""
    started = Started(folder=folder)
    try:
        started.start_scheduler(*options)
        for name in workers:
            started.start_worker(name, threads=threads)
        yield started
    finally:
        started.stop()


def compare(*arguments: str, folder: Path = REPOSITORY) -> subprocess.Popen[str]:
    """Starts a comparison that measures no speed."""
    return subprocess.Popen(
        [sys.executable, "-m", "bench.compare", "--rounds", "0", *arguments],
        cwd=folder,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _start(name: str, options: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{name}", *options],
            cwd=log.parent,  # not the repository's: nothing may depend on it
            env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY), **environment},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _said(log: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    """What a process has said of itself, as soon as it has."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"'{log}' does not say '{pattern}':\n{log.read_text(errors='replace')}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
