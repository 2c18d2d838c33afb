"""Hours of short cells: memory, open files and shared memory do not grow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pytest

from tests.programs import REPOSITORY, outside_pytest

SECONDS = float(os.environ.get("BENCH_SOAK_SECONDS", "3600"))
# Of what is held in the last third of the time over what is held in the middle one; the first is
# for warming up. The allocator keeps a little more with each network that is larger than before.
MEMORY_GROWTH, MEMORY_BYTES = 1.05, 32e6
MORE_FILES, MORE_SHARED = 8, 4

SOAK = """
import sys, time
from pathlib import Path
from bench.cells import machine
from bench.cells.data import Datasets
from bench.cells.jobs import make_jobs
from bench.cells.places import Apart, run_jobs
from bench.cells.plan import Request, plan
from bench.records.store import Store

if __name__ == "__main__":
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    seeds = tuple(range(1, 3 + int(seconds / 4)))
    cells = plan(Request(models=("all",), seeds=seeds, epochs=1)).cells
    jobs = make_jobs(
        cells, Datasets(folder), splits=folder / ".data", environment=machine.environment(),
        weights=None,
    )
    store, until = Store(folder / "soak"), time.monotonic() + seconds
    apart = Apart(seconds=None, on_lost=lambda *_: None)
    for _, record in run_jobs(jobs, 2, None, apart):
        assert record.status == "ok", record.error
        store.append(record)
        print(record.model, flush=True)
        if time.monotonic() > until:
            break
"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a process and all that it has started hold together."""

    memory_bytes: int
    files: int
    shared: int


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 1_800)
def test_what_hours_of_short_cells_hold_does_not_grow(tmp_path: Path) -> None:
    program = tmp_path / "soak.py"
    program.write_text(SOAK)
    with subprocess.Popen(
        [sys.executable, program, tmp_path, str(SECONDS)],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        samples = []
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < SECONDS:
            samples.append(held(process.pid))
            time.sleep(max(0.2, SECONDS / 1_000))
        trained = [first, *process.communicate()[0].splitlines()]
    assert process.returncode == 0
    assert len(samples) >= 30
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    said = f"{len(trained)} cells; {summed(middle)}, then {summed(last)}"
    before, after = (median(s.memory_bytes for s in part) for part in (middle, last))
    assert after <= before * MEMORY_GROWTH + MEMORY_BYTES, said
    assert median(s.files for s in last) <= median(s.files for s in middle) + MORE_FILES
    assert median(s.shared for s in last) <= median(s.shared for s in middle) + MORE_SHARED


def held(main: int) -> Held:
    """What a process holds now, with all that it has started; what has just ended holds nothing."""
    memory = files = 0
    for process in processes(main):
        try:
            with process.oneshot():
                memory += process.memory_info().rss
                files += process.num_fds()
        except psutil.NoSuchProcess:
            continue
    shared = Path("/dev/shm")
    return Held(
        memory_bytes=memory,
        files=files,
        shared=len([*shared.iterdir()]) if shared.is_dir() else 0,
    )


def processes(main: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(main)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def summed(samples: list[Held]) -> str:
    """The medians in words."""
    memory = median(sample.memory_bytes for sample in samples) / 1e6
    files = median(sample.files for sample in samples)
    return f"{memory:,.0f} MB and {files:,.0f} open files"
