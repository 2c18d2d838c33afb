"""Records to tables: what ran, per model and device, unrounded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench.errors import RequestError
from bench.records import Record, Store
from bench.stats import Summary, paired_difference, summarise

CSV_COLUMNS = (
    *("model", "device", "dataset", "recipe", "seeds", "parameters", "macs"),
    *("test_accuracy_mean", "test_accuracy_low", "test_accuracy_high"),
    *("train_seconds_median", "train_samples_per_second", "inference_samples_per_second"),
    *("latency_p50_seconds", "latency_p99_seconds", "peak_memory_bytes", "status"),
    *("latency_p95_seconds", "test_accuracy_std", "test_accuracy_min", "test_accuracy_max"),
    *("test_accuracy_selected_mean", "validation_accuracy_mean", "test_samples"),
    *("document", "ranking_group"),
)


class MissingRunError(RequestError):
    """There are no records of a run."""


@dataclass(frozen=True, kw_only=True)
class Runs:
    """A model's cells on one device.

    Attributes:
        model: Registry name.
        device: Where they ran.
        accuracy: Test accuracy by seed, of the cells that ran, fractions in 0..1.
        digests: Digest of the weights by seed.
        selected: Accuracy at the document's best test epoch by seed, where it picks one.
        validation: Accuracy on held-out samples by seed, where some are held out.
        train_seconds: Wall time of training by seed.
        misclassified: Wrong test samples by seed: index among the test samples to class answered.
        curves: By seed, training points (examples, loss) and test points (epoch, examples, loss,
            accuracy, validation accuracy).
        test_samples: How many samples the accuracy is a fraction of.
        classes: How many classes there are to tell apart.
        ranking_group: Equal for models that are tested on the same samples and classes.
        errors: By seed, what a failed cell raised.
        jobs: How many cells were trained side by side.
    """

    model: str
    device: str
    accuracy: dict[int, float]
    digests: dict[int, str]
    selected: dict[int, float]
    validation: dict[int, float]
    train_seconds: dict[int, float]
    misclassified: dict[int, dict[int, int]]
    curves: dict[int, tuple[list[list[float]], list[list[float]]]]
    test_samples: int
    classes: int
    ranking_group: str
    errors: dict[int, str]
    jobs: int

    @cached_property
    def summary(self) -> Summary | None:
        """Test accuracy over seeds; None if no cell ran."""
        return summarise(list(self.accuracy.values())) if self.accuracy else None

    def minus(self, other: Runs) -> Summary | None:
        """Test accuracy, paired over the seeds that both ran; None if there are none."""
        seeds = [seed for seed in self.accuracy if seed in other.accuracy]
        if not seeds:
            return None
        return paired_difference(
            [self.accuracy[seed] for seed in seeds], [other.accuracy[seed] for seed in seeds]
        )

    def is_twin_of(self, other: Runs) -> bool:
        """Whether both ended in the same weights for every seed."""
        return bool(self.digests) and self.digests == other.digests


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured speed of a model on a device; None for what could not be measured."""

    train_samples_per_second: float | None
    inference_samples_per_second: float | None
    train_quartiles: tuple[float, float] | None
    inference_quartiles: tuple[float, float] | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    peak_memory_bytes: int | None


NO_SPEED = Speed(
    train_samples_per_second=None,
    inference_samples_per_second=None,
    train_quartiles=None,
    inference_quartiles=None,
    latency_p50_seconds=None,
    latency_p95_seconds=None,
    latency_p99_seconds=None,
    peak_memory_bytes=None,
)


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that a report shows, read from the records of one run.

    Attributes:
        request: The run's own record: what was asked for, recipes, environment.
        runs: One for every model and device, in the order of the request.
        speeds: By model and device.
        counts: By model, the fields of `bench.count.Count`, where counting succeeded.
        failures: Cells, counts and measurements that failed, a line each.
        experiments: By name, the fields of the experiments made on top of this run.
    """

    request: Mapping[str, Any]
    runs: tuple[Runs, ...]
    speeds: Mapping[tuple[str, str], Speed]
    counts: Mapping[str, Mapping[str, int]]
    failures: tuple[str, ...]
    experiments: Mapping[str, tuple[Mapping[str, Any], ...]]

    @cached_property
    def groups(self) -> tuple[tuple[Runs, ...], ...]:
        """Runs that may be ranked against each other, best first; the largest group first."""
        grouped: dict[tuple[str, str], list[Runs]] = {}
        for runs in self.runs:
            grouped.setdefault((runs.device, runs.ranking_group), []).append(runs)
        ranked = (
            sorted(group, key=lambda runs: -(runs.summary.mean if runs.summary else -1.0))
            for group in grouped.values()
        )
        return tuple(tuple(group) for group in sorted(ranked, key=len, reverse=True))

    def get(self, model: str, device: str) -> Runs | None:
        """A model's runs on a device, if it is part of the run and some cell ran."""
        for runs in self.runs:
            if (runs.model, runs.device) == (model, device) and runs.summary:
                return runs
        return None


def latest_request(store: Store) -> Record:
    """The record of the latest request in a store: what was asked for, and the keys of its lines.

    Raises:
        MissingRunError: There is none.
    """
    requests = [record for record in store.read() if record.kind == "request"]
    if not requests:
        raise MissingRunError(f"no run is recorded in '{store.path}'; make one: bench.compare")
    return requests[-1]


def read(store: Store) -> Results:
    """The results of the latest request in a store.

    Raises:
        MissingRunError: There is none.
    """
    records = store.read()
    asked = latest_request(store)
    request = asked.fields
    latest = store.latest(request["keys"])
    train = [record for record in latest.values() if record.kind == "train"]
    timing = [record for record in latest.values() if record.kind == "timing"]
    counts = [record for record in latest.values() if record.kind == "count"]
    return Results(
        request=request,
        runs=_runs(train, request),
        speeds=_speeds(timing),
        counts={
            record.fields["model"]: record.fields
            for record in counts
            if record.fields["status"] == "ok"
        },
        failures=tuple(
            _failure(record) for record in latest.values() if record.fields["status"] != "ok"
        ),
        experiments=_experiments(records, asked.key),
    )


def results_table(results: Results) -> pd.DataFrame:
    """One row per model and device, units in the names, fractions in 0..1."""
    rows = []
    for runs in results.runs:
        summary = runs.summary
        speed = results.speeds.get((runs.model, runs.device), NO_SPEED)
        count = results.counts.get(runs.model, {})
        rows.append(
            {
                "model": runs.model,
                "device": runs.device,
                "dataset": results.request["dataset"],
                "recipe": results.request["recipe"],
                "seeds": len(runs.accuracy),
                "parameters": count.get("module_parameters"),
                "macs": count.get("macs"),
                "test_accuracy_mean": summary and summary.mean,
                "test_accuracy_low": summary and summary.low,
                "test_accuracy_high": summary and summary.high,
                "train_seconds_median": _median(runs.train_seconds),
                "train_samples_per_second": speed.train_samples_per_second,
                "inference_samples_per_second": speed.inference_samples_per_second,
                "latency_p50_seconds": speed.latency_p50_seconds,
                "latency_p99_seconds": speed.latency_p99_seconds,
                "peak_memory_bytes": speed.peak_memory_bytes,
                "status": "failed" if runs.errors else "ok",
                "latency_p95_seconds": speed.latency_p95_seconds,
                "test_accuracy_std": summary and summary.std,
                "test_accuracy_min": summary and summary.minimum,
                "test_accuracy_max": summary and summary.maximum,
                "test_accuracy_selected_mean": _mean(runs.selected),
                "validation_accuracy_mean": _mean(runs.validation),
                "test_samples": runs.test_samples,
                "document": results.request["documents"][runs.model],
                "ranking_group": runs.ranking_group,
            }
        )
    table = pd.DataFrame(rows, columns=list(CSV_COLUMNS))
    whole = ["seeds", "parameters", "macs", "peak_memory_bytes", "test_samples"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _runs(train: Sequence[Record], request: Mapping[str, Any]) -> tuple[Runs, ...]:
    found = []
    for device in request["devices"]:
        for model in request["ran"]:
            cells = [
                record.fields
                for record in train
                if (record.fields["model"], record.fields["device"]) == (model, device)
            ]
            if cells:
                found.append(_model_runs(model, device, cells))
    return tuple(found)


def _model_runs(model: str, device: str, cells: Sequence[Mapping[str, Any]]) -> Runs:
    ran = [cell for cell in cells if cell["status"] == "ok"]
    # One test split for all seeds, or one for each: either way models that share it share this.
    tested_on = sorted({(cell["test_checksum"], cell["classes"]) for cell in cells})
    return Runs(
        model=model,
        device=device,
        accuracy=_by_seed(ran, "test_accuracy"),
        digests=_by_seed(ran, "weights_sha256"),
        selected=_by_seed(ran, "test_accuracy_selected"),
        validation=_by_seed(ran, "validation_accuracy"),
        train_seconds=_by_seed(ran, "train_seconds"),
        misclassified={cell["seed"]: dict(cell["misclassified"]) for cell in ran},
        curves={cell["seed"]: (cell["training_curve"], cell["test_curve"]) for cell in ran},
        test_samples=cells[0]["test_samples"],
        classes=cells[0]["classes"],
        ranking_group=hashlib.sha256(json.dumps(tested_on).encode()).hexdigest()[:8],
        errors={cell["seed"]: cell["error"] for cell in cells if cell["status"] != "ok"},
        jobs=max(cell["jobs"] for cell in cells),
    )


def _by_seed(cells: Sequence[Mapping[str, Any]], field: str) -> dict[int, Any]:
    return {cell["seed"]: cell[field] for cell in cells if cell.get(field) is not None}


def _speeds(timing: Sequence[Record]) -> dict[tuple[str, str], Speed]:
    phases: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for record in timing:
        fields = record.fields
        if fields["status"] == "ok":
            phases.setdefault((fields["model"], fields["device"]), {})[fields["phase"]] = fields
    return {
        where: Speed(
            train_samples_per_second=phase.get("train", {}).get("samples_per_second"),
            inference_samples_per_second=phase.get("inference", {}).get("samples_per_second"),
            train_quartiles=_quartiles(phase.get("train")),
            inference_quartiles=_quartiles(phase.get("inference")),
            latency_p50_seconds=phase.get("latency", {}).get("latency_p50_seconds"),
            latency_p95_seconds=phase.get("latency", {}).get("latency_p95_seconds"),
            latency_p99_seconds=phase.get("latency", {}).get("latency_p99_seconds"),
            peak_memory_bytes=phase.get("train", {}).get("peak_memory_bytes"),
        )
        for where, phase in phases.items()
    }


def _experiments(
    records: Sequence[Record], run_key: str
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The latest experiments that name this run, each a record of kind `experiment`.

    Such a record has the fields `experiment`, its name, and `run`, the key of the request record
    that it belongs to.
    """
    latest = {
        record.key: record.fields
        for record in records
        if record.kind == "experiment" and record.fields["run"] == run_key
    }
    names = dict.fromkeys(fields["experiment"] for fields in latest.values())
    return {
        name: tuple(fields for fields in latest.values() if fields["experiment"] == name)
        for name in names
    }


def _quartiles(fields: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """First and third quartile of samples per second over the blocks."""
    if fields is None:
        return None
    samples = fields["batch"] * fields["steps_per_block"]
    low, high = np.percentile(samples / np.asarray(fields["block_seconds"]), [25, 75])
    return float(low), float(high)


def _failure(record: Record) -> str:
    """What failed, in a line."""
    fields = record.fields
    if record.kind == "train":
        what = f"on {fields['device']}, seed {fields['seed']}"
    elif record.kind == "timing":
        what = f"on {fields['device']}, measuring {fields['phase']}"
    else:
        what = "counting its parameters"
    return f"`{fields['model']}` {what}: {fields['error']}"


def _median(values: Mapping[int, float]) -> float | None:
    return float(np.median(list(values.values()))) if values else None


def _mean(values: Mapping[int, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None
