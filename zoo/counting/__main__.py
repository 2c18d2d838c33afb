"""`python -m zoo.counting`: the counting exercise for another picture size, in closed form."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from zoo.counting.exercise import KERNELS, CountingRow, counting_exercise
from zoo.counting.networks import CLASSES, SIDE

if TYPE_CHECKING:
    from rich.table import Table

PLAIN_WIDTH = 160  # columns where the output is no terminal


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong with a command line, where argparse would print its usage as well."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see {self.prog} --help)")


def main(arguments: list[str] | None = None) -> int:
    """Prints the tables; exit code 2 and one line for sizes that no network has."""
    parser = _Parser(prog="python -m zoo.counting", description=__doc__, allow_abbrev=False)
    parser.add_argument("--side", type=int, default=SIDE, help=f"pixels along an edge ({SIDE})")
    parser.add_argument(
        "--hidden", type=int, help="neurons of each of BP's hidden layers (one for each pixel)"
    )
    parser.add_argument("--kernel", type=int, help="the CNN's kernel size (5 and 3)")
    try:
        options = parser.parse_args(arguments)
        kernels = KERNELS if options.kernel is None else (options.kernel,)
        rows = counting_exercise(options.side, hidden=options.hidden, kernels=kernels)
    except ValueError as error:
        print(f"zoo.counting: {error}", file=sys.stderr)
        return 2
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    pictures = f"{options.side}x{options.side} grey pictures, {CLASSES} classes"
    console.print(_layers(rows[1:], pictures))
    console.print(_comparison(rows, pictures))
    console.print(
        "A multiply-accumulate (MAC) is one multiplication with its addition, for one picture, "
        "biases not counted. Fewer parameters is not as much less work: a convolution uses each "
        "of its few weights at every place of the picture."
    )
    return 0


def _layers(rows: tuple[CountingRow, ...], pictures: str) -> Table:
    from rich.table import Table

    table = Table(title=f"Parameters of the CNN, layer by layer: {pictures}")
    table.add_column("network")
    for column in ("conv 1", "conv 2", "conv 3", "100", "3", "total"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row.network, *(f"{n:,}" for n in (*row.layer_parameters, row.parameters)))
    return table


def _comparison(rows: tuple[CountingRow, ...], pictures: str) -> Table:
    from rich.table import Table

    table = Table(title=f"BP against CNN: {pictures}")
    table.add_column("network")
    for column in ("parameters", "BP / CNN", "MACs", "BP / CNN"):
        table.add_column(column, justify="right")
    bp = rows[0]
    for row in rows:
        ratios = (row.bp_parameters_ratio, row.bp_macs_ratio)
        parameters, macs = ("" if row is bp else f"{ratio:,.2f}" for ratio in ratios)
        table.add_row(row.network, f"{row.parameters:,}", parameters, f"{row.macs:,}", macs)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
