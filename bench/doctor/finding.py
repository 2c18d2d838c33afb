"""What was looked at, how it is, and what to do where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: `machine`, `installation`, `data` or `reports`.
        subject: What it is.
        found: How it is, in a few words.
        remedy: What to do about it; empty where nothing is wrong.
    """

    part: str
    subject: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.remedy
