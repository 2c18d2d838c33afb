"""Records: one JSON line per result, appended at once, never rewritten."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from bench.records.errors import RequestError

Item = TypeVar("Item")
Kind = Literal["request", "train", "timing", "count", "baseline", "experiment"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line.

    Attributes:
        kind: What it is a record of.
        key: Digest of all that could change it; a later line with the same key replaces this one.
        fields: The content, in JSON's types.
    """

    kind: Kind
    key: str
    fields: Mapping[str, Any]


class Store:
    """The records of one report, in `records.jsonl`.

    A process that was killed leaves at most a torn last line, which readers pass over; what was
    appended before it stays.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "records.jsonl"

    def append(self, record: Record) -> None:
        """Writes a record through to the disk."""
        line = json.dumps(
            {"kind": record.kind, "key": record.key, **_plain(record.fields)},
            allow_nan=False,
            separators=(",", ":"),
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # ends the torn line that a kill has left
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> tuple[Record, ...]:
        """All whole records, oldest first."""
        if not self.path.exists():
            return ()
        records = []
        for line in self.path.read_text().splitlines():
            try:
                fields = json.loads(line)
            except json.JSONDecodeError:
                continue
            kind, key = fields.pop("kind"), fields.pop("key")
            records.append(Record(kind=kind, key=key, fields=fields))
        return tuple(records)

    def latest(self, keys: Iterable[str]) -> dict[str, Record]:
        """The latest record of each key that has one, in the order of `keys`."""
        newest = {record.key: record for record in self.read()}
        return {key: newest[key] for key in keys if key in newest}

    def missing(self, wanted: Mapping[str, Item]) -> dict[str, Item]:
        """What has no good record yet, by key, in the order of `wanted`.

        Args:
            wanted: By key, what the record of that key is about.
        """
        known = self.latest(wanted)
        return {
            key: item
            for key, item in wanted.items()
            if key not in known or known[key].fields["status"] != "ok"
        }

    def set_aside(self) -> None:
        """Renames the file, so that the next record starts a new one."""
        if not self.path.exists():
            return
        number = 1
        while (aside := self.path.with_name(f"records.old-{number}.jsonl")).exists():
            number += 1
        self.path.rename(aside)


def find_folder(name: str, reports: Path) -> Path:
    """The folder of a report, given by its name under `reports` or by its path.

    Raises:
        RequestError: Neither holds records.
    """
    for folder in (reports / name, Path(name)):
        if (folder / "records.jsonl").is_file():
            return folder
    there = ", ".join(sorted(path.parent.name for path in reports.glob("*/records.jsonl")))
    raise RequestError(
        f"no report '{name}': neither '{reports / name}' nor '{name}' holds records.jsonl; "
        + (f"there are: {there}" if there else "python -m bench.compare makes one")
    )


def as_stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they come back from the file: lists for tuples, null for NaN and infinity."""
    stored: dict[str, Any] = json.loads(json.dumps(_plain(fields), allow_nan=False))
    return stored


def digest(content: Mapping[str, Any]) -> str:
    """A key: SHA-256 of the content in canonical JSON, 32 hexadecimal digits of it."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
