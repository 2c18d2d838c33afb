"""The record of a request: what was asked for, and how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from bench.cells.data import Dataset
from bench.cells.declaration import declare
from bench.cells.deviations import deviations
from bench.cells.named import class_names
from bench.cells.plan import Plan, Request
from bench.cells.settling import SETTLED_AT_MOST, UNTIL_SETTLED
from bench.cells.splits import pictures_at
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.store import digest
from bench.statistics.margin import MARGIN
from bench.statistics.sequential import SPENDING
from bench.statistics.speed import MARGINS


def request_record(
    request: Request,
    planned: Plan,
    here: Environment,
    dataset: Dataset,
    keys: Sequence[str],
    ran: Mapping[str, int] | None = None,
    shown: Sequence[int] = (),
) -> kinds.Request:
    """What a report says about its run beside the results.

    Args:
        request: What was asked for.
        planned: What it is carried out as.
        here: Where.
        dataset: The data, as the first seed sees them.
        keys: Of all records that belong to the run.
        ran: By model, how many seeds a run until settled has taken; None before it begins.
        shown: Positions of the test pictures that the report shows.
    """
    cells = planned.first_cells
    pictures = _pictures(dataset, shown)
    labels = dataset.labels[dataset.test].tolist()
    return kinds.Request(
        key=digest({"keys": list(keys)}),
        models=request.models,
        dataset=dataset.name,
        dataset_sizes=(len(dataset.train), len(dataset.validation), len(dataset.test)),
        dataset_sha256=dataset.checksum,
        recipe=planned.recipe.name,
        seeds=request.seeds[: max(ran.values())] if ran else request.seeds,
        devices=request.devices,
        ran=planned.models,
        baseline=planned.baseline,
        left_out=planned.left_out,
        command=request.command or command(request),
        documents={model: cell.spec.document.id for model, cell in cells.items()},
        recipes={model: cell.recipe for model, cell in cells.items()},
        deviations={model: deviations(cell) for model, cell in cells.items()},
        test_pictures=pictures,
        test_labels=None if pictures is None else _in_short(labels),
        environment=here,
        keys=tuple(keys),
        margin=request.margin,
        speed_margins=kinds.SpeedMargins(**asdict(MARGINS)),
        until_settled=kinds.UntilSettled(
            looks=request.looks, spending=SPENDING, ran=dict(ran or {})
        )
        if request.looks
        else None,
        declaration=declare(request, planned).key,
        settings=msgspec.to_builtins(planned.recipe.said),
        class_names=class_names(dataset),
    )


def _in_short(labels: list[int]) -> str | tuple[int, ...]:
    """A digit for each label, where all are digits."""
    return "".join(map(str, labels)) if max(labels, default=0) < 10 else tuple(labels)


def _pictures(dataset: Dataset, shown: Sequence[int]) -> kinds.Pictures | None:
    if isinstance(dataset.samples, np.ndarray) and dataset.samples.ndim == 2:  # rows of a table
        return None
    pixels, labels = pictures_at(dataset, shown)
    return kinds.Pictures(
        side=pixels.shape[1],
        pixels=pixels.tobytes(),
        labels=tuple(labels.tolist()),
        positions=tuple(shown),
    )


def command(request: Request) -> str:
    """The command line that makes this run; options at their defaults are left out."""
    options = {
        "--models": ",".join(request.models),
        "--zoo": request.zoo,
        "--dataset": request.dataset,
        "--recipe": request.recipe,
        "--seeds": UNTIL_SETTLED if request.looks else _seeds_text(request.seeds),
        "--max-seeds": next((n for n in request.looks[-1:] if n != SETTLED_AT_MOST), None),
        "--devices": ",".join(request.devices),
        "--epochs": request.epochs,
        "--cell-timeout": None if request.cell_timeout is None else f"{request.cell_timeout:g}",
        "--rounds": request.rounds,
        "--engine": None if request.engine == "sequential" else request.engine,
        "--baseline": request.baseline,
        "--margin": None if request.margin == MARGIN else f"{100 * request.margin:g}pp",
        "--name": request.name,
        "--reports": None if request.reports == Path("reports") else request.reports,
    }
    words = [
        f"{option} {shlex.quote(str(value))}"
        for option, value in options.items()
        if value is not None
    ]
    words += [f"--set {shlex.quote(text)}" for text in request.settings]
    return " ".join(["python -m bench.compare", *words])


def _seeds_text(seeds: tuple[int, ...]) -> str:
    if seeds == tuple(range(1, len(seeds) + 1)):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")
