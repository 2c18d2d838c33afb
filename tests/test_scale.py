"""Large runs: a plan of 100,000 cells, and a report over 10,000 records, in little time and memory.

The bounds are a few times what was measured, because machines differ; what they are there to find
is work that grows with the square of the cells, and torch loaded where it is not needed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.cells.plan import Request, plan
from bench.records import kinds
from bench.records.lines import encode
from bench.records.store import Store
from bench.report.decided import findings
from bench.results.runs import read
from tests.factories import (
    count_record,
    reference_record,
    request_record,
    timing_records,
    train_record,
)

MODELS = ("lenet", "cnn", "dnn", "net", "lenet-sigmoid", "lenet5-sigmoid-avg", "lenet5-relu-avg")
CELLS = 10_000
REPORT_SECONDS, REPORT_BYTES = 20, 500e6

# Prints the seconds that a command took and the most memory that it held. A process of its own in
# between, because Linux counts for a new process what the one that started it held.
MEASURED = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run([sys.executable, "-m", *sys.argv[1:]], check=True)
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(time.perf_counter() - started, memory * (1 if sys.platform == "darwin" else 1024))
"""


def test_a_plan_of_100_000_cells_takes_about_a_second() -> None:
    request = Request(models=("lenet5-*", "dnn", "cnn", "net", "lenet"), seeds=tuple(range(10_000)))
    started = time.perf_counter()
    cells = plan(request).cells
    assert time.perf_counter() - started < 5
    assert len(cells) == 10_000 * 10


@pytest.mark.slow
def test_a_report_over_10_000_records_takes_seconds_and_half_a_gigabyte(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    _write_run(folder)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "bench.report", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seconds, memory = map(float, done.stdout.split()[-2:])
    assert seconds < REPORT_SECONDS
    assert memory < REPORT_BYTES
    assert f"{CELLS // len(MODELS)} training runs each" in (folder / "report.md").read_text()


def _write_run(folder: Path) -> None:
    """A run of so many cells, with all that a report shows beside them."""
    random = np.random.default_rng(0)
    seeds = tuple(range(1, CELLS // len(MODELS) + 1))
    records: list[kinds.Record] = [
        train_record(
            model,
            seed,
            400 - len(wrong),
            misclassified=[(index, (index + 1) % 10) for index in sorted(wrong)],
            weights_sha256=f"{model}-{seed}",
        )
        for seed in seeds
        for model in MODELS
        for wrong in [random.choice(400, random.integers(2, 40), replace=False).tolist()]
    ]
    for model in MODELS:
        records += [*timing_records(model, 0.01), count_record(model, 61_706, 416_520)]
    records.append(reference_record("largest class", 40))
    keys = [record.key for record in records]
    records.append(request_record(keys, list(MODELS), seeds=seeds))
    folder.mkdir()
    store = Store(folder)
    # All at once: `append` writes each through to the disk.
    store.path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    for finding in findings(read(store)):
        store.append(finding)
