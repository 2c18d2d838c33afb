"""What there is to choose from, as tables: networks and data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import zoo

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PLAIN_WIDTH = 200  # columns where the output is no terminal

# By name: what it is, what it needs, and where that lies under the data root.
DATA_SETS = {
    "digits": ("1,797 digits of 8x8, grey", "nothing: it comes with scikit-learn", None),
    "mnist": ("70,000 digits of 28x28, grey", "12 MB, downloaded once", "MNIST/raw"),
    "sums": ("10,000 rows of 3 numbers, 3 classes", "nothing: it is drawn from the seed", None),
    "fashion-mnist": (
        "70,000 clothes of 28x28, grey",
        "31 MB, downloaded once",
        "FashionMNIST/raw",
    ),
    "kmnist": ("70,000 hiragana of 28x28, grey", "21 MB, downloaded once", "KMNIST/raw"),
    "emnist-letters": (
        "145,600 letters of 28x28, 26 classes",
        "562 MB, downloaded once",
        "EMNIST/raw",
    ),
    "cifar10": (
        "60,000 pictures of 32x32, colour",
        "170 MB, downloaded once",
        "cifar-10-batches-py",
    ),
    "usps": ("9,298 digits of 16x16, grey", "8 MB, downloaded once", "usps.bz2"),
}
OWN_DATA = {
    "pictures:DIR": ("your own pictures of digits", "DIR/train and DIR/test; a7.png shows a 7"),
    "folder:DIR": (
        "your own pictures",
        "DIR/train/CLASS and DIR/test/CLASS, or DIR/CLASS",
    ),
    "table:FILE": ("your own rows", "a CSV or Parquet file whose last column is the class"),
}


def print_models() -> None:
    """Prints all networks of the zoo: name, title of the document, input, parameters."""
    table = _table("networks", "network", "document", "input")
    table.add_column("parameters", justify="right", no_wrap=True)
    for name in zoo.names():
        spec = zoo.get(name)
        parameters = spec.declared_parameters
        table.add_row(
            name,
            spec.document.title,
            "x".join(map(str, spec.input_shape)),
            "-" if parameters is None else f"{parameters:,}",
        )
    _console().print(table)


def print_data(data_root: Path) -> None:
    """Prints all data sets: name, what it is, what must be there, and whether it is."""
    table = _table("data sets", "name", "what it is", "what must be there", "here")
    for name, (what, needs, place) in DATA_SETS.items():
        if place is None:
            table.add_row(name, what, needs, "yes")
        else:
            there = (data_root / place).exists()
            table.add_row(name, what, f"{data_root / place} ({needs})", "yes" if there else "no")
    for name, (what, needs) in OWN_DATA.items():
        table.add_row(name, what, needs, "-")
    _console().print(table)


def _table(title: str, name: str, *columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(name, no_wrap=True)
    for column in columns:
        table.add_column(column)
    return table


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console
