"""What a run declared before its first cell, and whether that changed after cells were trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.records import kinds
from bench.records.store import of_kind


@dataclass(frozen=True, kw_only=True)
class Change:
    """A part of a declaration that was another one before."""

    what: str
    before: Any
    now: Any


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A run's declaration, and what had been trained when it was made.

    Attributes:
        record: What was declared.
        cells: How many cells the run has that did not fail.
        trained_before: How many of them had been trained before it was declared.
        changes: In what it differs from what had been declared before, where such cells were.
    """

    record: kinds.Declaration
    cells: int
    trained_before: int
    changes: tuple[Change, ...]


def read_declared(records: Sequence[kinds.Record], request: kinds.Request) -> Declared | None:
    """The declaration of a run; None where its records are older than declarations.

    Records are in the order in which they were made, and a declaration that is made again is not
    recorded again: so the place of its first line says what was known by then.
    """
    places = [i for i, record in enumerate(records) if record.key == request.declaration]
    made = of_kind((records[i] for i in places[:1]), kinds.Declaration)
    if not made:
        return None
    trained = _first_places(records, request)
    before = [place for place in trained if place < places[0]]
    earlier = of_kind(records[: places[0]], kinds.Declaration)
    return Declared(
        record=made[0],
        cells=len(trained),
        trained_before=len(before),
        changes=tuple(_changes(earlier[-1], made[0])) if before and earlier else (),
    )


def _first_places(records: Sequence[kinds.Record], request: kinds.Request) -> list[int]:
    """Where the cells of a run that did not fail lie among the records."""
    wanted, first = set(request.keys), dict[str, int]()
    for place, record in enumerate(records):
        if isinstance(record, kinds.Train) and record.status == "ok" and record.key in wanted:
            first.setdefault(record.key, place)
    return list(first.values())


def _changes(before: kinds.Declaration, now: kinds.Declaration) -> Iterator[Change]:
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(now)
    for what in new:
        if what != "key" and old[what] != new[what]:
            yield Change(what=what, before=old[what], now=new[what])
