"""The counting exercise's two networks as their records have measured them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records.store import Record, Store

EXPERIMENT = "counting"  # the name of the record of a whole run
BP, CNN = "bp-100", "cnn-100"
MODELS = (BP, CNN)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network; None for what failed.

    Attributes:
        parameters: Trainable numbers.
        weight_bytes: Their memory.
        macs: Multiply-accumulates of one picture's forward pass.
        updates: Optimiser steps of the recipe.
        train_seconds: Wall time of all training steps of the recipe.
        peak_memory_bytes: What one training step at batch 64 holds at most.
        train_samples_per_second: Training steps at batch 64.
        inference_samples_per_second: Forward passes at batch 64.
        test_accuracy: Fraction of test pictures after the last epoch.
        block_spread: The slowest over the fastest measured block, of either phase.
    """

    parameters: int | None = None
    weight_bytes: int | None = None
    macs: int | None = None
    updates: int | None = None
    train_seconds: float | None = None
    peak_memory_bytes: int | None = None
    train_samples_per_second: float | None = None
    inference_samples_per_second: float | None = None
    test_accuracy: float | None = None
    block_spread: float | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both networks, and how they were made.

    Attributes:
        bp: The BP network.
        cnn: The CNN.
        made: Fields of the run's own record: command, data, recipe, environment.
        failures: What failed, a line each.
    """

    bp: Measured
    cnn: Measured
    made: Mapping[str, Any]
    failures: tuple[str, ...]

    def ratio(self, quantity: str) -> float | None:
        """How many times as much of something the BP network has; None where it is not known.

        Args:
            quantity: Name of a field of `Measured`.
        """
        bp, cnn = getattr(self.bp, quantity), getattr(self.cnn, quantity)
        return bp / cnn if bp is not None and cnn else None


def read_pair(store: Store) -> Pair:
    """The networks as the latest run has left them in a store."""
    made = [
        record.fields
        for record in store.read()
        if record.kind == "experiment" and record.fields["experiment"] == EXPERIMENT
    ][-1]
    records = tuple(store.latest(made["keys"]).values())
    return Pair(
        bp=_measured(BP, records),
        cnn=_measured(CNN, records),
        made=made,
        failures=tuple(
            f"`{record.fields['model']}` {_doing(record)}: {record.fields['error']}"
            for record in records
            if record.fields["status"] != "ok"
        ),
    )


def _measured(model: str, records: Sequence[Record]) -> Measured:
    found: dict[str, Any] = {}
    spreads = []
    for record in records:
        fields = record.fields
        if fields["model"] != model or fields["status"] != "ok":
            continue
        if record.kind == "count":
            found["parameters"] = fields["module_parameters"]
            found |= {name: fields[name] for name in ("weight_bytes", "macs")}
        elif record.kind == "train":
            found |= {name: fields[name] for name in ("updates", "train_seconds", "test_accuracy")}
        else:
            found[f"{fields['phase']}_samples_per_second"] = fields["samples_per_second"]
            blocks = [seconds for label in fields["block_seconds"] for seconds in label]
            spreads.append(max(blocks) / min(blocks))
            if fields["phase"] == "train":
                found["peak_memory_bytes"] = fields["peak_memory_bytes"]
    return Measured(**found, block_spread=max(spreads, default=None))


def _doing(record: Record) -> str:
    if record.kind == "timing":
        return f"measuring {record.fields['phase']}"
    return {"train": "training", "count": "counting its parameters"}[record.kind]
