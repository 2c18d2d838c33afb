"""Reports that may become one: the same request but for seeds or networks."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cli.options import request_parser
from bench.records import kinds
from bench.records.environment import differences
from bench.records.errors import RequestError
from bench.records.owner import COMPARE, owner_of
from bench.records.store import Store, latest, of_kind


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the reports.

    Attributes:
        name: As it was given.
        folder: Where it lies.
        request: What was asked for last.
        found: By key, in the request's order, the records of that run.
        declarations: What was declared, first to last.
        findings: What exact checks found of its networks.
    """

    name: str
    folder: Path
    request: kinds.Request
    found: dict[str, kinds.Record]
    declarations: tuple[kinds.Declaration, ...]
    findings: tuple[kinds.Finding, ...]

    @property
    def options(self) -> argparse.Namespace:
        """The options of its command line."""
        words = shlex.split(self.request.command)[3:]
        options: argparse.Namespace = request_parser("bench.compare", None).parse_args(words)
        return options

    @property
    def cells(self) -> list[kinds.Train]:
        """Its cells, those of controls with them."""
        return of_kind(self.found.values(), kinds.Train)


def open_side(name: str, folder: Path) -> Side:
    """A report with the records of its latest run.

    Raises:
        RequestError: It is no comparison of a fixed number of seeds.
    """
    records = Store(folder).read()
    request = Store(folder).latest_request(records)
    if owner_of(records) != COMPARE:
        raise RequestError(f"'{name}' is no comparison; only those of bench.compare are merged")
    if request.until_settled is not None:
        raise RequestError(
            f"'{name}' has added seeds until it was settled, and its verdicts hold for that alone; "
            "merge reports of fixed seeds"
        )
    side = Side(
        name=name,
        folder=folder,
        request=request,
        found=latest(records, request.keys),
        declarations=tuple(of_kind(records, kinds.Declaration)),
        findings=tuple(x for x in of_kind(records, kinds.Finding) if x.run == request.key),
    )
    if any(cell.together for cell in side.cells):
        raise RequestError(
            f"'{name}' was made with --engine batched, where a run depends on all its seeds; give "
            "all seeds to one bench.compare"
        )
    return side


def require_same(sides: Sequence[Side]) -> None:
    """Checks that all reports were asked the same, but for seeds and networks, and made alike.

    Raises:
        RequestError: Something differs; the message names it.
    """
    first = sides[0]
    for other in sides[1:]:
        for what, ours, theirs in _asked(first, other):
            if ours != theirs:
                raise RequestError(
                    f"'{first.name}' and '{other.name}' cannot be merged: {what} is {ours} in the "
                    f"one and {theirs} in the other; only seeds and models may differ"
                )
        for device in first.request.devices:
            one, two = (side.request.environment.decisive(device) for side in (first, other))
            for what, (ours, theirs) in differences(one, two).items():
                raise RequestError(
                    f"'{first.name}' and '{other.name}' cannot be merged: {what} was {ours} where "
                    f"the one was made and {theirs} where the other was; make one of them again"
                )


def _asked(first: Side, other: Side) -> list[tuple[str, object, object]]:
    """What must be equal, in the words of the command line."""
    one, two = first.request, other.request
    ours, theirs = first.options, other.options
    shared = [model for model in one.ran if model in two.ran]
    return [
        ("--dataset", one.dataset, two.dataset),
        ("the SHA-256 of the data", one.dataset_sha256[:16], two.dataset_sha256[:16]),
        ("--recipe", one.recipe, two.recipe),
        ("--devices", ",".join(one.devices), ",".join(two.devices)),
        ("--margin", one.margin, two.margin),
        ("--epochs", ours.epochs, theirs.epochs),
        ("--zoo", ours.zoo, theirs.zoo),
        *((f"the recipe of {x}", str(one.recipes[x]), str(two.recipes[x])) for x in shared),
    ]
