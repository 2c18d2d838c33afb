"""A report's folder: where it may lie, and the one command whose records it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind
from bench.records.text import one_line

COMPARE, COUNTING = "bench.compare", "bench.counting"
CLAIMS, OVERHEAD, TIME_TO_ACCURACY = "bench.claims", "bench.overhead", "bench.time_to_accuracy"

_WHAT = {
    COMPARE: "a comparison",
    COUNTING: "the counting exercise",
    CLAIMS: "claims",
    OVERHEAD: "an overhead measurement",
    TIME_TO_ACCURACY: "times to accuracy",
}


def validate_folder(name: str, reports: Path) -> Path:
    """The folder of a report that will be written.

    Args:
        name: Of the report.
        reports: The folder that reports are written to.

    Raises:
        RequestError: The name is no plain name, or a file lies where a folder is needed.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise RequestError(
            f"--name '{name[:120]}' is no report name; use up to 100 letters, digits, '.', '_' and "
            "'-', beginning with a letter or digit, and --reports for another folder"
        )
    folder = reports / name
    try:
        files = [x for x in (folder, *folder.parents) if os.path.lexists(x) and not x.is_dir()]
        os.path.realpath(folder, strict=False)
        folder.exists()
    except (OSError, ValueError) as error:
        raise RequestError(
            f"--reports '{str(reports)[:120]}' can be no folder ({one_line(error)[:120]}); name "
            "another"
        ) from error
    if files:
        raise RequestError(f"'{files[0]}' is a file; reports need a folder: --reports DIR")
    return folder


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
