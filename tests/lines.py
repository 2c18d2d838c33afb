"""The lines of a report's records as plain dictionaries, to look into and to change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def read_lines(folder: Path) -> list[Line]:
    """All lines of a report, without their seals."""
    lines = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [unsealed(line) for line in lines]


def write_lines(folder: Path, lines: Iterable[Line]) -> None:
    """Writes lines in the first format, which had no seals."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "records.jsonl").write_text(text)


def request_of(lines: Sequence[Line]) -> Line:
    """The latest request."""
    return next(line for line in reversed(lines) if line["kind"] == "request")


def unsealed(line: Line) -> Line:
    """A line without version and checksum."""
    return {name: value for name, value in line.items() if name not in ("version", "sha256")}
