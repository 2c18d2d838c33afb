"""Where the documents err: an entry for each error, and its cost where that can be measured."""

from __future__ import annotations

from bench.claims.document_errors import cost, head, rate, resume, saving, selection, softmax, sums
from bench.claims.document_errors.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    sums.ENTRY,
    softmax.ENTRY,
    resume.ENTRY,
    selection.ENTRY,
    head.ENTRY,
    saving.ENTRY,
    rate.ENTRY,
    cost.ENTRY,
)

__all__ = ["ENTRIES", "Entry"]
