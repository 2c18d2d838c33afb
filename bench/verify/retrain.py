"""Verification: a run's cells trained again, and compared with their records.

What counts is exact: the digest of the weights, every wrong prediction, every accuracy, every
point of the loss curves. Times differ between any two runs and are not compared.

The recipe is the one that the records hold, so that a run can be verified after the common recipe
has changed. A record's key is a checksum over cell, recipe, data, training code and environment:
it is computed again from what the record says. Cells whose code, data or environment are not what
they were cannot be compared.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from itertools import chain, product, zip_longest
from pathlib import Path

import msgspec

from bench.cells import machine
from bench.cells.data import Datasets
from bench.cells.fitted import predictors
from bench.cells.jobs import Job, failed_record, key_content, make_jobs, run_job, training_code
from bench.cells.leftovers import sweep, temporary_folder
from bench.cells.parent import spawned_processes
from bench.cells.places import HERE, Place, at_a_time, run_jobs
from bench.cells.plan import RECIPES, Cell, resolve
from bench.cells.processes import by_value
from bench.cells.recorded import as_cell, spec_of, unknown
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.environment import Environment, differences
from bench.records.store import Store, digest, latest, of_kind
from bench.verify.mismatch import Mismatch
from bench.verify.recount import recounted, refitted

# In the order compared, before all else that a record holds: field, and what to call it.
_COMPARED = {
    "weights_sha256": "weights (SHA-256)",
    "misclassified": "predictions, wrong answer [test sample, class]",
    "test_accuracy": "test accuracy",
    "training_curve": "training loss [examples, loss], point",
    "test_curve": "test curve [epoch, examples, loss, accuracy, validation accuracy], point",
}
_NEVER_EQUAL = ("train_seconds", "jobs", "lost_workers", "worker")


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result of verifying a run.

    Attributes:
        cells: Cells of the run.
        retrained: How many of them were trained again.
        recounted: How many networks were counted again.
        refitted: How many reference predictors were fitted again.
        mismatches: One for each of them that differs, cells in the order of the run.
        obstacles: Why cells cannot be compared: what differs around them, a line each.
        notes: What a reader should know beside it.
    """

    cells: int
    retrained: int
    recounted: int
    refitted: int
    mismatches: tuple[Mismatch, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """A cell with its record."""

    cell: Cell
    record: kinds.Train


def verify(
    folder: Path,
    *,
    data_root: Path,
    cells: int | None = None,
    progress: Progress | None = None,
    place: Place = HERE,
) -> Verification:
    """The result of training cells of a report's latest run again.

    Training happens in processes spawned for this call: new interpreters, which share no memory,
    no random state and no loaded data with the caller or with what made the records. The data are
    read again, too. Nothing is written into the report's folder.

    Args:
        folder: The report's folder.
        data_root: The folder above `MNIST/raw`.
        cells: How many cells to train: the first in the run's order, which takes every model
            before the next seed. None trains all. Keys are checked for all cells either way.
        progress: Shows the training; None shows nothing.
        place: Where cells are trained; on a cluster, equal ones once.

    Raises:
        RequestError: There is no run, or its data cannot be read.
    """
    store = Store(folder)
    request = store.latest_request()
    recorded = latest(store.read(), request.keys)
    found = {str(record): record for record in of_kind(recorded.values(), kinds.Train)}
    order = cell_names(request)
    statuses = {name: _status(name, found.get(name), request) for name in order}
    mismatches = {name: item for name, item in statuses.items() if isinstance(item, Mismatch)}
    obstacles = chain.from_iterable(item for item in statuses.values() if isinstance(item, list))
    comparable = [item for item in statuses.values() if isinstance(item, _Recorded)]
    chosen = comparable[:cells]
    sweep()
    datasets = Datasets(data_root)
    with temporary_folder() as splits:
        jobs, other_data = _jobs(chosen, datasets, Path(splits))
        for mismatch in _retrain(jobs, progress or Progress(), place):
            mismatches[mismatch.cell] = mismatch
        fitted = predictors([job for job, _ in jobs.values()], datasets, machine.environment())
        refits = [*refitted(fitted, recorded)]
    counts = [
        *recounted({item.cell.model: item.cell.spec for item in comparable}.values(), recorded)
    ]
    return Verification(
        cells=len(order),
        retrained=len(jobs),
        recounted=len(counts),
        refitted=len(refits),
        mismatches=(
            *(mismatches[name] for name in order if name in mismatches),
            *(item for item in (*counts, *refits) if item is not None),
        ),
        obstacles=tuple(dict.fromkeys([*obstacles, *other_data])),
        notes=_changed_recipes(chosen),
    )


def cell_names(request: kinds.Request) -> list[str]:
    """The cells that a run has, seed by seed, named as their records are."""
    return [
        f"{model} seed {seed} {device}"
        for device, seed, model in product(request.devices, request.seeds, request.ran)
        if seed in request.seeds_of(model)
    ]


def _status(
    name: str, record: kinds.Train | None, request: kinds.Request
) -> Mismatch | _Recorded | list[str]:
    """A cell that can be compared, what is wrong with its record, or why it cannot be compared."""
    if record is None:
        return Mismatch(cell=name, what="record", recorded="none", now="listed by the request")
    elsewhere = environment_differences(request.environment, record.device)
    if elsewhere:
        return elsewhere
    spec = spec_of(record)
    if spec is None:
        return [unknown(record)]
    # A record holds how many epochs were trained, not whether the request asked for them.
    cells = [as_cell(record, request, epochs=epochs) for epochs in (None, record.epochs)]
    keys = {
        digest(key_content(cell, record.data_sha256, record.code_sha256, request.environment)): cell
        for cell in cells
    }
    if record.key not in keys:
        what = "key, made of the cell, its recipe, its data, the code and the environment"
        return Mismatch(cell=name, what=what, recorded=record.key, now=" or ".join(keys))
    if record.code_sha256 != training_code(spec, together=record.together is not None):
        return [
            f"training code: what trains or builds {record.model} is not what it was at commit "
            f"{request.environment.commit} (now {machine.environment().commit})"
        ]
    return _Recorded(cell=keys[record.key], record=record)


def environment_differences(then: Environment, device: str) -> list[str]:
    """What differs of all that can change the bits of a result on a device, a line each."""
    here = machine.environment()
    return [
        f"{name}: {before} recorded, {now} now"
        for name, (before, now) in differences(then.decisive(device), here.decisive(device)).items()
    ]


def _jobs(
    chosen: Sequence[_Recorded], datasets: Datasets, place: Path
) -> tuple[dict[str, tuple[Job, kinds.Train]], list[str]]:
    """By key the cells as jobs, and a line for each view of the data that is not what it was."""
    made = make_jobs(
        [item.cell for item in chosen],
        datasets,
        splits=place,
        environment=machine.environment(),
        weights=None,
    )
    jobs, other = {}, []
    for job, item in zip(made, chosen, strict=True):
        if job.split.checksum == item.record.data_sha256:
            jobs[job.key] = (job, item.record)
        else:
            other.append(
                f"data: what {item.cell.model} sees of {item.cell.dataset} has SHA-256 "
                f"{item.record.data_sha256} in the record, {job.split.checksum} now"
            )
    return jobs, other


def _retrain(
    jobs: Mapping[str, tuple[Job, kinds.Train]], progress: Progress, place: Place
) -> Iterator[Mismatch]:
    """Trains the jobs; yields what differs from their records."""
    if not jobs:
        return
    at_once = place.at_once(machine.cores())
    progress.training([job.cell for job, _ in jobs.values()], len(jobs), at_once)
    for device in dict.fromkeys(job.cell.device for job, _ in jobs.values()):
        ours = [job for job, _ in jobs.values() if job.cell.device == device]
        trained = _spawned(ours, device) if place is HERE else run_jobs(ours, 1, place=place)
        for job, now in trained:
            progress.trained(now)
            if (mismatch := first_mismatch(jobs[job.key][1], now)) is not None:
                yield mismatch


def _spawned(ours: Sequence[Job], device: str) -> Iterator[tuple[Job, kinds.Train]]:
    """Each job with its record now, as many CPU cells at a time as there are cores."""
    side_by_side = min(at_a_time(device, machine.cores()), len(ours))
    with spawned_processes(side_by_side) as processes:
        running = {
            processes.submit(by_value(partial(run_job, job, side_by_side))): job for job in ours
        }
        try:
            for done in as_completed(running):
                job = running[done]
                lost = done.exception()  # a job records what it raises: its process has died
                yield job, failed_record(job, side_by_side, lost) if lost else done.result()
        except BaseException:  # Ctrl-C: nobody waits for the cells that are still training
            for child in multiprocessing.active_children():
                child.kill()
            raise


def first_mismatch(recorded: kinds.Train, now: kinds.Train) -> Mismatch | None:
    """The first thing in which two records of a cell differ, or None; times do not count."""
    name = str(recorded)
    if recorded.status != now.status:
        outcomes = [f"{r.status}: {r.error}" if r.error else r.status for r in (recorded, now)]
        return Mismatch(cell=name, what="outcome", recorded=outcomes[0], now=outcomes[1])
    ours, theirs = (
        msgspec.json.decode(msgspec.json.encode(record, enc_hook=lambda wrong: [*wrong.items()]))
        for record in (recorded, now)
    )
    for field in dict.fromkeys([*_COMPARED, *kinds.Train.__struct_fields__]):
        before, after = ours.get(field), theirs.get(field)
        if field in _NEVER_EQUAL or before == after:
            continue
        what = _COMPARED.get(field, field)
        if isinstance(before, list) and isinstance(after, list):
            pairs = enumerate(zip_longest(before, after, fillvalue="nothing"), start=1)
            number, (before, after) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
            what = f"{what} {number}"
        return Mismatch(cell=name, what=what, recorded=before, now=after)
    return None


def _changed_recipes(chosen: Sequence[_Recorded]) -> tuple[str, ...]:
    """A line for each model whose recipe is another one by now."""
    lines = {}
    for cell in (item.cell for item in chosen if item.cell.recipe_name in RECIPES):
        today = resolve(cell.spec, cell.recipe_name, cell.dataset, cell.recipe.epochs)
        if today != cell.recipe:
            lines[cell.model] = (
                f"the {cell.recipe_name} recipe of {cell.model} has changed since; trained with "
                f"the recorded one: {cell.recipe}"
            )
    return tuple(lines.values())
