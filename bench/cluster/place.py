"""A cluster as a place where cells are trained, like this machine."""

from __future__ import annotations

import pickle
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.cells.places import HERE, Place, Unit
from bench.cells.processes import by_value
from bench.cells.side_by_side import Guard
from bench.cells.splits import StoredSplit, files_of
from bench.cells.weights import part_of
from bench.cluster.connection import connected
from bench.cluster.expected import GPU, expected_of, found_here
from bench.cluster.flight import as_they_finish
from bench.cluster.worker import CELL, WHOLE_WORKER, Answer, Task, train_there
from bench.cluster.workers import AHEAD, Workers
from bench.records import kinds

if TYPE_CHECKING:
    from distributed import Client, Future

Trained = tuple[Unit, list[kinds.Train] | Exception]


@contextmanager
def training_place(
    address: str | None, devices: Sequence[str], say: Callable[[str], None]
) -> Iterator[Place]:
    """This machine, or the cluster at an address for as long as the block lasts.

    Args:
        address: Of the scheduler; None for this machine.
        devices: Where cells will be trained.
        say: Told in a line what a user should know of the cluster.

    Raises:
        RequestError: There is no such cluster, or none of its workers can train.
    """
    if address is None:
        yield HERE
        return
    with connected(address, expected_of(found_here(), devices), say) as workers:
        cluster = Cluster(workers)
        try:
            yield cluster
        finally:
            workers.dismiss(cluster.run)


class Cluster:
    """Workers to whom cells are given, a bounded number at a time.

    What a network sees of the data is given to the cluster once; from worker to worker Dask passes
    it on, once to each.
    """

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.client: Client = workers.client
        self.run = uuid.uuid4().hex
        self._views: dict[str, tuple[Future, Future]] = {}

    def at_once(self, jobs: int) -> int:  # noqa: ARG002 - of this machine
        """As many as all workers have threads, or GPUs."""
        return self.workers.slots(self.workers.expected.devices[0])

    def train(
        self,
        units: Sequence[Unit],
        side_by_side: int,  # noqa: ARG002 - of this machine
        meanwhile: Callable[[], object] | None,
        guard: Guard,
    ) -> Iterator[Trained]:
        """Each unit with its records, or with why there are none, as they finish.

        Raises:
            ClusterLostError: The scheduler is gone.
        """
        alone = any(job.cell.is_heavy for unit in units for job in unit)
        tasks: list[tuple[Unit, Task]] = []
        for unit in units:
            try:
                tasks.append((unit, self._task(unit, alone=alone, seconds=guard.seconds(unit))))
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                yield unit, TypeError(f"it cannot be sent to a worker: {error}")
        if not tasks:
            return
        device = tasks[0][1].device
        found = as_they_finish(
            self.client,
            tasks,
            self._submit,
            lambda: AHEAD * self.workers.slots(device, alone=alone),
            meanwhile,
            lambda: self.workers.generation,
        )
        for (unit, _), answer in found:
            if isinstance(answer, Answer):
                _keep_weights(unit, answer)
                yield unit, answer.records
            else:
                assert isinstance(answer, Exception)
                yield unit, answer

    def _task(self, unit: Unit, *, alone: bool, seconds: float | None) -> Task:
        return Task(
            run=self.run,
            unit=pickle.dumps(by_value(unit)),
            split=unit[0].split,
            device=unit[0].cell.device,
            alone=alone,
            seconds=seconds,
        )

    def _submit(self, item: tuple[Unit, Task], tries: int) -> Future:
        unit, task = item
        amount = WHOLE_WORKER if task.alone or tries > 1 else CELL
        needs = {self.workers.expected.resource(task.device): amount}
        if task.device == "cuda":
            needs[GPU] = 1
        return self.client.submit(
            train_there,
            task,
            *self._view(task.split),
            key=f"{unit[0].cell.model}-{uuid.uuid4().hex}",
            resources=needs,
            pure=False,
        )

    def _view(self, split: StoredSplit) -> tuple[Future, Future]:
        """The two files of what a network sees of the data, given to the cluster.

        Not scattered: what the scheduler knows how to make again outlives the worker that had it.
        """
        if split.checksum not in self._views:
            with warnings.catch_warnings(action="ignore"):  # Dask calls ten megabytes large
                inputs, labels = (
                    self.client.submit(bytes, path.read_bytes(), key=f"{name}-{split.checksum}")
                    for name, path in zip(("inputs", "labels"), files_of(split), strict=True)
                )
            self._views[split.checksum] = (inputs, labels)
        return self._views[split.checksum]


def _keep_weights(unit: Unit, answer: Answer) -> None:
    """Writes the weights that came with an answer to where a finished job's are taken from."""
    for job, weights in zip(unit, answer.weights, strict=True):
        part = part_of(job)
        if part is not None and weights is not None:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(weights)
