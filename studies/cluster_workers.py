"""`python -m studies.cluster_workers`: how many times as fast two workers of a cluster are as one.

Scheduler, workers and client are programs of their own on this machine, started as docs/cluster.md
says, and each worker has one thread. In each round the same runs are trained by one worker and by
two, in an order that changes. The time is that from the client's first word of training to its word
of the last run. It wants a machine that does nothing else.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from studies.dask_programs import dask_program
from studies.results import write

MEASURED = Path(__file__).with_name("cluster_workers.csv")
ROUNDS = 3
ASKED = ("--models", "lenet,dnn,net", "--seeds", "4", "--devices", "cpu", "--rounds", "0")
JOIN_SECONDS = 15.0  # in which workers have registered, so that all are there from the first run on


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a number of workers took for the same runs.

    Attributes:
        round: From 1 on.
        workers: How many there were.
        runs: How many they trained.
        seconds: From the beginning of training to the last run.
    """

    round: int
    workers: int
    runs: int
    seconds: float


def main() -> int:
    """Measures one and two workers in turns."""
    write(MEASURED, Trained, _all())
    return 0


def _all() -> Iterator[Trained]:
    for number in range(1, ROUNDS + 1):
        for workers in (1, 2) if number % 2 else (2, 1):
            yield _trained(number, workers)


def _trained(number: int, workers: int) -> Trained:
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        scheduler = Path(place) / "scheduler.json"
        where = ("--scheduler-file", str(scheduler))
        host = ("--host", "127.0.0.1", "--port", "0")
        stack.enter_context(dask_program("scheduler", *where, *host))
        for worker in range(workers):
            own = ("--nthreads", "1", "--local-directory", f"{place}/{worker}")
            stack.enter_context(dask_program("worker", *where, *own))
        time.sleep(JOIN_SECONDS)
        began, runs = 0.0, 0
        words = ("-m", "bench.compare", *ASKED, "--cluster", str(scheduler), "--reports", place)
        with subprocess.Popen(
            [sys.executable, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as client:
            assert client.stderr is not None
            for line in client.stderr:
                if line.startswith("training"):
                    began = time.monotonic()
                found = re.match(r"\[(\d+)/\1\]", line)
                if found:
                    seconds, runs = time.monotonic() - began, int(found[1])
        if client.returncode or not runs:
            raise RuntimeError(f"the comparison on {workers} workers ended with an error")
    return Trained(round=number, workers=workers, runs=runs, seconds=float(f"{seconds:.3g}"))


if __name__ == "__main__":
    raise SystemExit(main())
