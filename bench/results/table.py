"""`results.csv`: one row per model and device, unrounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bench.cells.reference import LOGISTIC_REGRESSION, MAJORITY_CLASS
from bench.results.runs import Results, Runs
from bench.results.speeds import NO_SPEED

if TYPE_CHECKING:
    import pandas as pd

CSV_COLUMNS = (
    *("model", "device", "dataset", "recipe", "seeds", "parameters", "macs"),
    *("test_accuracy_mean", "test_accuracy_low", "test_accuracy_high"),
    *("train_seconds_median", "train_samples_per_second", "inference_samples_per_second"),
    *("latency_p50_seconds", "latency_p99_seconds", "peak_memory_bytes", "status"),
    *("latency_p95_seconds", "test_accuracy_std", "test_accuracy_min", "test_accuracy_max"),
    *("test_accuracy_selected_mean", "validation_accuracy_mean", "test_samples"),
    *("document", "ranking_group", "largest_class_share", "logistic_regression_accuracy"),
)


def results_table(results: Results) -> pd.DataFrame:
    """One row per model and device, units in the names, fractions in 0..1."""
    import pandas as pd  # takes longer than the rest of a report's imports

    rows = []
    for runs in results.runs:
        summary = runs.summary
        speed = results.speeds.get((runs.model, runs.device), NO_SPEED)
        count = results.counts.get(runs.model)
        references = results.references.get(runs.ranking_group, ())
        means = {reference.name: reference.mean for reference in references}
        rows.append(
            {
                "model": runs.model,
                "device": runs.device,
                "dataset": results.request.dataset,
                "recipe": results.request.recipe,
                "seeds": len(runs.accuracy),
                "parameters": count and count.module_parameters,
                "macs": count and count.macs,
                "test_accuracy_mean": summary and summary.mean,
                "test_accuracy_low": summary and summary.low,
                "test_accuracy_high": summary and summary.high,
                "train_seconds_median": _median(runs.train_seconds),
                "train_samples_per_second": speed.train_samples_per_second,
                "inference_samples_per_second": speed.inference_samples_per_second,
                "latency_p50_seconds": speed.latency_p50_seconds,
                "latency_p99_seconds": speed.latency_p99_seconds,
                "peak_memory_bytes": speed.peak_memory_bytes,
                "status": _status(runs),
                "latency_p95_seconds": speed.latency_p95_seconds,
                "test_accuracy_std": summary and summary.std,
                "test_accuracy_min": summary and summary.minimum,
                "test_accuracy_max": summary and summary.maximum,
                "test_accuracy_selected_mean": _mean(runs.selected),
                "validation_accuracy_mean": _mean(runs.validation),
                "test_samples": runs.test_samples,
                "document": results.request.documents[runs.model],
                "ranking_group": runs.ranking_group,
                "largest_class_share": means.get(MAJORITY_CLASS),
                "logistic_regression_accuracy": means.get(LOGISTIC_REGRESSION),
            }
        )
    table = pd.DataFrame(rows, columns=list(CSV_COLUMNS))
    whole = ["seeds", "parameters", "macs", "peak_memory_bytes", "test_samples"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _status(runs: Runs) -> str:
    """`ok` if all its runs went through, also those that diverged; else what came of the others."""
    found = {cell.status for cell in runs.cells.values()} - {"ok"}
    if not found:
        return "ok"
    return found.pop() if len(found) == 1 else "failed"


def _median(values: Mapping[int, float]) -> float | None:
    return float(np.median(list(values.values()))) if values else None


def _mean(values: Mapping[int, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None
