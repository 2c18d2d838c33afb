"""Whether the records of reports are whole, and the reports those that their records give."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from bench.doctor.finding import Finding
from bench.records.errors import RequestError
from bench.records.kinds import Request
from bench.records.owner import COMPARE, owner_of
from bench.records.store import DamagedRecordWarning, Store, of_kind

PART = "reports"


def reports(folder: Path) -> Iterator[Finding]:
    """Every report in a folder.

    Args:
        folder: Of all reports; it need not be there.
    """
    places = sorted(path.parent for path in folder.glob("*/records.jsonl"))
    if not places:
        yield Finding(part=PART, subject=str(folder), found="no reports yet")
    for place in places:
        yield report(place)


def report(folder: Path) -> Finding:
    """Whether a report's lines are whole, and its page the one that they give."""
    store = Store(folder)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", DamagedRecordWarning)
            records = store.read()
    except (OSError, RequestError) as error:
        return _wrong(folder, f"cannot be read ({error})", "see what the message says")
    damaged = sum(issubclass(item.category, DamagedRecordWarning) for item in told)
    owner = owner_of(records)
    again = "give the command that made it once more; it makes what is missing again"
    if damaged:
        return _wrong(folder, f"{len(records):,} records, {damaged} damaged lines", again)
    page = folder / "report.md"
    if not page.is_file():
        return _wrong(folder, f"{len(records):,} records, no report.md", again)
    found = f"{len(records):,} records"
    if owner != COMPARE or not of_kind(records, Request):
        words = f"{found}, written by {owner or 'an unfinished run'}"
        return Finding(part=PART, subject=folder.name, found=words)
    if page.read_text(encoding="utf-8") != rendered(folder):
        remedy = f"python -m bench.report {folder}"
        return _wrong(folder, f"{found}; report.md is not what they give", remedy)
    return Finding(part=PART, subject=folder.name, found=f"{found}, and the report that they give")


def rendered(folder: Path) -> str:
    """The page that the records of a comparison give now; nothing is written into its folder."""
    from bench.report.write import page
    from bench.results.runs import read

    with tempfile.TemporaryDirectory() as place:
        return page(read(Store(folder)), folder, figures=Path(place) / "figures")


def _wrong(folder: Path, found: str, remedy: str) -> Finding:
    return Finding(part=PART, subject=folder.name, found=found, remedy=remedy)
