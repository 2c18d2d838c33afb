"""The counts of networks as records, each made in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable

from bench.cells.count import count
from bench.cells.jobs import failure
from bench.cells.outcomes import EndedError, status_of
from bench.cells.processes import ProcessEndedError
from bench.cells.side_by_side import Guard, run_all
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.store import Store, digest
from zoo import ModelSpec


def count_all(specs: Iterable[ModelSpec], records: Store, seconds: float | None) -> list[str]:
    """Counts the networks that are not counted yet; the keys of all."""
    wanted = {count_key(spec): spec for spec in specs}
    missing = records.missing(wanted)
    # In another process, because torch loads its compiler for the first flop counter, and because
    # a network may end it.
    guard = Guard(seconds=lambda _: seconds, always=True)
    for (key, spec), counted in run_all(_count_one, [*missing.items()], 1, guard=guard):
        if isinstance(counted, ProcessEndedError):
            counted = _not_counted(spec, key, counted)
        records.append(counted)
    return list(wanted)


def count_key(spec: ModelSpec) -> str:
    """Key of the record of a network's count."""
    return digest({"count": spec.name, "code": code_sha256(count, spec.build, spec.layers)})


def _count_one(keyed: tuple[str, ModelSpec]) -> kinds.Count:
    key, spec = keyed
    try:
        return count(spec, key)
    except (Exception, SystemExit) as error:
        return _not_counted(spec, key, error)


def _not_counted(spec: ModelSpec, key: str, error: BaseException) -> kinds.Count:
    words = str(error) if isinstance(error, EndedError) else failure(error)
    return kinds.Count(key=key, model=spec.name, status=status_of(error), error=words)
