"""A cell as a job that any process can run, here or in a worker, and the fields of its record."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from safetensors.torch import save_file

from bench.cells.data import Split, StoredSplit, open_stored
from bench.cells.plan import Cell
from bench.cells.train import train
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.store import digest
from zoo import ModelSpec, Recipe

DIGEST = "weights_sha256"  # in a weights file's metadata, as in the cell's record


@dataclass(frozen=True, kw_only=True)
class Job:
    """A cell with all that it needs, small enough to send to a worker.

    Attributes:
        cell: What to train.
        spec: The network, which need not be registered in the process that trains it.
        recipe: The cell's recipe, every value filled in.
        split: Where the data lie.
        code: Digest of the code that trains it, from `training_code`.
        key: Key of the record that it makes.
        weights: Where to save the trained weights; None saves none.
    """

    cell: Cell
    spec: ModelSpec
    recipe: Recipe
    split: StoredSplit
    code: str
    key: str
    weights: Path | None


def make_job(
    cell: Cell,
    spec: ModelSpec,
    recipe: Recipe,
    split: StoredSplit,
    *,
    environment: Environment,
    weights: Path | None,
) -> Job:
    """The job that trains a cell here and now, under the key that its record will have."""
    code = training_code(spec)
    return Job(
        cell=cell,
        spec=spec,
        recipe=recipe,
        split=split,
        code=code,
        key=cell_key(
            cell,
            asdict(recipe),
            data_sha256=split.checksum,
            code=code,
            environment=environment,
        ),
        weights=weights,
    )


def cell_key(
    cell: Cell,
    recipe: Mapping[str, Any],
    *,
    data_sha256: str,
    code: str,
    environment: Environment,
) -> str:
    """Key of a cell's record, made of all that can change what is trained.

    Args:
        cell: What is trained.
        recipe: The fields of its resolved recipe.
        data_sha256: Checksum of the model's view of the data.
        code: Digest of the code that trains it.
        environment: Where it is trained.
    """
    return digest(
        {
            "cell": asdict(cell),
            "recipe": recipe,
            "data": data_sha256,
            "code": code,
            "environment": environment.decisive(cell.device),
        }
    )


def training_code(spec: ModelSpec) -> str:
    """Digest of the code that trains a network: of the training itself and of what builds it.

    Raises:
        UnreadableCodeError: What builds it cannot be read.
    """
    return code_sha256(train, Split, spec.build)


def at_a_time(device: str, jobs: int) -> int:
    """How many cells to train side by side on a device, where `jobs` are asked for.

    Cells on a GPU share it already; side by side they would only share its memory, too.
    """
    return jobs if device == "cpu" else 1


def run_jobs(jobs: Sequence[Job], side_by_side: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and record fields of each job, as they finish.

    Args:
        jobs: What to run.
        side_by_side: How many at a time; one stays in this process.
    """
    left = {job.key: job for job in jobs}
    parallel = Parallel(n_jobs=side_by_side, return_as="generator_unordered")
    try:
        for key, fields in parallel(delayed(run_job)(job, side_by_side) for job in jobs):
            del left[key]
            yield key, fields
    except Exception:
        # A worker was lost, for want of memory as a rule, and its pool with it. Each job that is
        # left gets a worker of its own, so that only the one that is at fault fails.
        for key, job in left.items():
            yield key, _run_alone(job)


def _run_alone(job: Job) -> dict[str, Any]:
    try:
        # Two workers for one job: with one, joblib would run it in this process.
        ((_, fields),) = Parallel(n_jobs=2)([delayed(run_job)(job, 1)])
    except Exception as error:
        return {**identity(job, 1), **failure(error)}
    found: dict[str, Any] = fields
    return found


def run_job(job: Job, side_by_side: int) -> tuple[str, dict[str, Any]]:
    """Trains one cell; its key and the fields of its record, of its failure if it raised."""
    try:
        return job.key, {**identity(job, side_by_side), **_trained(job)}
    except Exception as error:
        return job.key, {**identity(job, side_by_side), **failure(error)}


def identity(job: Job, side_by_side: int) -> dict[str, Any]:
    """What a record says of its cell whether it ran or failed."""
    return {
        **asdict(job.cell),
        "epochs": job.recipe.epochs,
        "jobs": side_by_side,
        "classes": len(job.split.classes),
        "train_samples": job.split.sizes[0],
        "test_samples": job.split.sizes[2],
        "test_checksum": job.split.test_checksum,
        "data_sha256": job.split.checksum,
        "code_sha256": job.code,
    }


def failure(error: Exception) -> dict[str, str]:
    """What a record says of an exception: its type, its message in one line, its place."""
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    message = " ".join(str(error).split())
    return {"status": "failed", "error": f"{type(error).__name__}: {message}{place}"}


def _trained(job: Job) -> dict[str, Any]:
    split = open_stored(job.split)
    cell = job.cell
    trained = train(job.spec, job.recipe, split, seed=cell.seed, device=cell.device)
    if job.weights is not None:
        job.weights.parent.mkdir(parents=True, exist_ok=True)
        save_file(trained.weights, job.weights, metadata={DIGEST: trained.weights_sha256})
    labels = split.part("test")[1]
    wrong = (trained.predictions != labels).nonzero()[0]
    return {
        "status": "ok",
        "test_accuracy": trained.test_accuracy,
        "test_accuracy_selected": trained.test_accuracy_selected,
        "validation_accuracy": trained.validation_accuracy,
        "epochs": trained.epochs,
        "updates": trained.updates,
        "train_seconds": trained.train_seconds,
        "weights_sha256": trained.weights_sha256,
        "misclassified": [[int(index), int(trained.predictions[index])] for index in wrong],
        "training_curve": [[p.examples_seen, p.loss] for p in trained.training_curve],
        "test_curve": [
            [p.epoch, p.examples_seen, p.loss, p.accuracy, p.validation_accuracy]
            for p in trained.test_curve
        ],
    }
