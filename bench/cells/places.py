"""Where jobs are run, and how many at a time: on this machine, or in any other place."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from bench.cells.jobs import Job, failed_record, run_unit
from bench.cells.order import longest_first
from bench.cells.outcomes import EndedError
from bench.cells.plan import Cell
from bench.cells.side_by_side import Guard, run_all
from bench.cells.weights import place_weights
from bench.records import kinds
from bench.records.place import replacing

Unit = list[Job]  # that are trained at once: one, or the seeds of a network
WORKER_BYTES = 500_000_000  # what a process that trains a small network takes, at most


def at_a_time(device: str, jobs: int) -> int:
    """How many cells to train side by side on a device, where `jobs` are asked for.

    Cells on a GPU share it already; side by side they would only share its memory, too.
    """
    return jobs if device == "cpu" else 1


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How the process that records is kept from what becomes of those that train.

    Attributes:
        seconds: How long a cell may take; None is for ever.
        on_lost: Told of a cell whose process has ended, before it is tried once more.
    """

    seconds: float | None
    on_lost: Callable[[Cell, EndedError], object]


def workers(device: str, jobs: int, cells: int) -> int:
    """How many cells to train side by side, of so many, where `jobs` are asked for.

    No more than there are cells, cores, and memory for.
    """
    from bench.cells.machine import available_bytes, cores

    fit = max(1, available_bytes() // WORKER_BYTES)
    return max(1, min(at_a_time(device, jobs), cells, cores(), fit))


class Place(Protocol):
    """Where cells are trained."""

    def at_once(self, jobs: int) -> int:
        """How many cells are trained at a time, where `jobs` are asked for."""

    def train(
        self,
        units: Sequence[Unit],
        side_by_side: int,
        meanwhile: Callable[[], object] | None,
        guard: Guard,
    ) -> Iterator[tuple[Unit, list[kinds.Train] | Exception]]:
        """Each unit with the records of its jobs, or with why there are none, as they finish."""


class Here:
    """This machine."""

    def at_once(self, jobs: int) -> int:
        return jobs

    def train(
        self,
        units: Sequence[Unit],
        side_by_side: int,
        meanwhile: Callable[[], object] | None,
        guard: Guard,
    ) -> Iterator[tuple[Unit, list[kinds.Train] | Exception]]:
        train = partial(run_unit, side_by_side=side_by_side)
        took: dict[str, float] = {}
        in_order = longest_first(units, _which, took)
        for unit, result in run_all(train, in_order, side_by_side, meanwhile, guard):
            if not isinstance(result, Exception):  # what failed counts as 0, and comes last
                took[unit[0].cell.model] = sum(record.train_seconds or 0.0 for record in result)
            yield unit, result


def _which(unit: Unit) -> tuple[str, int]:
    return unit[0].cell.model, unit[0].cell.seed


HERE = Here()


def run_jobs(
    jobs: Sequence[Job],
    side_by_side: int,
    meanwhile: Callable[[], object] | None = None,
    apart: Apart | None = None,
    place: Place = HERE,
) -> Iterator[tuple[Job, kinds.Train]]:
    """Each job with its record, as they finish; jobs of equal work are trained once.

    Args:
        jobs: What to run.
        side_by_side: How many at a time; one stays in this process unless they are kept apart.
        meanwhile: Called once, when the last of several are running.
        apart: Keeps this process from what becomes of those that train.
        place: Where; a cluster has its own number of those side by side.
    """
    twins: dict[str, list[Job]] = {}
    for job in jobs:
        twins.setdefault(job.work, []).append(job)
    units = _units([same[0] for same in twins.values()])
    lost: Counter[str] = Counter()

    def lose(unit: Sequence[Job], error: EndedError) -> None:
        lost.update(job.key for job in unit)
        if apart is not None:
            apart.on_lost(unit[0].cell, error)

    seconds = None if apart is None else apart.seconds
    guard = Guard(
        seconds=lambda unit: None if seconds is None else seconds * len(unit),
        on_lost=lose,
        always=apart is not None,
    )
    for unit, result in place.train(units, side_by_side, meanwhile, guard):
        if isinstance(result, Exception):
            result = [failed_record(job, 1, result) for job in unit]
        for job, trained in zip(unit, result, strict=True):
            place_weights(job)
            record = msgspec.structs.replace(trained, lost_workers=lost[job.key])
            yield job, record
            for twin in twins[job.work][1:]:
                yield twin, _as_twin(twin, job, record)


def _as_twin(twin: Job, trained: Job, record: kinds.Train) -> kinds.Train:
    """The record of a job whose network another job has trained; the weights are copied."""
    if record.status == "ok" and twin.weights is not None and trained.weights is not None:
        with replacing(twin.weights) as part:
            shutil.copyfile(trained.weights, part)
    return msgspec.structs.replace(record, key=twin.key, model=twin.cell.model)


def _units(jobs: Sequence[Job]) -> list[Unit]:
    """The jobs that are trained at once: one, or the seeds of a network."""
    units: dict[object, Unit] = {}
    for job in jobs:
        cell = job.cell
        units.setdefault((cell.model, cell.device) if cell.together else job.key, []).append(job)
    return [*units.values()]
