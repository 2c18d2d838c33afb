"""Experiments on top of a run: what is measured after it, and belongs to its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.records.store import Record, digest


def experiment(
    name: str, *, run: str, subject: Mapping[str, Any], outcome: Mapping[str, Any]
) -> Record:
    """A record that replaces an earlier one of the same experiment, run and subject.

    Args:
        name: What the report knows the experiment by.
        run: Key of the request record of the run that it belongs to.
        subject: What was measured: model, device and the like.
        outcome: What came out.
    """
    identity = {"experiment": name, "run": run, **subject}
    return Record(kind="experiment", key=digest(identity), fields={**identity, **outcome})
