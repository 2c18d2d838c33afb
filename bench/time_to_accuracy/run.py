"""Trains every network on every seed, one at a time, each in a process of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cells import machine
from bench.cells.catalogue import IMAGE_CLASSES
from bench.cells.data import Dataset, load
from bench.cells.jobs import failure, key_content, training_code, work_digest
from bench.cells.parent import spawned_processes
from bench.cells.plan import Cell, Plan
from bench.cells.processes import by_value
from bench.cells.splits import view
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.store import Store, digest, experiment_key
from bench.timing.alone import measuring_alone

if TYPE_CHECKING:
    from bench.time_to_accuracy.watch import Watched


Runs = Mapping[str, tuple[Cell, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Race:
    """What is trained, and what is not.

    Attributes:
        runs: By key of its record, a cell with the other names of its network, in the order of
            training.
        left_out: The networks that do not run.
        sizes: Training, validation and test samples.
    """

    runs: Runs
    left_out: tuple[kinds.LeftOut, ...]
    sizes: tuple[int, int, int]


def run_race(folder: Path, planned: Plan, data_root: Path, command: str, shown: Progress) -> int:
    """Trains what has no record yet, and records it; how many runs raised.

    Args:
        folder: Of the report.
        planned: The cells, all on one device.
        data_root: The folder above `MNIST/raw`.
        command: The command line that makes the report again.
        shown: Shows what is being done.

    Raises:
        RequestError: MNIST is missing or unreadable, or no network is left; nothing was written.
    """
    here = machine.environment()
    store = Store(folder)
    race = _race(folder.name, planned, load("mnist", data_root=data_root, seed=0), here)
    waiting = store.missing(race.runs)
    done = len(race.runs) - len(waiting)
    for number, (key, (cell, twins)) in enumerate(waiting.items(), start=done + 1):
        shown.begins(f"[{number}/{len(race.runs)}] {cell}")
        with measuring_alone(shown.begins):
            record = _record(key, cell, twins, race.sizes[0], data_root)
        store.append(record)
    cells = [cell for cell, _ in race.runs.values()]
    store.append(
        kinds.AccuracyRace(
            key=experiment_key(kinds.ACCURACY_RACE, folder.name),
            experiment=kinds.ACCURACY_RACE,
            device=cells[0].device,
            seeds=tuple(dict.fromkeys(cell.seed for cell in planned.cells)),
            left_out=race.left_out,
            command=command,
            dataset_sizes=race.sizes,
            environment=here,
            keys=tuple(race.runs),
        )
    )
    return len(store.missing(race.runs))


def _race(name: str, planned: Plan, mnist: Dataset, here: Environment) -> Race:
    """The runs of a report, equal networks once."""
    from bench.time_to_accuracy.watch import watch

    whole = {m: c for m, c in planned.first_cells.items() if c.spec.classes == IMAGE_CLASSES}
    if not whole:
        raise RequestError(f"none of {', '.join(planned.models)} tells all ten digits apart")
    left_out = tuple(
        kinds.LeftOut(model=model, reason=f"'{model}' tells {cell.spec.classes} digits apart")
        for model, cell in planned.first_cells.items()
        if model not in whole
    )
    checksums = {model: view(mnist, c.spec, c.recipe).checksum for model, c in whole.items()}
    codes = {model: training_code(cell.spec) for model, cell in whole.items()}
    watching = code_sha256(watch)
    same: dict[str, list[tuple[str, Cell]]] = {}
    for cell in planned.cells:
        if cell.model in whole:
            content = key_content(cell, checksums[cell.model], codes[cell.model], here)
            key = experiment_key(kinds.TIME_TO_ACCURACY, name, cell=digest(content), code=watching)
            same.setdefault(work_digest(cell, content), []).append((key, cell))
    runs = {
        first[0]: (first[1], tuple(other.model for _, other in others))
        for first, *others in same.values()
    }
    return Race(
        runs=_in_drawn_order(runs),
        left_out=(*planned.left_out, *left_out),
        sizes=(len(mnist.train), len(mnist.validation), len(mnist.test)),
    )


def _in_drawn_order(runs: Runs) -> Runs:
    """Seed by seed, in an order drawn for each, so that drift hits all networks alike."""
    by_seed: dict[int, list[str]] = {}
    for key, (cell, _) in runs.items():
        by_seed.setdefault(cell.seed, []).append(key)
    for seed, keys in by_seed.items():
        random.Random(seed).shuffle(keys)
    return {key: runs[key] for keys in by_seed.values() for key in keys}


def _record(
    key: str, cell: Cell, twins: tuple[str, ...], samples: int, data_root: Path
) -> kinds.TimeToAccuracy:
    """The record of a run, trained now; of its failure if it raised or its process died."""
    found: Watched | None = None
    error: str | None = None
    try:
        found = _watch_alone(cell, data_root)
        error = found.error
    except Exception as raised:
        error = failure(raised)
    return kinds.TimeToAccuracy(
        key=key,
        experiment=kinds.TIME_TO_ACCURACY,
        model=cell.model,
        twins=twins,
        seed=cell.seed,
        device=cell.device,
        recipe=cell.recipe,
        train_samples=samples,
        status="failed" if found is None else "ok",
        points=found.points if found else (),
        error=error,
        weights_sha256=found.weights_sha256 if found else None,
    )


def _watch_alone(cell: Cell, data_root: Path) -> Watched:
    """What came of a run in a new process, whose start is where its cold clock begins."""
    with spawned_processes(1) as process:
        return process.submit(_watch, by_value(cell), data_root, time.monotonic()).result()


def _watch(cell: Cell, data_root: Path, started: float) -> Watched:
    from bench.time_to_accuracy.watch import watch  # torch, on the cold clock

    return watch(cell, data_root, started)
