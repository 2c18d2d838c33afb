"""`python -m bench.compare`: trains, measures and compares networks, and writes a report."""

from __future__ import annotations

import argparse
import sys

from joblib import cpu_count
from rich.console import Console
from rich.table import Table

from bench import environment, progress
from bench.commandline import Parser, add_data_root, add_reports, command
from bench.data import VALID
from bench.plan import RECIPES, Request, parse_list, parse_seeds
from bench.runner import Outcome, run

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


@command("bench.compare")
def main(arguments: list[str] | None) -> int:
    """Runs one comparison.

    Returns:
        0 if every cell ran, 1 if some failed, 2 if the request was wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        outcome = _run(options)
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return EXIT_INTERRUPTED
    if not options.quiet:
        _print_table(outcome)
    for failure in outcome.results.failures:
        print(f"failed: {failure}", file=sys.stderr)
    print(outcome.folder / "report.md")
    return EXIT_FAILED if outcome.failed else 0


def _parser() -> Parser:
    parser = Parser("bench.compare", __doc__)
    add = parser.add_argument
    add("--models", default="lenet,dnn,net", help="names, aliases, globs, all (lenet,dnn,net)")
    add("--dataset", default="digits", help=f"{VALID} (digits)")
    add("--recipe", default="common", help=f"{' or '.join(RECIPES)} (common)")
    add("--seeds", default="5", help="how many, or which: 5 means 1,2,3,4,5 (5)")
    add("--devices", help="cpu,cuda (default: what is there)")
    add("--epochs", type=int, help="instead of the recipe's")
    add("--jobs", type=int, default=cpu_count(), help="cells trained at a time (one per core)")
    add("--name", help="name of the report (local-DATASET-RECIPE)")
    add_reports(parser)
    add_data_root(parser)
    add("--fresh", action="store_true", help="set earlier records of this report aside")
    add("--quiet", action="store_true", help="print where the report lies, and nothing else")
    return parser


def _run(options: argparse.Namespace) -> Outcome:
    request = Request(
        models=parse_list("--models", options.models),
        dataset=options.dataset,
        recipe=options.recipe,
        seeds=parse_seeds(options.seeds),
        devices=environment.devices()
        if options.devices is None
        else parse_list("--devices", options.devices),
        epochs=options.epochs,
        jobs=options.jobs,
        name=options.name,
        reports=options.reports,
        data_root=options.data_root,
        fresh=options.fresh,
    )
    shown = progress.choose(quiet=options.quiet)
    try:
        return run(request, shown)
    finally:
        shown.close()


def _print_table(outcome: Outcome) -> None:
    """The comparison in the terminal: accuracy with its interval, size and speed."""
    table = Table(title=f"{outcome.results.request['dataset']}, best first")
    table.add_column("network", no_wrap=True)
    for column in ("device", "test accuracy", "95% interval", "parameters", "training samples/s"):
        table.add_column(column, justify="right")
    for group in outcome.results.groups:
        for runs in group:
            summary = runs.summary
            speed = outcome.results.speeds.get((runs.model, runs.device))
            trained = speed and speed.train_samples_per_second
            count = outcome.results.counts.get(runs.model)
            table.add_row(
                runs.model,
                runs.device,
                f"{summary.mean:.2%}" if summary else "failed",
                f"{summary.low:.2%} to {min(summary.high, 1):.2%}"
                if summary and summary.low is not None and summary.high is not None
                else "-",
                f"{count['module_parameters']:,}" if count else "-",
                f"{trained:,.0f}" if trained else "-",
            )
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
