"""What all command lines share: options read strictly, wrong requests told in one line."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from bench.records.errors import RequestError

EXIT_WRONG_REQUEST, EXIT_INTERRUPTED = 2, 130

Main = Callable[[list[str] | None], int]


class Parser(argparse.ArgumentParser):
    """Raises what is wrong with a command line, where argparse would print its usage as well."""

    def __init__(self, module: str, description: str | None) -> None:
        super().__init__(prog=f"python -m {module}", description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message} (see {self.prog} --help)")


def command(module: str) -> Callable[[Main], Callable[..., int]]:
    """Makes a `main` answer a wrong request or Ctrl-C with one line on standard error.

    The exit code is then 2 or 130.
    """

    def decorate(main: Main) -> Callable[..., int]:
        @functools.wraps(main)
        def answer(arguments: list[str] | None = None) -> int:
            try:
                return main(arguments)
            except RequestError as error:
                print(f"{module}: {error}", file=sys.stderr)
                return EXIT_WRONG_REQUEST
            except KeyboardInterrupt:
                print(
                    f"{module}: stopped; what is finished is recorded, and the same command "
                    "(without --fresh) goes on from there",
                    file=sys.stderr,
                )
                return EXIT_INTERRUPTED

        return answer

    return decorate


def add_reports(parser: Parser) -> None:
    """Adds `--reports`, the folder that report names are looked up in."""
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="folder of all reports (reports)"
    )


def at_least_one(text: str) -> int:
    """A whole number from 1 on, for an option's `type`."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def add_jobs(parser: Parser) -> None:
    """Adds `--jobs`, which must be 1 or more; without it, one for each core."""
    parser.add_argument("--jobs", type=at_least_one, help="cells trained at a time (one per core)")


def add_data_root(parser: Parser) -> None:
    """Adds `--data-root`; without it `$BENCH_DATA_ROOT` counts, then `data`."""
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path(os.environ.get("BENCH_DATA_ROOT") or "data"),
        help="folder above MNIST/raw ($BENCH_DATA_ROOT, or data)",
    )
