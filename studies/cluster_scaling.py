"""`python -m studies.cluster_scaling`: how long a comparison takes on 1 to 1,000 workers.

The cells are those of the report on the digits, as long as each of them was trained there. A
worker that is free takes the next cell. Client and scheduler hand cells out one after the other,
and need a fixed time for each; so no more than a certain number of cells begin in a second, however
many workers there are. A run never ends before its longest cell.

`--measure N` measures that time: N cells of a millisecond go through a scheduler and a worker on
this machine, on the way that cells to train go, each into a process of the worker and back. The
time is that of the processor, of the client and of the scheduler, each by itself: it does not
change with what else the machine does, and both can work at the same time where there are two
cores. So the slower of the two counts.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from matplotlib.figure import Figure

from bench.records import kinds
from bench.records.store import Store, of_kind
from bench.writing.style import BLUE, GREY, INK, ORANGE, save
from studies.dask_programs import dask_program
from studies.results import write

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

REPORT = Path("reports/digits-common-cpu")
MEASURED = Path(__file__).with_name("cluster_overhead.csv")
FIGURE = Path("docs/figures/cluster-scaling.svg")
WORKERS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000)
REPEATED = 100  # times the cells of the report: a run of as many networks or seeds
CELL_SECONDS, THREADS, UNDER_WAY = 0.001, 2, 8
DESCRIPTION = "Times as fast as one worker, over the number of workers"


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """What cells of a millisecond cost beside their own time.

    Attributes:
        cells: How many went through.
        client_seconds: Of the client's processor, for each.
        scheduler_seconds: Of the scheduler's.
        worker_seconds: Of the worker's.
        wall_seconds: For each, from the first to the last, on a machine that did other things, too.
        client_mebibytes: How much memory the client took more at its most than at the beginning.
    """

    cells: int
    client_seconds: float
    scheduler_seconds: float
    worker_seconds: float
    wall_seconds: float
    client_mebibytes: float

    @property
    def seconds(self) -> float:
        """How long a cell keeps the next one waiting."""
        return max(self.client_seconds, self.scheduler_seconds)


def main() -> int:
    """Measures, if that is asked for; simulates, draws the figure and prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=int, metavar="N", help="measure with N cells first")
    options = parser.parse_args()
    if options.measure:
        write(MEASURED, Overhead, [measure(options.measure)])
    overhead = read_overhead().seconds
    cells = cell_seconds()
    for name, some in (("the report", cells), (f"{REPEATED} times", cells * REPEATED)):
        print(f"{name}: {len(some)} cells, {sum(some):.0f} s, the longest {max(some):.1f} s")
        for workers in WORKERS:
            seconds = simulated(some, workers, overhead)
            print(f"  {workers:>5} workers: {seconds:8.1f} s, {sum(some) / seconds:6.1f} times")
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    save(partial(draw, cells, overhead), FIGURE, DESCRIPTION)
    return 0


def simulated(cell_seconds: Sequence[float], workers: int, overhead_seconds: float) -> float:
    """Seconds until the last cell is done.

    Args:
        cell_seconds: Of each cell, in the order in which they are handed out.
        workers: How many there are; one that is free takes the next cell.
        overhead_seconds: How long handing out takes, for one cell after the other.
    """
    free = [0.0] * workers
    last = 0.0
    for number, seconds in enumerate(cell_seconds, start=1):
        begins = max(free[0], number * overhead_seconds)
        heapq.heapreplace(free, begins + seconds)
        last = max(last, begins + seconds)
    return last


def cell_seconds() -> list[float]:
    """How long every cell of the report was trained, in its order."""
    store = Store(REPORT)
    request = store.latest_request()
    trained = {cell.key: cell for cell in of_kind(store.each(), kinds.Train)}
    found = [trained[key].train_seconds for key in request.keys if key in trained]
    return [seconds for seconds in found if seconds is not None]


def read_overhead() -> Overhead:
    """What was measured last."""
    with MEASURED.open(newline="") as file:
        (row,) = csv.DictReader(file)
    fields = {name: float(value) for name, value in row.items() if name != "cells"}
    return Overhead(cells=int(row["cells"]), **fields)


def draw(cells: Sequence[float], overhead_seconds: float) -> Figure:
    """The times as fast over workers, for the report's cells and for many more."""
    figure = Figure(figsize=(8, 4.6))
    axes = figure.subplots()
    axes.plot(WORKERS, WORKERS, "--", color=GREY, linewidth=0.9)
    axes.annotate("each worker counts fully", (14, 16), color=GREY, rotation=36, ha="center")
    many = list(cells) * REPEATED
    for some, colour, marker in ((cells, BLUE, "o"), (many, ORANGE, "s")):
        times = [sum(some) / simulated(some, workers, overhead_seconds) for workers in WORKERS]
        axes.plot(WORKERS, times, f"{marker}-", color=colour, markersize=4, linewidth=1.4)
        axes.annotate(
            f"{len(some):,} cells",
            (WORKERS[-1], times[-1]),
            (-6, 7),
            textcoords="offset points",
            color=colour,
            ha="right",
        )
    for limit, words in (
        (sum(cells) / max(cells), f"the longest of {len(cells):,} cells"),
        (float(np.mean(cells)) / overhead_seconds, "handing out cells"),
    ):
        axes.axhline(limit, color=GREY, linestyle=":", linewidth=0.9, zorder=0)
        axes.annotate(words, (1, limit), (2, 3), textcoords="offset points", color=INK, fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as one worker")
    return figure


def measure(cells: int) -> Overhead:
    """What cells of a millisecond cost, through a scheduler and a worker on this machine."""
    from bench.cluster.flight import as_they_finish
    from bench.cluster.worker import in_a_process

    with _cluster() as (client, scheduler, worker), _most_memory() as most:
        client.run(_settle)

        def submit(_: int, __: int) -> Future:
            return client.submit(
                *(in_a_process, "study", time.sleep, CELL_SECONDS),
                key=f"cell-{uuid.uuid4().hex}",
                resources={"cell": 1},
                pure=False,
            )

        def through(some: Sequence[int]) -> int:
            answers = as_they_finish(client, some, submit, lambda: UNDER_WAY)
            return sum(answer is None for _, answer in answers)

        through(range(2 * THREADS))  # the worker's processes are there now
        processes = [psutil.Process(), scheduler, worker]
        before, started, memory = [*map(_seconds, processes)], time.monotonic(), most()
        done = through(range(cells))
        if done != cells:
            raise RuntimeError(f"{cells - done} of {cells} cells were not done")
        wall = time.monotonic() - started
        spent = [(_seconds(p) - b) / cells for p, b in zip(processes, before, strict=True)]
    client_seconds, scheduler_seconds, worker_seconds = (float(f"{x:.3g}") for x in spent)
    return Overhead(
        cells=cells,
        client_seconds=client_seconds,
        scheduler_seconds=scheduler_seconds,
        worker_seconds=worker_seconds,
        wall_seconds=float(f"{wall / cells:.3g}"),
        client_mebibytes=round((most() - memory) / 2**20, 1),
    )


def _settle(dask_worker: Worker) -> None:
    """Lets a worker have processes; what they have in common with the client plays no part here."""
    import multiprocessing

    from bench.cells import processes
    from bench.cluster.worker import Home, homes

    processes._CONTEXT.set_forkserver_preload([])  # a nap needs no torch
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    folder = Path(dask_worker.local_directory)
    homes[dask_worker.id] = Home(folder=folder, threads=dask_worker.state.nthreads)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _cluster() -> Iterator[tuple[Client, psutil.Process, psutil.Process]]:
    """A client, its scheduler and its one worker, in three processes."""
    from distributed import Client

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "scheduler.json"
        where = ("--scheduler-file", str(file))
        host = ("--host", "127.0.0.1", "--port", "0")
        own = ("--no-nanny", "--nthreads", str(THREADS), "--resources", f"cell={THREADS}")
        with (
            dask_program("scheduler", *where, *host) as scheduler,
            dask_program("worker", *where, *own, "--local-directory", place) as worker,
        ):
            while not file.exists():
                time.sleep(0.1)
            with Client(scheduler_file=str(file), timeout=600, set_as_default=False) as client:
                client.wait_for_workers(1)
                yield client, psutil.Process(scheduler.pid), psutil.Process(worker.pid)


@contextmanager
def _most_memory() -> Iterator[Callable[[], int]]:
    """What says how much memory this process has had at most, in bytes."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], psutil.Process().memory_info().rss)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield lambda: max(most[0], int(psutil.Process().memory_info().rss))
    finally:
        over.set()


if __name__ == "__main__":
    raise SystemExit(main())
