"""`python -m bench.counting`: the counting exercise run for real, BP against CNN.

Trains the BP network of 300 million parameters (one seed) and the CNN (five seeds) on the same
three digits at 100x100, until both have learned, measures both, and writes a report with
parameters, work, memory, time and accuracy side by side. Takes about a quarter of an hour, and 5
GiB of free memory.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from bench.cells.counting_recipe import MODELS
from bench.cells.plan import Request, plan
from bench.cli import progress
from bench.cli.parser import Parser, add_reports, command
from bench.records.lock import writing_alone
from bench.records.owner import COUNTING, require_own
from bench.records.text import one_line

EXIT_FAILED = 1
NAME = "local-counting"
COMMAND = "python -m bench.counting"
CNN, CNN_SEEDS = "cnn-100", (1, 2, 3, 4, 5)


@command("bench.counting")
def main(arguments: list[str] | None) -> int:
    """Trains and measures what is not recorded yet, and writes the report.

    Returns:
        0 if all ran, 1 if something failed, 2 if the request was wrong or memory is short.
    """
    parser = Parser("bench.counting", __doc__)
    parser.add_argument("--name", default=NAME, help=f"name of the report ({NAME})")
    add_reports(parser)
    request = _request(parser.parse_args(arguments))
    plan(request)
    require_own(request.folder, COUNTING)
    from bench.counting.page import write_page
    from bench.runner import carry_out, require_memory_for

    require_memory_for(request)  # of the larger network, before the smaller one trains for minutes
    shown = progress.choose(quiet=False)
    with writing_alone(request.folder):
        try:
            seeds = carry_out(replace(request, models=(CNN,), seeds=CNN_SEEDS, rounds=0), shown)
            results = carry_out(request, shown)
        finally:
            shown.close()
        write_page(results, seeds.get(CNN, "cpu"), request.folder)
    failures = dict.fromkeys((*results.failures, *seeds.failures))
    for failure in failures:
        print(f"failed: {one_line(failure)}", file=sys.stderr)
    print(request.folder / "report.md")
    return EXIT_FAILED if failures else 0


def _request(options: argparse.Namespace) -> Request:
    words = [COMMAND]
    if options.name != NAME:
        words.append(f"--name {shlex.quote(options.name)}")
    if options.reports != Path("reports"):
        words.append(f"--reports {shlex.quote(str(options.reports))}")
    return Request(
        models=MODELS,
        dataset="digits",
        recipe="document",
        seeds=(1,),
        name=options.name,
        reports=options.reports,
        command=" ".join(words),
    )


if __name__ == "__main__":
    raise SystemExit(main())
