"""`python -m bench.compare`: trains, measures and compares networks, and writes a report."""

from __future__ import annotations

import argparse
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.cli import progress
from bench.cli.options import read_request, request_parser
from bench.cli.parser import command
from bench.runner import Outcome, run
from bench.writing.markdown import interval, mean_accuracy

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


@command("bench.compare")
def main(arguments: list[str] | None) -> int:
    """Runs one comparison.

    Returns:
        0 if every cell ran, 1 if some failed, 2 if the request was wrong.
    """
    options = request_parser("bench.compare", __doc__).parse_args(arguments)
    try:
        outcome = _run(options)
    except KeyboardInterrupt:
        print("stopped; the same command, without --fresh, goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    if not options.quiet:
        _print_table(outcome)
    for failure in outcome.results.failures:
        print(f"failed: {failure}", file=sys.stderr)
    print(outcome.folder / "report.md")
    return EXIT_FAILED if outcome.failed else 0


def _run(options: argparse.Namespace) -> Outcome:
    request = read_request(options)
    shown = progress.choose(quiet=options.quiet)
    try:
        return run(request, shown)
    finally:
        shown.close()


def _print_table(outcome: Outcome) -> None:
    """The comparison in the terminal: test accuracy, size, and samples per second of training."""
    table = Table(
        title=f"{outcome.results.request.dataset}, best first; samples/s in training",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,  # fits into 80 columns
    )
    table.add_column("network", no_wrap=True)
    for column in ("device", "accuracy", "95% interval", "parameters", "samples/s"):
        table.add_column(column, justify="right", no_wrap=True)
    for group in outcome.results.groups:
        for runs in group:
            speed = outcome.results.speeds.get((runs.model, runs.device))
            trained = speed and speed.train_samples_per_second
            count = outcome.results.counts.get(runs.model)
            table.add_row(
                runs.model,
                runs.device,
                mean_accuracy(runs) if runs.summary else "failed",
                interval(runs.summary),
                f"{count.module_parameters:,}" if count else "-",
                f"{trained:,.0f}" if trained else "-",
            )
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
