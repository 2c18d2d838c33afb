"""Where the documents err, one module an error, and its cost where that can be measured."""

from __future__ import annotations

from bench.claims.document_errors import (
    cost,
    dropout,
    head,
    momentum,
    rate,
    resume,
    saving,
    selection,
    softmax,
    sums,
)
from bench.claims.document_errors.error import DocumentError

ERRORS: tuple[DocumentError, ...] = (
    sums.ERROR,
    softmax.ERROR,
    resume.ERROR,
    momentum.ERROR,
    dropout.ERROR,
    rate.ERROR,
    selection.ERROR,
    cost.ERROR,
    head.ERROR,
    saving.ERROR,
)

__all__ = ["ERRORS", "DocumentError"]
