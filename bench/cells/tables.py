"""`table:FILE`: rows of numbers from a CSV or Parquet file, their class in the last column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.cells.arrays import Integers
from bench.cells.named import NamedDataset, named_dataset, split_of
from bench.records.errors import RequestError
from bench.records.text import one_line

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".parquet")
LEAST_ROWS = 2  # of a class: one to learn from and one to test on


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A file as it was read.

    Attributes:
        features: (rows, columns).
        labels: Class of each row, (rows,).
        classes: By class, what the last column says, in its order.
    """

    features: NDArray[np.float64]
    labels: Integers
    classes: tuple[str, ...]


def open_table(path: Path) -> Table:
    """What a file holds, read once as long as it stays as it is.

    Raises:
        RequestError: It is not there or no table, a feature is no number, or the rows make no
            classes that can be learned and tested.
    """
    if path.suffix.lower() not in ENDINGS:
        raise RequestError(
            f"'{one_line(path)[:200]}' is no table; give a file whose name ends in "
            f"{' or '.join(ENDINGS)}"
        )
    try:
        there = path.stat()
        if not path.is_file():
            raise FileNotFoundError
    except (OSError, ValueError) as error:
        raise RequestError(
            f"no file '{one_line(path)[:200]}'; table:FILE is a CSV or Parquet file whose last "
            "column is the class"
        ) from error
    return _open(path, there.st_mtime_ns, there.st_size)


def read_table(path: Path) -> NamedDataset:
    """The rows of a file: one in five of each class for testing, the same ones every time.

    Of the others one in twelve is for validation. Every feature is shifted and scaled so that the
    training rows have mean 0 and standard deviation 1.

    Raises:
        RequestError: As of `open_table`.
    """
    table = open_table(path)
    split = split_of(table.labels)
    learned = table.features[split[0]]
    spread = learned.std(axis=0)
    scaled = (table.features - learned.mean(axis=0)) / np.where(spread > 0, spread, 1)
    name = f"table:{one_line(path.name)[:60]}"
    rows = np.ascontiguousarray(scaled, dtype=np.float32)
    return named_dataset(name, rows, table.labels, split, table.classes)


@lru_cache(maxsize=2)
def _open(path: Path, _changed: int, _size: int) -> Table:
    frame = _frame(path)
    if not len(frame):
        raise RequestError(f"'{path}' has no rows; give at least {LEAST_ROWS} of each class")
    if len(frame.columns) < 2:
        raise RequestError(
            f"'{path}' has one column; the last one is the class, and those before it are numbers"
        )
    *names, last = frame.columns
    features = np.stack([_numbers(path, frame[name]) for name in names], axis=1)
    classes, labels = _classes(path, frame[last])
    return Table(features=features, labels=labels, classes=classes)


def _frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        is_csv = path.suffix.lower() == ".csv"
        frame: pd.DataFrame = pd.read_csv(path) if is_csv else pd.read_parquet(path)
    except ImportError as error:
        raise RequestError(
            f"pandas reads '{path}' with pyarrow, which is not installed; pip install pyarrow, or "
            "give a CSV file"
        ) from error
    except Exception as error:  # damaged files raise whatever their format's reader runs into
        raise RequestError(
            f"'{path}' cannot be read ({one_line(error)[:200]}); give a CSV or Parquet file whose "
            "last column is the class"
        ) from error
    if len(frame.columns) > 1 and all(map(_is_number, frame.columns)):
        raise RequestError(
            f"'{path}' begins with a row of numbers; write the names of its columns above it"
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise RequestError(f"'{path}' has two columns '{one_line(twice[0])}'; rename one of them")
    return frame


def _is_number(name: object) -> bool:
    try:
        float(str(name))
    except ValueError:
        return False
    return True


def _numbers(path: Path, column: pd.Series[Any]) -> NDArray[np.float64]:
    """A feature's values.

    Raises:
        RequestError: One is no number or missing; the message says where.
    """
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    (wrong,) = np.nonzero(~np.isfinite(values))
    if len(wrong):
        value = column.iloc[int(wrong[0])]
        found = "nothing" if pd.isna(value) else f"'{one_line(value)[:60]}'"
        raise RequestError(
            f"'{path}' has {found} in row {wrong[0] + 1} of the column '{one_line(column.name)}', "
            "which is no number; write numbers there, or take the row or the column out"
        )
    return values


def _classes(path: Path, column: pd.Series[Any]) -> tuple[tuple[str, ...], Integers]:
    """The classes in their order, and the class of each row."""
    missing = column.isna().to_numpy().nonzero()[0]
    if len(missing):
        raise RequestError(
            f"'{path}' has no class in row {missing[0] + 1} of its last column, "
            f"'{one_line(column.name)}'; write one there, or take the row out"
        )
    values = column.to_numpy(dtype=object)
    try:
        found = sorted(set(values))
    except TypeError:  # of several types
        values = np.array([str(value) for value in values], dtype=object)
        found = sorted(set(values))
    place = {value: index for index, value in enumerate(found)}
    labels = np.array([place[value] for value in values], dtype=np.int64)
    counts = np.bincount(labels)
    if counts.min() < LEAST_ROWS:
        rare = one_line(found[int(counts.argmin())])[:60]
        raise RequestError(
            f"'{path}' has one row of the class '{rare}' in its last column, "
            f"'{one_line(column.name)}', and {LEAST_ROWS} are the least; add rows of it or take it "
            "out"
        )
    if len(found) < 2:
        raise RequestError(
            f"'{path}' has one class alone, '{one_line(found[0])[:60]}', in its last column, "
            f"'{one_line(column.name)}'; two are the least"
        )
    return tuple(one_line(value)[:60] for value in found), labels
