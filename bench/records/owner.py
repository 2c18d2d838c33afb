"""A report's folder belongs to one command: what others wrote there is not theirs to replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind

COMPARE, COUNTING = "bench.compare", "bench.counting"
CLAIMS, OVERHEAD, TIME_TO_ACCURACY = "bench.claims", "bench.overhead", "bench.time_to_accuracy"

_WHAT = {
    COMPARE: "a comparison",
    COUNTING: "the counting exercise",
    CLAIMS: "claims",
    OVERHEAD: "an overhead measurement",
    TIME_TO_ACCURACY: "times to accuracy",
}


def require_own(folder: Path, command: str) -> None:
    """Checks that a report's folder holds no records but those of a command.

    Args:
        folder: Of the report; it need not be there.
        command: The module that writes it: `bench.compare`.

    Raises:
        RequestError: Another command's records are there.
    """
    owner = owner_of(Store(folder).read())
    if owner not in (None, command):
        raise RequestError(f"'{folder}' holds the records of {_WHAT[owner]}; choose another --name")


def owner_of(records: Sequence[kinds.Record]) -> str | None:
    """The command that records are of; None where they are too few to tell."""
    requests = of_kind(records, kinds.Request)
    if requests:
        return COUNTING if COUNTING in requests[-1].command else COMPARE
    there = {type(record) for record in records}
    if there & {kinds.AccuracyRace, kinds.TimeToAccuracy}:
        return TIME_TO_ACCURACY
    if there & {kinds.Overhead, kinds.OverheadCells}:
        return OVERHEAD
    return CLAIMS if kinds.Probe in there or {kinds.Machine, kinds.Train} <= there else None
