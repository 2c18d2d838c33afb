"""Counts of networks and reference predictors of a run, made again and compared with their records.

They cost seconds, and are the numbers of the report's first table that no training gives. Those
that other code made, or another kind of machine, have other keys and are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.cells.count import count
from bench.cells.counts import count_key
from bench.cells.fitted import Predictor
from bench.records import kinds
from bench.verify.mismatch import Mismatch
from zoo import ModelSpec

Differs = Mismatch | None  # None where what was made again is as recorded


def recounted(
    specs: Iterable[ModelSpec], recorded: Mapping[str, kinds.Record]
) -> Iterator[Differs]:
    """Each network that was counted."""
    for spec in specs:
        before = recorded.get(count_key(spec))
        if isinstance(before, kinds.Count) and before.status == "ok":
            yield _compared(f"count of {spec.name}", before, count(spec, before.key))


def refitted(
    predictors: Iterable[Predictor], recorded: Mapping[str, kinds.Record]
) -> Iterator[Differs]:
    """Each reference predictor that was fitted."""
    for predictor in predictors:
        before = recorded.get(predictor.key)
        if isinstance(before, kinds.Reference) and before.status == "ok":
            name = f"{predictor.name} on {before.test_samples} test samples"
            yield _compared(name, before, predictor.fitted())


def _compared(
    name: str, before: kinds.Count | kinds.Reference, now: kinds.Count | kinds.Reference
) -> Differs:
    for field in before.__struct_fields__:
        recorded, again = getattr(before, field), getattr(now, field)
        if recorded != again:
            return Mismatch(cell=name, what=field, recorded=recorded, now=again)
    return None
