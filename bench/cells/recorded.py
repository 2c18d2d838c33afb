"""Runs as a report has recorded them: their cells, their networks, and their trained weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zoo
from bench.cells.jobs import weights_name
from bench.cells.own import add_networks
from bench.cells.plan import Cell
from bench.cells.weights import WeightsError, read_weights
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, find_folder, latest, of_kind
from bench.records.text import one_line
from zoo import ModelSpec, Recipe

if TYPE_CHECKING:
    from torch import nn

_CALLED = {"model": "network"}  # in messages


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedRun:
    """A training run of a report that went through, with the place of its weights.

    Attributes:
        spec: Its network.
        recipe: What it was trained by.
        record: What came of it.
        request: Of the report.
        weights: The file of its weights, which need not be there.
    """

    spec: ModelSpec
    recipe: Recipe
    record: kinds.Train
    request: kinds.Request
    weights: Path

    def __str__(self) -> str:
        return str(self.record)

    @property
    def _again(self) -> str:
        return f"to train it again: {self.request.command} --fresh"

    def network(self) -> nn.Module:
        """The trained network in eval mode, on the CPU.

        Raises:
            RequestError: The weights are not there, are not those of the record, or do not fit.
        """
        if not self.weights.exists():
            raise RequestError(
                f"no weights of {self}: '{self.weights}' is not there (the repository has no "
                f"weights, and heavy networks keep none); {self._again}"
            )
        try:
            weights = read_weights(self.weights, self.record.weights_sha256)
        except WeightsError as error:
            raise RequestError(
                f"'{self.weights}' does not hold the recorded weights of {self} ({error}); "
                f"{self._again}"
            ) from error
        import torch

        with torch.random.fork_rng(devices=[]):  # the first weights, which are replaced, are drawn
            network = self.spec.build()
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise RequestError(
                f"the weights of {self} do not fit the network that '{self.record.model}' is now "
                f"({one_line(error)[:200]}); {self._again}"
            ) from error
        return network.eval()


def find_run(
    report: str,
    model: str,
    *,
    seed: int | None,
    device: str | None,
    reports: Path,
    zoo: str | Path | None,
) -> RecordedRun:
    """A run of a report that is named as users name it; see `recorded_run`.

    Args:
        report: Its folder, or its name under `reports`.
        model: The network's name or alias.
        seed: See `recorded_run`.
        device: See `recorded_run`.
        reports: The folder that names are looked up in.
        zoo: A Python file, or a module by its name, with networks of the user's own; it is run.
    """
    add_networks(zoo)
    return recorded_run(find_folder(report, reports), model, seed=seed, device=device)


def recorded_run(
    folder: Path, model: str, *, seed: int | None = None, device: str | None = None
) -> RecordedRun:
    """A run of a report's latest request.

    Args:
        folder: The report's folder.
        model: The network's name or alias.
        seed: Of the run; None takes the first that went through.
        device: Where it was trained; None takes the first device that has such a run.

    Raises:
        RequestError: There is no such run, it failed or diverged, or its network is not known here.
    """
    store = Store(folder)
    records = store.read()
    request = store.latest_request(records)
    runs: Sequence[kinds.Train] = [
        run
        for run in of_kind(latest(records, request.keys).values(), kinds.Train)
        if run.model in request.ran  # and is no control
    ]
    wanted = {"model": _name(model), "device": device, "seed": seed}
    for field, value in wanted.items():
        runs = _having(field, value, runs, folder)
    good = [run for run in runs if run.outcome == "ok"]
    if not good:
        raise RequestError(f"{runs[0]} in '{folder}' {_trouble(runs[0])}; choose another run")
    run = min(good, key=lambda run: (request.devices.index(run.device), run.seed))
    spec = spec_of(run)
    if spec is None:
        raise RequestError(unknown(run))
    return RecordedRun(
        spec=spec,
        recipe=request.recipes[run.model],
        record=run,
        request=request,
        weights=folder / "weights" / weights_name(run),
    )


def _having(
    field: str, value: object, runs: Sequence[kinds.Train], folder: Path
) -> Sequence[kinds.Train]:
    """The runs with a value of a field; all where none is asked for."""
    valid = [*dict.fromkeys(getattr(run, field) for run in runs)]
    if value is None:
        return runs
    if value not in valid:
        raise RequestError(
            f"'{folder}' has no {_CALLED.get(field, field)} '{one_line(value)[:200]}'; it has: "
            f"{', '.join(map(str, valid)) or 'none'}"
        )
    return [run for run in runs if getattr(run, field) == value]


def _name(model: str) -> str:
    try:
        return zoo.get(model).name
    except zoo.UnknownModelError:
        return model  # of a file of the user's own, which may be missing here


def _trouble(run: kinds.Train) -> str:
    if run.outcome == "diverged":
        return f"diverged at step {run.diverged_at}, so that its weights are of no use"
    return f"did not go through: {run.error}"


def spec_of(record: kinds.Train) -> ModelSpec | None:
    """The network that a record is of; None where there is no such network here."""
    try:
        return zoo.with_classes(zoo.get(record.model), record.classes)
    except zoo.UnknownModelError:
        return None


def unknown(record: kinds.Train) -> str:
    """What to do about a network that is not here."""
    return (
        f"there is no network '{record.model}' here; if it is from a file of your own, give the "
        "file as well: --zoo FILE, or zoo=FILE in Python"
    )


def as_cell(record: kinds.Train, request: kinds.Request, *, epochs: int | None = None) -> Cell:
    """The cell that a record is of, with the recipe that was recorded.

    Args:
        record: Of the cell.
        request: Of its run.
        epochs: What the request asked for instead of the recipe's.

    Raises:
        zoo.UnknownModelError: There is no such network any more.
    """
    return Cell(
        spec=zoo.with_classes(zoo.get(record.model), record.classes),
        recipe=request.recipes[record.model],
        dataset=record.dataset,
        recipe_name=record.recipe,
        seed=record.seed,
        device=record.device,
        epochs=epochs,
        together=record.together,
    )
