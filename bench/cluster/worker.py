"""What runs on a worker of the cluster: the suite has to be installed there.

A worker's threads only wait. Every cell is trained in a process that the worker has forked, as on
the client's machine, one thread each; a process is used again for the next cell.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.cells.jobs import Job, failed_record, run_unit
from bench.cells.outcomes import EndedError, ended, memory_kills, timed_out
from bench.cells.processes import ForkedProcess, ProcessEndedError
from bench.cells.splits import StoredSplit, files_of
from bench.cells.weights import part_of
from bench.cluster.expected import GPU, Expected, Found, found_here
from bench.records import kinds
from bench.records.place import replacing

if TYPE_CHECKING:
    from distributed import Worker

WHOLE_WORKER, CELL = 1_000_000, 1  # of the resource that a client's cells take
_DATA, _WEIGHTS = "bench-data", "bench-weights"  # folders in a worker's local one


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a worker says of itself, and what it may be given.

    Attributes:
        host: The name of its machine.
        threads: How many tasks it runs at a time.
        gpus: How many GPUs it has been started with, as the resource `GPU`.
        refusals: By device, what it has otherwise than the client, a line each; empty where it
            trains for the client.
    """

    host: str
    threads: int
    gpus: int
    refusals: dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Jobs that are trained at once, on their way to a worker.

    Attributes:
        run: Which run of a client it is of.
        unit: The jobs, pickled, with what a user's own file defines in them.
        split: Where the client keeps what their network sees of the data.
        device: Where they are trained.
        alone: Whether nothing else is trained on their worker meanwhile.
        seconds: After which they are ended; None lets them take as long as they take.
    """

    run: str
    unit: bytes
    split: StoredSplit
    device: str
    alone: bool
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a task: records, and beside each the file of its weights, if it has one."""

    records: list[kinds.Train]
    weights: list[bytes | None]


@dataclass
class Home:
    """The processes of a worker, and which run each of them works for."""

    folder: Path
    threads: int
    found: Found | None = None  # what `prepare` has found
    idle: list[ForkedProcess] = field(default_factory=list)
    busy: dict[ForkedProcess, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


homes: dict[str, Home] = {}  # by the worker's id: a test may have several in one process


async def prepare(expected: Expected, dask_worker: Worker) -> Prepared:
    """Compares this worker with the client; where it is the same, lets it have the client's cells.

    For this it gets a resource of the client's own name, of which a cell takes a part, or all. How
    many cells are trained at a time is decided by the worker's threads.
    """
    found = await asyncio.to_thread(_found)
    threads = dask_worker.state.nthreads
    gpus = int(dask_worker.state.total_resources.get(GPU, 0))
    folder = Path(dask_worker.local_directory)
    homes.setdefault(dask_worker.id, Home(folder=folder, threads=threads, found=found))
    refusals = {device: expected.differing(found, device) for device in expected.devices}
    if "cuda" in refusals and not gpus:
        refusals["cuda"] = (f"it was started without --resources {GPU}=1",)
    taken = [device for device, lines in refusals.items() if not lines]
    if taken:
        await dask_worker.set_resources(**{expected.resource(x): WHOLE_WORKER for x in taken})
    return Prepared(host=socket.gethostname(), threads=threads, gpus=gpus, refusals=refusals)


def leave(run: str, dask_worker: Worker) -> None:
    """Ends the processes of this worker that wait, and those that train for a run."""
    home = homes.get(dask_worker.id)
    if home is None:
        return
    with home.lock:
        idle, home.idle = home.idle, []
        busy = [process for process, of in home.busy.items() if of == run]
    for process in idle:
        process.__exit__()
    for process in busy:
        process.process.kill()  # whoever waits for its answer does the rest


def train_there(task: Task, inputs: bytes, labels: bytes) -> Answer:
    """The records of a task's jobs, trained in a process of this worker.

    Args:
        task: The jobs.
        inputs: The file of what their network sees of the data.
        labels: The file of its labels.

    Raises:
        EndedError: The process has ended, usually because memory is short, or took too long.
        RuntimeError: The jobs cannot be read here.
    """
    home = _home()
    split = replace(task.split, folder=home.folder / _DATA)
    for path, content in zip(files_of(split), (inputs, labels), strict=True):
        if not path.exists():
            with replacing(path) as part:
                part.write_bytes(content)
    side_by_side = 1 if task.alone or task.device != "cpu" else home.threads
    place = home.folder / _WEIGHTS
    place.mkdir(exist_ok=True)
    answer: Answer | Exception = in_a_process(
        task.run, _train, task.unit, split.folder, place, side_by_side, seconds=task.seconds
    )
    if isinstance(answer, Exception):
        raise answer
    assert home.found is not None
    here = kinds.Worker(host=socket.gethostname(), environment=home.found.environment)
    records = [msgspec.structs.replace(record, worker=here) for record in answer.records]
    return replace(answer, records=records)


def in_a_process(
    run: str, do: Callable[..., Any], *arguments: object, seconds: float | None = None
) -> Any:
    """What a function gives, called in a process of this worker that does nothing else meanwhile.

    Args:
        run: For which it works.
        do: A top-level function.
        arguments: Of the call.
        seconds: After which the process is ended; None waits for ever.

    Raises:
        EndedError: The process has ended before it had answered.
    """
    home = _home()
    with home.lock:  # two that are started at the same moment would be in each other's way
        process = home.idle.pop() if home.idle else ForkedProcess(_call)
        home.busy[process] = run
    kills = memory_kills()
    try:
        process.ask("__call__", do, *arguments)
        if not process.connection.poll(seconds):
            raise timed_out(seconds)
        answer = process.answer()
    except BaseException as error:
        with home.lock:
            del home.busy[process]
        process.__exit__()
        if isinstance(error, ProcessEndedError) and not isinstance(error, EndedError):
            raise ended(process.process.exitcode, kills) from error
        raise
    with home.lock:
        del home.busy[process]
        home.idle.append(process)
    return answer


def _call(do: Callable[..., Any], *arguments: object) -> Any:
    return do(*arguments)


def _train(unit: bytes, data: Path, place: Path, side_by_side: int) -> Answer | Exception:
    """Trains jobs in this process, with data and weights in folders of the worker."""
    try:
        jobs: Sequence[Job] = pickle.loads(unit)
    except Exception as error:  # what a user's own file imports is not there
        return RuntimeError(f"the network cannot be read on {socket.gethostname()}: {error!r}")
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        local = [
            replace(
                job,
                split=replace(job.split, folder=data),
                weights=job.weights and folder / job.weights.name,
            )
            for job in jobs
        ]
        records = run_unit(local, side_by_side)
        return Answer(records=records, weights=[_weights(job) for job in local])
    except Exception as error:  # the disk is full: this is told as any failure of a cell
        failed = [failed_record(job, side_by_side, error) for job in jobs]
        return Answer(records=failed, weights=[None] * len(jobs))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _weights(job: Job) -> bytes | None:
    part = part_of(job)
    return part.read_bytes() if part is not None and part.exists() else None


def _home() -> Home:
    from distributed import get_worker

    return homes[get_worker().id]


@lru_cache(maxsize=1)
def _found() -> Found:
    # A worker that Dask's nanny watches is a daemon, which may have no children.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    return found_here()
