"""Who leads a ranking, and who is too close to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.distinct import distinct
from bench.results.runs import Runs, ranked


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The networks of a ranking, each once.

    Attributes:
        best: The one with the highest mean.
        close: Those that its lead over may be luck: the 95% interval for other seeds and other test
            samples, of this pair alone, holds 0 or is not known.
        behind: Those that it leads.
    """

    best: Runs
    close: tuple[Runs, ...]
    behind: tuple[Runs, ...]


def standing(group: Sequence[Runs]) -> Standing | None:
    """Who leads; None if no network ran."""
    networks = distinct(ranked(group)) if group else []
    if not networks:
        return None
    best, *others = networks
    leads = [best.lead_over(other) for other in others]
    close = [
        other for other, lead in zip(others, leads, strict=True) if lead is None or lead.low <= 0
    ]
    return Standing(
        best=best,
        close=tuple(close),
        behind=tuple(other for other in others if other not in close),
    )
