"""The table that a report opens with as a pandas frame, unrounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.report.opening import Row, headline
from bench.results.runs import Results

if TYPE_CHECKING:
    import pandas as pd


def first_table(results: Results) -> pd.DataFrame:
    """One row per network and reference predictor, the best first; each network once.

    Columns that `results.csv` has, too, have the same names. `test_accuracy_plus_minus` is for
    other seeds and other test samples, `difference` is to the baseline's accuracy, speeds are times
    as fast as the baseline.
    """
    import pandas as pd

    tables = headline(results).tables
    rows = [
        {
            **_fields(row),
            "twins": ", ".join(table.twins.get(row.name, ())),
            "device": group[0].device,
            "test_samples": table.test_samples,
        }
        for table, group in zip(tables, results.groups, strict=True)
        for row in table.rows
    ]
    frame = pd.DataFrame(rows)
    whole = dict.fromkeys(["parameters", "macs", "peak_memory_bytes"], "Int64")
    return frame.astype({**whole, "document_accuracy": "float64"})


def _fields(row: Row) -> dict[str, Any]:
    found = row.comparison
    return {
        "model": row.name,
        "is_reference": row.is_reference,
        "test_accuracy_mean": row.mean,
        "test_accuracy_plus_minus": row.arm,
        "document_accuracy": row.printed,
        "verdict": "baseline" if row.is_baseline else found and found.verdict,
        "difference": found and found.difference,
        "parameters": row.parameters,
        "macs": row.macs,
        "train_speed": row.train,
        "inference_speed": row.inference,
        "peak_memory_bytes": row.memory_bytes,
        "seeds": row.ran,
        "failed_seeds": row.cells - row.ran,
    }
