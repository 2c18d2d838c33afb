"""How something differs from its record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """The first thing in which a record and what is made again differ.

    Attributes:
        cell: What was made again, such as a cell.
        what: The part of it that differs.
        recorded: As it was.
        now: As it is.
    """

    cell: str
    what: str
    recorded: object
    now: object

    def __str__(self) -> str:
        return f"{self.cell}: {self.what}: recorded {self.recorded}, now {self.now}"
