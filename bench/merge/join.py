"""The records of reports made apart as those of one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import msgspec

from bench.cells.declaration import declaration_of
from bench.cells.plan import Request
from bench.cells.request import command
from bench.merge.sides import Side
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import digest, experiment_key, of_kind
from bench.results.answers import PICTURES_SHOWN, hardest


@dataclass(frozen=True, kw_only=True)
class Joined:
    """One run made of several.

    Attributes:
        records: In the order in which they are written: what was declared at first, what was
            found, what is declared now, the request.
        cells: How many cells it has, controls left out.
        timed: Whether speeds are among them.
        command: What makes the run again, and measures what is not among them.
    """

    records: tuple[kinds.Record, ...]
    cells: int
    timed: bool
    command: str


def join(sides: Sequence[Side], name: str, reports: Path) -> Joined:
    """One run of several that were asked the same but for seeds and networks.

    Speeds are taken from the first report, where all have the same networks. Else they are left
    out: what was not measured in the same rounds is not compared.

    Args:
        sides: The reports.
        name: Of the report that they become.
        reports: The folder that it lies in.

    Raises:
        RequestError: They contradict each other, or together lack a cell.
    """
    request = _request(sides, name, reports)
    cells = _cells(sides)
    _require_all(request, cells)
    timings = _timings(sides)
    others = [
        record
        for side in sides
        for record in side.found.values()
        if isinstance(record, kinds.Count | kinds.Reference)
    ]
    found = {record.key: record for record in (*cells.values(), *others, *timings)}
    declared = declaration_of(
        models=request.ran,
        baseline=request.baseline,
        margin=request.margin,
        devices=request.devices,
        seeds=request.seeds,
    )
    request = msgspec.structs.replace(
        request,
        key=digest({"keys": list(found)}),
        keys=tuple(found),
        declaration=declared.key,
        test_pictures=_pictures(sides, request, cells.values()),
    )
    before = {record.key: record for side in sides for record in side.declarations}
    before.pop(declared.key, None)
    return Joined(
        records=(*before.values(), *found.values(), declared, request, *_findings(sides, request)),
        cells=len(request.devices) * len(request.seeds) * len(request.ran),
        timed=bool(timings),
        command=request.command,
    )


def _request(sides: Sequence[Side], name: str, reports: Path) -> kinds.Request:
    """The request of all, its records still to be named."""
    first = sides[0].request
    ran = tuple(dict.fromkeys(model for side in sides for model in side.request.ran))
    seeds = tuple(sorted({seed for side in sides for seed in side.request.seeds}))
    left_out = {item.model: item for side in sides for item in side.request.left_out}
    options = sides[0].options
    asked = Request(
        models=ran,
        dataset=options.dataset,
        recipe=first.recipe,
        seeds=seeds,
        devices=first.devices,
        epochs=options.epochs,
        baseline=None if first.baseline == ran[0] else first.baseline,
        margin=first.margin,
        name=name,
        reports=reports,
        zoo=options.zoo,
    )
    return msgspec.structs.replace(
        first,
        models=ran,
        seeds=seeds,
        ran=ran,
        left_out=tuple(item for model, item in left_out.items() if model not in ran),
        command=command(asked),
        documents={k: v for side in sides for k, v in side.request.documents.items()},
        recipes={k: v for side in sides for k, v in side.request.recipes.items()},
        deviations={k: v for side in sides for k, v in side.request.deviations.items()},
    )


def _cells(sides: Sequence[Side]) -> dict[str, kinds.Train]:
    """By name, every cell that one of the reports has; where one failed, the other's counts.

    Raises:
        RequestError: Two of them have a cell with different outcomes.
    """
    found: dict[str, tuple[Side, kinds.Train]] = {}
    for side in sides:
        for cell in side.cells:
            known = found.get(str(cell))
            if known is not None and cell.status == known[1].status == "ok":
                _require_no_contradiction(*known, side, cell)
            elif known is None or cell.status == "ok":
                found[str(cell)] = side, _with_worker(cell, side, sides[0])
    return {name: cell for name, (_, cell) in found.items()}


def _require_no_contradiction(
    one: Side, first: kinds.Train, other: Side, second: kinds.Train
) -> None:
    if first.key != second.key:
        differing = [
            what
            for what, field in (("code", "code_sha256"), ("data", "data_sha256"))
            if getattr(first, field) != getattr(second, field)
        ]
        raise RequestError(
            f"{first} was trained otherwise in '{one.name}' than in '{other.name}' "
            f"({', '.join(differing) or 'recipe'} differ); make one of them again with --fresh"
        )
    if first.weights_sha256 != second.weights_sha256:
        raise RequestError(
            f"'{one.name}' and '{other.name}' contradict each other: {first} has the key "
            f"{first.key} in both, and weights of SHA-256 {first.weights_sha256} in the one and "
            f"{second.weights_sha256} in the other; bench.verify says which is right"
        )


def _with_worker(cell: kinds.Train, side: Side, first: Side) -> kinds.Train:
    """A cell with the machine that trained it, where that is not the first report's."""
    here = side.request.environment
    if cell.worker is not None or replace(here, commit=None) == replace(
        first.request.environment, commit=None
    ):
        return cell
    return msgspec.structs.replace(cell, worker=kinds.Worker(host=None, environment=here))


def _require_all(request: kinds.Request, cells: dict[str, kinds.Train]) -> None:
    """Checks that every network has every seed, as it has where one command made the report.

    Raises:
        RequestError: One lacks some.
    """
    missing = [
        f"{model} seed {seed} {device}"
        for device, seed, model in product(request.devices, request.seeds, request.ran)
        if f"{model} seed {seed} {device}" not in cells
    ]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise RequestError(
            f"none of the reports has {missing[0]}{more}; merged, every model has every seed: "
            "train what is missing in one of them first"
        )


def _timings(sides: Sequence[Side]) -> list[kinds.Timing]:
    """The first report's measurements of speed, where all reports have the same networks."""
    if len({frozenset(side.request.ran) for side in sides}) > 1:
        return []
    return of_kind(sides[0].found.values(), kinds.Timing)


def _pictures(
    sides: Sequence[Side], request: kinds.Request, cells: Iterable[kinds.Train]
) -> kinds.Pictures | None:
    """The test pictures that most networks misread, of those that the reports show."""
    shown: dict[int, tuple[bytes, int]] = {}
    for pictures in (side.request.test_pictures for side in sides):
        if pictures is None:
            return None
        size = pictures.side**2
        for place, position in enumerate(pictures.positions):
            pixels = pictures.pixels[place * size : (place + 1) * size]
            shown[position] = pixels, pictures.labels[place]
    found = hardest(cells, request.ran, request.dataset_sizes[2])
    chosen = [position for position in found if position in shown][:PICTURES_SHOWN]
    first = sides[0].request.test_pictures
    assert first is not None
    return kinds.Pictures(
        side=first.side,
        pixels=b"".join(shown[position][0] for position in chosen),
        labels=tuple(shown[position][1] for position in chosen),
        positions=tuple(chosen),
    )


def _findings(sides: Sequence[Side], request: kinds.Request) -> Iterator[kinds.Finding]:
    """What exact checks found of the networks, which is so in every run that has them."""
    found = {finding.claim: finding for side in sides for finding in side.findings}
    for claim, finding in found.items():
        key = experiment_key(kinds.FINDING, request.key, claim=claim)
        yield msgspec.structs.replace(finding, key=key, run=request.key)
