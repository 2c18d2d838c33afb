"""The records of a report: one JSON line per result, appended at once, sealed by a checksum."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.records.errors import RequestError
from bench.records.kinds import Record, Request
from bench.records.lines import DamagedLineError, decode, encode, sealed
from bench.records.lock import writing_alone
from bench.records.place import replacing

_DAMAGED = "records.damaged.jsonl"

Item = TypeVar("Item")
Kind = TypeVar("Kind", bound=Record)


class MissingRunError(RequestError):
    """There are no records of a run."""


class DamagedRecordWarning(UserWarning):
    """A line is no record; it is left out, and what it held counts as missing."""


class Store:
    """The records of one report, in `records.jsonl`.

    A process that was killed leaves at most a torn last line, which readers pass over; what was
    appended before it stays. A line that was damaged since is left out with a warning, and who
    writes next moves it to `records.damaged.jsonl`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "records.jsonl"
        self._mended = False

    def append(self, record: Record) -> None:
        """Writes a record through to the disk.

        Raises:
            RequestError: Another process writes into the folder.
        """
        with writing_alone(self.path.parent):
            if not self._mended or self._is_torn():
                self.mend()
            with self.path.open("ab") as file:
                file.write(encode(record) + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def _is_torn(self) -> bool:
        """Whether the last line has no end, as a process that was killed leaves it, or is none."""
        if not self.path.exists():
            return True
        with self.path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def mend(self) -> None:
        """Leaves nothing but whole lines in the format of today; what is none is set aside.

        Raises:
            RequestError: Another process writes into the folder.
        """
        with writing_alone(self.path.parent):
            before = self.path.read_bytes() if self.path.exists() else b""
            whole, damaged = b"", b""
            for line in filter(None, map(bytes.strip, before.split(b"\n"))):
                try:
                    whole += sealed(line) + b"\n"
                except DamagedLineError:
                    damaged += line + b"\n"
            if damaged:
                with self.path.with_name(_DAMAGED).open("ab") as file:
                    file.write(damaged)
            if whole != before or not self.path.exists():
                with replacing(self.path) as part:
                    part.write_bytes(whole)
            self._mended = True

    def read(self) -> tuple[Record, ...]:
        """All whole records of known kinds, oldest first; of a key that several lines have, all.

        Lines that are no records are left out with a `DamagedRecordWarning`, but for a last one
        that was torn while it was written.
        """
        return tuple(self.each())

    def each(self) -> Iterator[Record]:
        """The same records one after the other, so that they need not fit into memory at once."""
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = decode(line.rstrip(b"\r\n"))
                except DamagedLineError as error:
                    if line.strip() and line.endswith(b"\n"):
                        warnings.warn(
                            f"line {number} of '{self.path}' was left out, because {error}; what "
                            "it held counts as missing",
                            DamagedRecordWarning,
                            stacklevel=2,
                        )
                    continue
                if record is not None:
                    yield record

    def latest_request(self, records: Iterable[Record] | None = None) -> Request:
        """What was asked for last.

        Args:
            records: Those of this store, where they have been read already.

        Raises:
            MissingRunError: Nothing was.
        """
        requests = of_kind(self.each() if records is None else records, Request)
        if not requests:
            raise MissingRunError(
                f"no comparison is recorded in '{self.path}'; make one: python -m bench.compare"
            )
        return requests[-1]

    def missing(self, wanted: Mapping[str, Item]) -> dict[str, Item]:
        """What has no good record yet, by key, in the order of `wanted`.

        Args:
            wanted: By key, what the record of that key is about.
        """
        good = {record.key: getattr(record, "status", "ok") == "ok" for record in self.each()}
        return {key: item for key, item in wanted.items() if not good.get(key)}

    def set_aside(self) -> None:
        """Renames the file, so that the next record starts a new one."""
        if not self.path.exists():
            return
        with writing_alone(self.path.parent):
            number = 1
            while (aside := self.path.with_name(f"records.old-{number}.jsonl")).exists():
                number += 1
            self.path.rename(aside)


def latest(records: Iterable[Record], keys: Iterable[str]) -> dict[str, Record]:
    """The latest record of each key that has one, in the order of `keys`."""
    newest = {record.key: record for record in records}
    return {key: newest[key] for key in keys if key in newest}


def of_kind(records: Iterable[Record], kind: type[Kind]) -> list[Kind]:
    """The records of one kind."""
    return [record for record in records if isinstance(record, kind)]


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


def digest(content: Mapping[str, Any]) -> str:
    """A key: SHA-256 of the content in canonical JSON, 32 hexadecimal digits of it."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def experiment_key(name: str, run: str, **subject: object) -> str:
    """Key of an experiment's record: one for each run and subject, replaced when made again."""
    return digest({"experiment": name, "run": run, **subject})
