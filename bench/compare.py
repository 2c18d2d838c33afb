# PYTHON_ARGCOMPLETE_OK
"""`python -m bench.compare`: trains, measures and compares networks, and writes a report."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from bench.cells.own import add_networks
from bench.cells.plan import Request
from bench.cli import progress
from bench.cli.lists import print_data, print_models
from bench.cli.options import add_trackers, read_request, request_parser
from bench.cli.parser import Parser, command
from bench.cli.progress import Progress
from bench.records.errors import TrackingError
from bench.records.text import one_line

if TYPE_CHECKING:
    from bench.report.outcome import Outcome

EXIT_FAILED = 1


@command("bench.compare")
def main(arguments: list[str] | None) -> int:
    """Runs one comparison, or says what one would do.

    Returns:
        0 if every cell ran, 1 if some failed, 2 if the request was wrong.
    """
    options = _parser().parse_args(arguments)
    if options.list_models or options.list_data:
        _list(options)
        return 0
    request = read_request(options, trains=not options.dry_run)
    if options.dry_run:
        _print_forecast(request)
        return 0
    from bench.runner import run  # a wrong request is answered before torch is loaded

    shown = progress.choose(quiet=options.quiet)
    try:
        outcome = run(request, shown)
    except KeyboardInterrupt as stopped:
        stopped.add_note(_what_is_kept(shown, request, arguments))
        raise
    finally:
        shown.close()
    if not options.quiet:
        _print_table(outcome)
    for failure in outcome.results.failures:
        print(f"failed: {one_line(failure)}", file=sys.stderr)
    tracked = _track(outcome, options)
    print(outcome.folder / "report.md")
    return 0 if tracked and not outcome.failed else EXIT_FAILED


def _track(outcome: Outcome, options: argparse.Namespace) -> bool:
    """Hands the runs on to those who shall show them, too; whether all took them."""
    said = []
    try:
        if options.tensorboard:
            from bench.tracking.tensorboard import write_events

            place = write_events(outcome.results, outcome.folder)
            said.append(f"{place} (tensorboard --logdir {shlex.quote(str(place))})")
        if options.tracker == "mlflow":
            from bench.tracking.mlflow import log_runs

            said.append(log_runs(outcome.results, outcome.folder))
    except TrackingError as error:
        print(f"bench.compare: {one_line(error)}", file=sys.stderr)
        return False
    finally:
        if not options.quiet:
            print(*said, sep="\n", end="\n" if said else "")
    return True


def _parser() -> Parser:
    parser = request_parser("bench.compare", __doc__)
    add_trackers(parser)
    add = parser.add_argument_group("what is said instead of running").add_argument
    add("--dry-run", action="store_true", help="what would run and about how long; writes nothing")
    add("--list-models", action="store_true", help="all networks, with inputs and parameters")
    add("--list-data", action="store_true", help="all data sets, and what must be there for them")
    return parser


def _list(options: argparse.Namespace) -> None:
    add_networks(options.zoo)
    if options.list_models:
        print_models()
    if options.list_data:
        print_data(options.data_root)


def _what_is_kept(shown: Progress, request: Request, arguments: list[str] | None) -> str:
    """What a run that is stopped leaves, and the command that goes on from there."""
    words = sys.argv[1:] if arguments is None else arguments
    again = shlex.join(
        ["python", "-m", "bench.compare", *(word for word in words if word != "--fresh")]
    )
    if not shown.total:
        return f"no run has begun; this begins again: {again}"
    kept = f"{shown.done} of {shown.total} runs are kept in '{request.folder}'"
    return f"{kept}, and this goes on from there: {again}"


def _print_table(outcome: Outcome) -> None:
    """The comparison in the terminal: test accuracy, size, and samples per second of training."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from bench.writing.markdown import interval, percent

    results = outcome.results
    table = Table(
        title=f"{results.request.dataset}, best first; samples/s in training",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,  # fits into 80 columns
    )
    console = Console()
    widths = {"device": 6, "accuracy": 8, "95% over seeds": 16, "parameters": 10, "samples/s": 9}
    left = console.width - sum(widths.values()) - 2 * len(widths) - 2
    # Of long lines the name is cut, never a number.
    table.add_column("network", no_wrap=True, overflow="ellipsis", max_width=max(8, left))
    for column, width in widths.items():
        table.add_column(column, justify="right", no_wrap=True, min_width=width)
    for group in results.groups:
        for runs in group:
            speed = results.speeds.get((runs.model, runs.device))
            trained = speed and speed.train_samples_per_second
            count = results.counts.get(runs.model)
            table.add_row(
                runs.model,
                runs.device,
                runs.instead or percent(runs.summary.mean if runs.summary else None),
                interval(runs.summary),
                f"{count.module_parameters:,}" if count else "-",
                f"{trained:,.0f}" if trained else "-",
            )
        table.add_section()
    console.print(table)


def _print_forecast(request: Request) -> None:
    """What a run would do: its networks in a table, and in words what they come to."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from bench.forecast import forecast, in_words

    found = forecast(request)
    table = Table(title=f"what would run for {request.folder}", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network", no_wrap=True)
    for column in ("device", "runs", "kept", "to train", "seconds a run"):
        table.add_column(column, justify="right", no_wrap=True)
    for network in found.networks:
        seconds = network.run_seconds
        table.add_row(
            network.model,
            network.device,
            str(network.runs),
            str(network.kept),
            str(network.to_train),
            "-" if seconds is None else f"{seconds:.1f}",
        )
    Console(highlight=False).print(table)
    for line in in_words(found, request):
        print(line)


if __name__ == "__main__":
    raise SystemExit(main())
