"""Verification: a run's cells trained anew, and what they come to compared with their records.

What counts is exact: the digest of the weights, every wrong prediction, every accuracy, every
point of the loss curves. Times differ between any two runs and are not compared.

The recipe is the one that the records hold, fully resolved, so that a run can be verified after
the common recipe has changed. A record's key is a digest of cell, recipe, data, training code and
environment, which makes it a seal: computed again from what the record says, it must come out the
same. Whether the code of today is the code of then is another question: then nothing compares.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import chain, product, repeat, zip_longest
from pathlib import Path
from typing import Any

from joblib import cpu_count

import zoo
from bench.cells.data import Dataset, load
from bench.cells.jobs import Job, cell_key, failure, run_job, training_code
from bench.cells.plan import Cell, resolve
from bench.cells.splits import StoredSplit, store, view
from bench.cli.progress import Progress
from bench.records import environment
from bench.records.environment import Environment
from bench.records.errors import require_one
from bench.records.store import Store, as_stored
from bench.results.runs import latest_request
from zoo import Normalisation, Recipe
from zoo.spec import Optimiser

# In the order compared, before all else that a record holds: field, and what to call it.
_COMPARED = {
    "status": "outcome",
    "weights_sha256": "weights (SHA-256)",
    "misclassified": "predictions, wrong answer [test sample, class]",
    "test_accuracy": "test accuracy",
    "training_curve": "training loss [examples, loss], point",
    "test_curve": "test curve [epoch, examples, loss, accuracy, validation accuracy], point",
}
_NEVER_EQUAL = ("train_seconds", "jobs")


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """The first thing in which a cell's record and the cell as trained now differ."""

    cell: str
    what: str
    recorded: object
    now: object

    def __str__(self) -> str:
        return f"{self.cell}: {self.what}: recorded {self.recorded}, now {self.now}"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What verifying a run has come to.

    Attributes:
        cells: Cells of the run.
        retrained: How many of them were trained anew.
        mismatches: One for each cell that differs, in the order of the run.
        obstacles: Why cells cannot be compared: what differs around them, a line each.
        notes: What a reader should know beside it.
    """

    cells: int
    retrained: int
    mismatches: tuple[Mismatch, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """A cell as the run's request lists it, and the fields of its record; none if it has none."""

    key: str
    model: str
    seed: int
    device: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed} {self.device}"


def verify(
    folder: Path, *, data_root: Path, cells: int | None = None, progress: Progress | None = None
) -> Verification:
    """What comes of training cells of a report's latest run anew, against their records.

    Training happens in processes spawned for this call: new interpreters, which share no memory,
    no random state and no loaded data with the caller or with what made the records. The data are
    read anew, too. Nothing is written into the report's folder.

    Args:
        folder: The report's folder.
        data_root: The folder above `MNIST/raw`.
        cells: How many cells to train: the first in the run's order, which takes every model
            before the next seed. None trains all. Keys are checked for all cells either way.
        progress: Shows the training; None shows nothing.

    Raises:
        RequestError: There is no run, or its data cannot be read.
    """
    require_one("--cells", cells)
    records = Store(folder)
    request = latest_request(records).fields
    listed = _listed(request, records)
    mismatches = [found for cell in listed if (found := _misplaced(cell, request)) is not None]
    misplaced = {mismatch.cell for mismatch in mismatches}
    then, here = environment.recorded(request["environment"]), environment.current()
    obstacles = list(_differences(then, here, request["devices"]))
    comparable = [
        cell
        for cell in listed
        if str(cell) not in misplaced and not _differences(then, here, [cell.device])
    ]
    if comparable and not any("code_sha256" in cell.fields for cell in comparable):
        obstacles.append(
            "training code: the records are of a version that did not say which code trained them"
        )
        comparable = []
    broken = _broken_keys(comparable, request, then)
    mismatches += broken.values()
    comparable = [cell for cell in comparable if str(cell) not in broken]
    code = {cell.model: training_code(zoo.get(cell.model)) for cell in comparable}
    changed = [cell for cell in comparable if cell.fields["code_sha256"] != code[cell.model]]
    if changed:
        obstacles.append(
            "training code: what trains or builds "
            f"{', '.join(dict.fromkeys(cell.model for cell in changed))} is not what it was at "
            f"commit {then.commit} (now {here.commit})"
        )
    comparable = [cell for cell in comparable if cell not in changed]
    chosen = comparable[:cells]
    with tempfile.TemporaryDirectory() as place:
        jobs, other_data = _jobs(chosen, request, data_root, Path(place))
        mismatches += _retrain(jobs, progress or Progress())
    order = [str(cell) for cell in listed]
    return Verification(
        cells=len(listed),
        retrained=len(jobs),
        mismatches=tuple(sorted(mismatches, key=lambda mismatch: order.index(mismatch.cell))),
        obstacles=(*obstacles, *other_data),
        notes=_changed_recipes(chosen, request),
    )


def first_mismatch(
    cell: str, recorded: Mapping[str, Any], now: Mapping[str, Any]
) -> Mismatch | None:
    """The first thing in which the fields of two records of a cell differ, or None.

    Fields that only one of the two knows belong to another version of the suite and do not count,
    except those that every record holds.
    """
    if recorded["status"] != now["status"]:
        outcomes = (
            "ok" if fields["status"] == "ok" else f"{fields['status']}: {fields.get('error')}"
            for fields in (recorded, now)
        )
        return Mismatch(cell=cell, what="outcome", recorded=next(outcomes), now=next(outcomes))
    needed = [name for name in _COMPARED if name in now]
    for name in dict.fromkeys([*needed, *(name for name in recorded if name in now)]):
        ours, theirs = recorded.get(name), now[name]
        if name in _NEVER_EQUAL or ours == theirs:
            continue
        what = _COMPARED.get(name, name)
        if isinstance(ours, list) and isinstance(theirs, list):
            pairs = enumerate(zip_longest(ours, theirs, fillvalue="nothing"), start=1)
            number, (ours, theirs) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
            what = f"{what} {number}"
        return Mismatch(cell=cell, what=what, recorded=ours, now=theirs)
    return None


def recorded_recipe(fields: Mapping[str, Any]) -> Recipe:
    """The recipe that a record's fields spell out."""
    normalisation, samples = fields["normalisation"], fields["samples_per_class"]
    values: dict[str, Any] = {
        **fields,
        "normalisation": Normalisation(
            mean=tuple(normalisation["mean"]), std=tuple(normalisation["std"])
        ),
        "optimiser": Optimiser(**fields["optimiser"]),
        "samples_per_class": None if samples is None else tuple(samples),
    }
    return Recipe(**values)


def _listed(request: Mapping[str, Any], records: Store) -> list[_Cell]:
    """The run's cells: a request's keys begin with theirs, by device, then seed, then model."""
    trained = {
        key: record.fields
        for key, record in records.latest(request["keys"]).items()
        if record.kind == "train"
    }
    order = product(request["devices"], request["seeds"], request["ran"])
    return [
        _Cell(key=key, model=model, seed=seed, device=device, fields=trained.get(key, {}))
        for (device, seed, model), key in zip(
            order, chain(request["keys"], repeat("")), strict=False
        )
    ]


def _misplaced(cell: _Cell, request: Mapping[str, Any]) -> Mismatch | None:
    """Where a record names another cell than the one that the request lists under its key."""
    if not cell.fields:
        return Mismatch(cell=str(cell), what="record", recorded="none", now="listed by the request")
    expected = {
        "model": cell.model,
        "seed": cell.seed,
        "device": cell.device,
        "recipe": request["recipe"],
    }
    for name, value in expected.items():
        if cell.fields.get(name) != value:
            what = f"{name}, against the request's list of cells"
            return Mismatch(cell=str(cell), what=what, recorded=cell.fields.get(name), now=value)
    return None


def _differences(then: Environment, here: Environment, devices: Sequence[str]) -> tuple[str, ...]:
    """What differs of all that can change the bits of a result on the devices, a line each."""
    found = [
        f"{name}: {before} recorded, {now} now"
        for device in devices
        for name, (before, now) in environment.differences(
            then.decisive(device), here.decisive(device)
        ).items()
    ]
    return tuple(dict.fromkeys(found))


def _broken_keys(
    cells: Sequence[_Cell], request: Mapping[str, Any], then: Environment
) -> dict[str, Mismatch]:
    """By cell, the records whose key is not that of what they say."""
    broken = {}
    for cell in cells:
        # A record holds how many epochs were trained, not whether the request asked for them.
        fitting = [
            cell_key(
                Cell(
                    model=cell.model,
                    dataset=cell.fields["dataset"],
                    recipe=cell.fields["recipe"],
                    seed=cell.seed,
                    device=cell.device,
                    epochs=epochs,
                ),
                request["recipes"][cell.model],
                data_sha256=cell.fields["data_sha256"],
                code=cell.fields.get("code_sha256", ""),
                environment=then,
            )
            for epochs in (None, cell.fields["epochs"])
        ]
        if cell.key not in fitting:
            what = "key, made of the cell, its recipe, its data, the code and the environment"
            broken[str(cell)] = Mismatch(
                cell=str(cell), what=what, recorded=cell.key, now=" or ".join(fitting)
            )
    return broken


def _jobs(
    cells: Sequence[_Cell], request: Mapping[str, Any], data_root: Path, place: Path
) -> tuple[dict[str, tuple[_Cell, Job]], tuple[str, ...]]:
    """The cells as jobs, and a line for each view of the data that is not what it was."""
    datasets: dict[tuple[str, int], Dataset] = {}
    splits: dict[tuple[str, str], StoredSplit] = {}
    jobs: dict[str, tuple[_Cell, Job]] = {}
    other: dict[str, None] = {}
    for cell in cells:
        name, recipe = cell.fields["dataset"], recorded_recipe(request["recipes"][cell.model])
        drawn = (name, cell.seed if name == "sums" else 0)  # only `sums` is drawn anew per seed
        if drawn not in datasets:
            datasets[drawn] = load(name, data_root=data_root, seed=drawn[1])
        where = (cell.model, datasets[drawn].checksum)
        if where not in splits:
            splits[where] = store(view(datasets[drawn], zoo.get(cell.model), recipe), place)
        split, recorded = splits[where], cell.fields["data_sha256"]
        if split.checksum != recorded:
            other[
                f"data: what {cell.model} sees of {name} has SHA-256 {recorded} in the record, "
                f"{split.checksum} now"
            ] = None
            continue
        trained = Cell(
            model=cell.model,
            dataset=name,
            recipe=request["recipe"],
            seed=cell.seed,
            device=cell.device,
        )
        spec = zoo.get(cell.model)
        job = Job(
            cell=trained,
            spec=spec,
            recipe=recipe,
            split=split,
            code=training_code(spec),
            key=cell.key,
            weights=None,
        )
        jobs[cell.key] = (cell, job)
    return jobs, tuple(other)


def _retrain(jobs: Mapping[str, tuple[_Cell, Job]], progress: Progress) -> Iterator[Mismatch]:
    """Trains the jobs, as many CPU cells at a time as there are cores; yields what differs."""
    if not jobs:
        return
    progress.training([str(cell) for cell, _ in jobs.values()], len(jobs), cpu_count())
    for device in dict.fromkeys(cell.device for cell, _ in jobs.values()):
        ours = [job for cell, job in jobs.values() if cell.device == device]
        side_by_side = min(cpu_count(), len(ours)) if device == "cpu" else 1
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(side_by_side, mp_context=spawning) as processes:
            running = {processes.submit(run_job, job, side_by_side): job for job in ours}
            for done in as_completed(running):
                cell, _ = jobs[running[done].key]
                lost = done.exception()  # a job records what it raises: its process has died
                if lost is not None:
                    now: dict[str, Any] = failure(RuntimeError(f"its process died: {lost}"))
                else:
                    now = as_stored(done.result()[1])
                progress.trained(str(cell), now)
                if (mismatch := first_mismatch(str(cell), cell.fields, now)) is not None:
                    yield mismatch


def _changed_recipes(cells: Sequence[_Cell], request: Mapping[str, Any]) -> tuple[str, ...]:
    """A line for each model whose recipe is another one by now."""
    lines = {}
    for cell in cells:
        recipe = recorded_recipe(request["recipes"][cell.model])
        today = Cell(
            model=cell.model,
            dataset=cell.fields["dataset"],
            recipe=request["recipe"],
            seed=cell.seed,
            device=cell.device,
            epochs=recipe.epochs,
        )
        if resolve(today) != recipe:
            lines[cell.model] = (
                f"the {request['recipe']} recipe of {cell.model} has changed since; trained with "
                f"the recorded one: {recipe}"
            )
    return tuple(lines.values())
