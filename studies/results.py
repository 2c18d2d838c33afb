"""The results of a study: upper bounds of rates, and rows written as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from scipy import stats

from bench.statistics.basics import CONFIDENCE


def upper_bound(found: int, runs: int) -> float:
    """One-sided 95% upper bound of a rate of which `found` in `runs` were seen.

    Source: Clopper and Pearson, Biometrika 26, 1934, 404-413.
    """
    test = stats.binomtest(found, runs, alternative="less")
    return float(test.proportion_ci(confidence_level=CONFIDENCE, method="exact").high)


def write(path: Path, kind: type[Any], rows: Iterable[Any]) -> None:
    """Writes and prints dataclasses, a row as soon as it is there."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            print(row)
            writer.writerow(asdict(row))
            file.flush()  # what a study that is stopped has measured stays
