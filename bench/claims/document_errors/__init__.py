"""Where the documents err, one module an error, and its cost where that can be measured."""

from __future__ import annotations

from bench.claims.document_errors import cost, head, rate, resume, saving, selection, softmax, sums
from bench.claims.document_errors.error import DocumentError

ERRORS: tuple[DocumentError, ...] = (
    sums.ERROR,
    softmax.ERROR,
    resume.ERROR,
    selection.ERROR,
    head.ERROR,
    saving.ERROR,
    rate.ERROR,
    cost.ERROR,
)

__all__ = ["ERRORS", "DocumentError"]
