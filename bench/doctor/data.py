"""Whether the data are the published ones."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bench.doctor.finding import Finding

PART = "data"
DIGITS_ROWS, DIGITS_COLUMNS = 1_797, 65  # scikit-learn: 64 pixels and a label


def data(root: Path) -> Iterator[Finding]:
    """MNIST's files and scikit-learn's digits.

    Args:
        root: The folder above `MNIST/raw`.
    """
    yield digits()
    yield from mnist(root / "MNIST" / "raw")


def digits(file: Path | None = None) -> Finding:
    """Whether the digits that come with scikit-learn are whole.

    Args:
        file: Where they are; None where scikit-learn keeps them.
    """
    package = find_spec("sklearn")
    if file is None and (package is None or package.origin is None):
        return Finding(
            part=PART,
            subject="digits",
            found="scikit-learn is not installed",
            remedy="pip install -e . in the project's folder",
        )
    if file is None:
        assert package is not None
        file = Path(str(package.origin)).parent / "datasets/data/digits.csv.gz"
    remedy = "install scikit-learn anew: pip install --force-reinstall scikit-learn"
    try:
        with gzip.open(file, "rt", encoding="ascii") as lines:
            columns = [line.count(",") + 1 for line in lines]
    except (OSError, EOFError, ValueError) as error:
        return Finding(
            part=PART, subject="digits", found=f"cannot be read ({error})", remedy=remedy
        )
    whole = columns == [DIGITS_COLUMNS] * DIGITS_ROWS
    return Finding(
        part=PART,
        subject="digits",
        found=f"{len(columns):,} pictures" if whole else f"{len(columns):,} lines, not all whole",
        remedy="" if whole else remedy,
    )


def mnist(folder: Path) -> Iterator[Finding]:
    """Whether MNIST's files are those that were published, by their digests."""
    from bench.cells.data import MNIST_MD5

    there = [name for name in MNIST_MD5 if (folder / name).is_file()]
    if not there:
        yield Finding(
            part=PART,
            subject="MNIST",
            found=f"not in '{folder}'; --dataset mnist downloads it (52 MB)",
        )
        return
    for name, md5 in MNIST_MD5.items():
        found = _md5(folder / name)
        words = "the published file" if found == md5 else "not the published file"
        remedy = f"remove '{folder / name}'; the next run with --dataset mnist downloads it anew"
        yield Finding(
            part=PART,
            subject=f"MNIST {name}",
            found="missing" if found is None else words,
            remedy="" if found == md5 else remedy,
        )


def _md5(file: Path) -> str | None:
    """The digest that the files were published with; None for no file, or one nobody may read."""
    try:
        return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return None
