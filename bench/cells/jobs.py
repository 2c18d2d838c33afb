"""Cells as jobs that any process can run, here or in a worker, and their records."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import zoo
from bench.cells.data import Dataset, Datasets
from bench.cells.outcomes import EndedError, status_of
from bench.cells.plan import Cell
from bench.cells.splits import Split, StoredSplit, open_stored, store, view, with_permuted_pixels
from bench.cells.weights import part_of, save_weights
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.store import digest
from bench.records.wrong_answers import WrongAnswers
from zoo import ModelSpec

if TYPE_CHECKING:
    from bench.cells.train import Trained


Made = TypeVar("Made")
_answered: set[str] = set()  # networks whose answers this process has checked


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """A cell with the key of its record, for which nothing has to be stored.

    Attributes:
        cell: What to train.
        key: Key of the record that it makes.
        work: As of a `Job`.
        train_samples: How many samples it is trained on in an epoch.
    """

    cell: Cell
    key: str
    work: str
    train_samples: int


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
    stored = _with_views(cells, datasets, lambda split: store(split, splits))
    return [_make_job(cell, split, code, environment, weights) for cell, split, code in stored]


def keyed(cells: Iterable[Cell], datasets: Datasets, environment: Environment) -> list[Keyed]:
    """Cells with the keys that `make_jobs` would give them."""
    found = []
    sized = _with_views(cells, datasets, lambda split: (split.checksum, split.sizes[0]))
    for cell, (data_sha256, train_samples), code in sized:
        content = key_content(cell, data_sha256, code, environment)
        work = work_digest(cell, content)
        found.append(Keyed(cell=cell, key=digest(content), work=work, train_samples=train_samples))
    return found


def _with_views(
    cells: Iterable[Cell], datasets: Datasets, make: Callable[[Split], Made]
) -> Iterator[tuple[Cell, Made, str]]:
    """Each cell with what is made of its view of the data, and with its training code's digest.

    Of equal views it is made once, so that networks and rates share theirs.
    """
    made: dict[object, Made] = {}
    code_of = cache(training_code)  # a tenth of a second, and the same for all seeds
    for cell in cells:
        dataset = datasets.get(cell.dataset, cell.seed)
        kept = (cell.recipe.holds_out_validation, cell.recipe.samples_per_class, cell.permuted)
        what = (dataset.checksum, cell.spec.input_shape, cell.spec.classes, *kept)
        if what not in made:
            made[what] = make(_view(dataset, cell))
        yield cell, made[what], code_of(cell.spec, together=cell.together is not None)


def _view(dataset: Dataset, cell: Cell) -> Split:
    split = view(dataset, cell.spec, cell.recipe)
    return with_permuted_pixels(split) if cell.permuted else split


def _require_samples(dataset: Dataset, spec: ModelSpec) -> None:
    """Checks that there is something to train and to test on, as a pictures folder may not have."""
    for part, positions, least in (("training", dataset.train, 1), ("test", dataset.test, 2)):
        found = int((dataset.labels[positions] < spec.classes).sum())
        if found < least:
            raise RequestError(
                f"{dataset.name} has {found or 'no'} {part} samples of the classes 0 to "
                f"{spec.classes - 1} that '{spec.name}' tells apart, and {least} is the least; add "
                "some or leave the model out"
            )


def _make_job(
    cell: Cell, split: StoredSplit, code: str, environment: Environment, weights: Path | None
) -> Job:
    content = key_content(cell, split.checksum, code, environment)
    # The weights of a heavy network may be more than a gigabyte.
    kept = None if weights is None or cell.is_heavy else weights / weights_name(cell)
    return Job(
        cell=cell,
        split=split,
        code=code,
        key=digest(content),
        work=work_digest(cell, content),
        weights=kept,
    )


def run_name(cell: Cell | kinds.Train) -> str:
    """A run among those of its report, for files: not every system has a `:` in their names."""
    return f"{cell.model.replace(':', '-')}-{cell.device}-{cell.seed}"


def weights_name(cell: Cell | kinds.Train) -> str:
    """The file of a cell's trained weights."""
    return f"{run_name(cell)}.safetensors"


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
        "recipe": cell.recipe.settings,
        "data": data_sha256,
        "code": code,
        "environment": environment.decisive(cell.device),
    }


def work_digest(cell: Cell, content: Mapping[str, object]) -> str:
    """A digest that is equal for cells which differ in nothing but their model's name.

    Args:
        cell: What is trained.
        content: Of its key.
    """
    return digest({**content, "cell": {**cell.identity, "model": None}})


def training_code(spec: ModelSpec, *, together: bool = False) -> str:
    """Digest of the code that trains a network: of the training itself and of what builds it.

    Args:
        spec: The network.
        together: Whether several seeds are trained at once.

    Raises:
        UnreadableCodeError: What builds it cannot be read.
    """
    if together:
        from bench.cells.batched import train_together

        return code_sha256(train_together, Split, spec.build)
    from bench.cells.train import train  # torch, which a report of records does without

    return code_sha256(train, Split, spec.build)


def run_job(job: Job, side_by_side: int) -> kinds.Train:
    """The record of one cell, trained in this process; of its failure if it raised."""
    return run_unit([job], side_by_side)[0]


def run_unit(unit: Sequence[Job], side_by_side: int) -> list[kinds.Train]:
    """The records of jobs that are trained at once; of their failure if that raised."""
    try:
        _require_answers(unit[0].cell)
        trained = _train(unit)
        return [
            _record(job, side_by_side, status="ok", **_outcome(job, trained[job.cell.seed]))
            for job in unit
        ]
    except (Exception, SystemExit) as error:  # a network's `sys.exit` must not end the run
        return [failed_record(job, side_by_side, error) for job in unit]


def failed_record(job: Job, side_by_side: int, error: BaseException) -> kinds.Train:
    """The record of a cell that raised, or whose process has ended."""
    words = str(error) if isinstance(error, EndedError) else failure(error)
    return _record(job, side_by_side, status=status_of(error), error=words)


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
        together=cell.together,
        **outcome,
    )


def failure(error: BaseException) -> str:
    """What a record says of an exception: its type, its message in one line, its place."""
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{place}"


def _require_answers(cell: Cell) -> None:
    """Checks a network's answers before it is trained, once in a process.

    Raises:
        ExtensionError: They are not of the shape and type declared, or are others each time.
        Exception: Whatever the network raises.
    """
    # A heavy network is of the zoo itself, and building it another time takes a gigabyte.
    if cell.is_heavy or cell.spec.name in _answered:
        return
    try:
        zoo.require_answers(cell.spec)
    except zoo.ExtensionError as error:  # what the network raises is recorded as it is
        raise error.__cause__ or error from None
    _answered.add(cell.spec.name)


def _train(unit: Sequence[Job]) -> dict[int, Trained]:
    """What came of jobs that are trained at once, by seed."""
    job, cell = unit[0], unit[0].cell
    split = open_stored(job.split)
    if cell.together is None:
        from bench.cells.train import train

        trained = train(cell.spec, cell.recipe, split, seed=cell.seed, device=cell.device)
        return {cell.seed: trained}
    from bench.cells.batched import train_together

    seeds = cell.together
    all_of_them = train_together(cell.spec, cell.recipe, split, seeds=seeds, device=cell.device)
    return dict(zip(seeds, all_of_them, strict=True))


def _outcome(job: Job, trained: Trained) -> dict[str, Any]:
    """The fields of a record that come from training; the weights are saved."""
    part = part_of(job)
    if part is not None:
        save_weights(trained.weights, part, trained.weights_sha256)
    labels = open_stored(job.split).part("test")[1]
    wrong = (trained.predictions != labels).nonzero()[0]
    return {
        "test_accuracy": trained.test_accuracy,
        "test_accuracy_selected": trained.test_accuracy_selected,
        "validation_accuracy": trained.validation_accuracy,
        "updates": trained.updates,
        "diverged_at": trained.diverged_at,
        "train_seconds": trained.train_seconds,
        "weights_sha256": trained.weights_sha256,
        "misclassified": WrongAnswers(
            (int(index), int(trained.predictions[index])) for index in wrong
        ),
        "training_curve": trained.training_curve,
        "test_curve": trained.test_curve,
    }
