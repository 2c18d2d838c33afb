"""Cells as jobs that any process can run, here or in a worker, and their records."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.cells.data import Dataset, Datasets
from bench.cells.plan import Cell
from bench.cells.splits import Split, StoredSplit, open_stored, store, view, with_permuted_pixels
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.store import digest
from zoo import ModelSpec

DIGEST = "weights_sha256"  # in a weights file's metadata, as in the cell's record


@dataclass(frozen=True, kw_only=True)
class Job:
    """A cell with all that it needs, small enough to send to a worker.

    Attributes:
        cell: What to train.
        split: Where the data lie.
        code: Digest of the code that trains it, from `training_code`.
        key: Key of the record that it makes.
        work: Equal for jobs that differ in nothing but their model's name.
        weights: Where to save the trained weights; None saves none.
    """

    cell: Cell
    split: StoredSplit
    code: str
    key: str
    work: str
    weights: Path | None


def make_jobs(
    cells: Iterable[Cell],
    datasets: Datasets,
    *,
    splits: Path,
    environment: Environment,
    weights: Path | None,
) -> list[Job]:
    """Cells made ready to run here; what their networks see of the data is stored.

    Args:
        cells: What to train.
        datasets: Where their data are read.
        splits: The folder for stored views of the data; nothing is written before all are made.
        environment: Where they are trained.
        weights: The folder for trained weights; None saves none, heavy networks save none.

    Raises:
        RequestError: A data set cannot be read, or has no samples for a network.
    """
    cells = tuple(cells)
    for cell in cells:
        _require_samples(datasets.get(cell.dataset, cell.seed), cell.spec)
    stored: dict[object, StoredSplit] = {}
    jobs = []
    for cell in cells:
        dataset = datasets.get(cell.dataset, cell.seed)
        # All that a view of the data depends on, so that networks and rates share theirs.
        kept = (cell.recipe.holds_out_validation, cell.recipe.samples_per_class, cell.permuted)
        what = (dataset.checksum, cell.spec.input_shape, cell.spec.classes, *kept)
        if what not in stored:
            stored[what] = store(_view(dataset, cell), splits)
        jobs.append(_make_job(cell, stored[what], environment, weights))
    return jobs


def cell_key(cell: Cell, datasets: Datasets, environment: Environment) -> str:
    """The key of a cell's record, for which nothing has to be stored."""
    split = _view(datasets.get(cell.dataset, cell.seed), cell)
    return digest(key_content(cell, split.checksum, training_code(cell.spec), environment))


def _view(dataset: Dataset, cell: Cell) -> Split:
    split = view(dataset, cell.spec, cell.recipe)
    return with_permuted_pixels(split) if cell.permuted else split


def _require_samples(dataset: Dataset, spec: ModelSpec) -> None:
    """Checks that there is something to train and to test on, as a pictures folder may not have."""
    for part, positions in (("training", dataset.train), ("test", dataset.test)):
        if not (dataset.labels[positions] < spec.classes).any():
            raise RequestError(
                f"{dataset.name} has no {part} samples of the classes 0 to {spec.classes - 1} that "
                f"'{spec.name}' tells apart; add some or leave the model out"
            )


def _make_job(
    cell: Cell, split: StoredSplit, environment: Environment, weights: Path | None
) -> Job:
    code = training_code(cell.spec)
    content = key_content(cell, split.checksum, code, environment)
    anonymous = {**content, "cell": {**cell.identity, "model": None}}
    # The weights of a heavy network may be more than a gigabyte.
    kept = None if weights is None or cell.is_heavy else weights / weights_name(cell)
    return Job(
        cell=cell,
        split=split,
        code=code,
        key=digest(content),
        work=digest(anonymous),
        weights=kept,
    )


def weights_name(cell: Cell) -> str:
    """The file of a cell's trained weights."""
    return f"{cell.model}-{cell.device}-{cell.seed}.safetensors"


def key_content(
    cell: Cell, data_sha256: str, code: str, environment: Environment
) -> dict[str, object]:
    """What the key of a cell's record is a digest of: all that can change what is trained.

    Args:
        cell: What is trained.
        data_sha256: Checksum of the network's view of the data.
        code: Digest of the code that trains it.
        environment: Where it is trained.
    """
    return {
        "cell": cell.identity,
        "recipe": asdict(cell.recipe),
        "data": data_sha256,
        "code": code,
        "environment": environment.decisive(cell.device),
    }


def training_code(spec: ModelSpec) -> str:
    """Digest of the code that trains a network: of the training itself and of what builds it.

    Raises:
        UnreadableCodeError: What builds it cannot be read.
    """
    from bench.cells.train import train  # torch, which a report of records does without

    return code_sha256(train, Split, spec.build)


def at_a_time(device: str, jobs: int) -> int:
    """How many cells to train side by side on a device, where `jobs` are asked for.

    Cells on a GPU share it already; side by side they would only share its memory, too.
    """
    return jobs if device == "cpu" else 1


def run_jobs(jobs: Sequence[Job], side_by_side: int) -> Iterator[tuple[Job, kinds.Train]]:
    """Each job with its record, as they finish; jobs of equal work are trained once.

    Args:
        jobs: What to run.
        side_by_side: How many at a time; one stays in this process.
    """
    twins: dict[str, list[Job]] = {}
    for job in jobs:
        twins.setdefault(job.work, []).append(job)
    for record in _run_all([same[0] for same in twins.values()], side_by_side):
        first, *others = next(same for same in twins.values() if same[0].key == record.key)
        yield first, record
        for twin in others:
            yield twin, _as_twin(twin, first, record)


def _as_twin(twin: Job, trained: Job, record: kinds.Train) -> kinds.Train:
    """The record of a job whose network another job has trained; the weights are copied."""
    if record.status == "ok" and twin.weights is not None and trained.weights is not None:
        shutil.copyfile(trained.weights, twin.weights)
    return msgspec.structs.replace(record, key=twin.key, model=twin.cell.model)


def _run_all(jobs: Sequence[Job], side_by_side: int) -> Iterator[kinds.Train]:
    from joblib import Parallel, delayed

    left = {job.key: job for job in jobs}
    parallel = Parallel(n_jobs=side_by_side, return_as="generator_unordered")
    try:
        for record in parallel(delayed(run_job)(job, side_by_side) for job in jobs):
            del left[record.key]
            yield record
    except Exception:
        # A worker died, usually out of memory, and broke the pool. Each job that is left gets a
        # worker of its own, so that only the one that is at fault fails.
        for job in left.values():
            yield _run_alone(job)


def _run_alone(job: Job) -> kinds.Train:
    from joblib import Parallel, delayed

    try:
        # Two workers for one job: with one, joblib would run it in this process.
        (record,) = Parallel(n_jobs=2)([delayed(run_job)(job, 1)])
    except Exception as error:
        return failed_record(job, 1, error)
    found: kinds.Train = record
    return found


def run_job(job: Job, side_by_side: int) -> kinds.Train:
    """The record of one cell, trained in this process; of its failure if it raised."""
    try:
        return _record(job, side_by_side, status="ok", **_trained(job))
    except Exception as error:
        return failed_record(job, side_by_side, error)


def failed_record(job: Job, side_by_side: int, error: BaseException) -> kinds.Train:
    """The record of a cell that raised, or whose process died."""
    return _record(job, side_by_side, status="failed", error=failure(error))


def _record(job: Job, side_by_side: int, **outcome: Any) -> kinds.Train:
    cell = job.cell
    return kinds.Train(
        key=job.key,
        model=cell.model,
        dataset=cell.dataset,
        recipe=cell.recipe_name,
        seed=cell.seed,
        device=cell.device,
        epochs=cell.recipe.epochs,
        jobs=side_by_side,
        classes=len(job.split.classes),
        train_samples=job.split.sizes[0],
        test_samples=job.split.sizes[2],
        test_checksum=job.split.test_checksum,
        data_sha256=job.split.checksum,
        code_sha256=job.code,
        **outcome,
    )


def failure(error: BaseException) -> str:
    """What a record says of an exception: its type, its message in one line, its place."""
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{place}"


def _trained(job: Job) -> dict[str, Any]:
    from safetensors.torch import save_file

    from bench.cells.train import train

    split = open_stored(job.split)
    cell = job.cell
    trained = train(cell.spec, cell.recipe, split, seed=cell.seed, device=cell.device)
    if job.weights is not None:
        job.weights.parent.mkdir(parents=True, exist_ok=True)
        save_file(trained.weights, job.weights, metadata={DIGEST: trained.weights_sha256})
    labels = split.part("test")[1]
    wrong = (trained.predictions != labels).nonzero()[0]
    return {
        "test_accuracy": trained.test_accuracy,
        "test_accuracy_selected": trained.test_accuracy_selected,
        "validation_accuracy": trained.validation_accuracy,
        "updates": trained.updates,
        "train_seconds": trained.train_seconds,
        "weights_sha256": trained.weights_sha256,
        "misclassified": tuple((int(index), int(trained.predictions[index])) for index in wrong),
        "training_curve": trained.training_curve,
        "test_curve": trained.test_curve,
    }
