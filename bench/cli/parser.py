"""What all command lines share: options read strictly, wrong requests told in one line."""

from __future__ import annotations

import argparse
import atexit
import functools
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from bench.cli.completion import complete
from bench.cli.frame import AnsweredError, framed
from bench.records.errors import RequestError

Options = argparse.ArgumentParser | argparse._ArgumentGroup  # what takes options
Main = Callable[[list[str] | None], int]


class Parser(argparse.ArgumentParser):
    """Raises what is wrong with a command line, where argparse would print its usage as well."""

    def __init__(self, module: str, description: str | None, examples: str | None = None) -> None:
        super().__init__(
            prog=f"python -m {module}",
            description=description,
            epilog=examples,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses a command line, unless a shell asks how it may go on."""
        complete(self)
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message} (see {self.prog} --help)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Ends after `--help`."""
        if message:
            self._print_message(message)
        raise AnsweredError(status)


def command(module: str) -> Callable[[Main], Callable[..., int]]:
    """Puts the frame around a `main`: see `bench.cli.frame`."""

    def decorate(main: Main) -> Callable[..., int]:
        @functools.wraps(main)
        def answer(arguments: list[str] | None = None) -> int:
            atexit.register(_leave_garbage)
            return framed(module, lambda: main(arguments))

        return answer

    return decorate


def _leave_garbage() -> None:
    """Spares a process that ends the search for what it might free: a second, with torch."""
    if "triton" not in sys.modules:  # which would list all that it is left with
        gc.freeze()


def add_reports(parser: Options) -> None:
    """Adds `--reports`, the folder that report names are looked up in."""
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of all reports (reports)"
    )


def add_run(parser: Options) -> None:
    """Adds what names one training run of a report: report, network, `--seed` and `--device`."""
    add = parser.add_argument
    add("name", help="a report's name, or the path of its folder")
    add("network", help="a network of the report")
    add("--seed", type=int, help="of the training run (the first that went through)")
    add("--device", help="where it was trained: cpu or cuda (the first that the report has)")


def add_zoo(parser: Options) -> None:
    """Adds `--zoo`, the file or module with networks of the user's own."""
    parser.add_argument(
        "--zoo",
        metavar="FILE",
        help="a Python file, or a module by its name, with networks of your own; it is run",
    )


def at_least_one(text: str) -> int:
    """A whole number from 1 on, for an option's `type`."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def add_jobs(parser: Options) -> None:
    """Adds `--jobs`, which must be 1 or more; without it, one for each core."""
    parser.add_argument(
        "--jobs",
        type=at_least_one,
        help="networks trained at a time (one per core); the results are the same bits whatever "
        "it is",
    )


def add_cluster(parser: Options) -> None:
    """Adds `--cluster`, the scheduler whose workers train the cells."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="train on the workers of the Dask scheduler at tcp://HOST:PORT, or of its scheduler "
        "file; speed is measured on this machine all the same (docs/cluster.md)",
    )


def add_data_root(parser: Options) -> None:
    """Adds `--data-root`; without it `$BENCH_DATA_ROOT` counts, then `data`."""
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path(os.environ.get("BENCH_DATA_ROOT") or "data"),
        help="folder above MNIST/raw ($BENCH_DATA_ROOT, or data)",
    )
