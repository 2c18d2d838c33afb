"""What failed in a run, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.records import kinds


def failures(records: Iterable[kinds.Record]) -> Iterator[str]:
    """What failed, a line each."""
    for record in records:
        error = getattr(record, "error", None)
        if error is None:
            continue
        status = getattr(record, "status", "failed")
        if status != "failed":
            error = f"{status}, {error}"
        if isinstance(record, kinds.Reference):
            drawn = "" if record.seed is None else f", seed {record.seed}"
            tested = f"{record.test_samples:,} test samples of {record.classes} classes"
            yield f"reference predictor `{record.baseline}` on {tested}{drawn}: {error}"
        elif isinstance(record, kinds.Train):
            yield f"`{record.model}` on {record.device}, seed {record.seed}: {error}"
        elif isinstance(record, kinds.Timing):
            yield f"`{record.model}` on {record.device}, measuring {record.phase}: {error}"
        elif isinstance(record, kinds.Count):
            yield f"`{record.model}` counting its parameters: {error}"
