"""`python -m bench.time_to_accuracy`: how long networks take to 97, 98, 98.5 and 99% on MNIST.

Trains every image network of the zoo under the fast recipe, one at a time and each in a process of
its own, and writes `time-to-accuracy-DEVICE`, a report for each device. Needs MNIST; takes about
seven minutes for each seed on a CPU, and a machine that does nothing else. A run that was stopped
goes on where it was.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace

from bench.cells.own import add_networks, require_sound
from bench.cells.plan import Request, plan
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, add_zoo, command
from bench.cli.values import parse_list, parse_seeds
from bench.records.lock import writing_alone
from bench.records.owner import TIME_TO_ACCURACY, require_own, validate_folder

NAME = "time-to-accuracy"
EXIT_FAILED = 1


@command("bench.time_to_accuracy")
def main(arguments: list[str] | None) -> int:
    """Trains, records and writes the reports.

    Returns:
        0 if every run went to its end, 1 if one raised, 2 if the request was wrong or MNIST is
        missing.
    """
    parser = Parser("bench.time_to_accuracy", __doc__)
    add = parser.add_argument
    add("--models", default="all", help="names, aliases, globs, all (all)")
    add_zoo(parser)
    add("--seeds", default="5", help="how many, or which: 5 means 1,2,3,4,5 (5)")
    add("--devices", help="cpu,cuda (default: what is there)")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    own = add_networks(options.zoo)
    request = Request(
        models=parse_list("--models", options.models),
        dataset="mnist",
        recipe="fast",
        seeds=parse_seeds(options.seeds),
        reports=options.reports,
    )
    planned = plan(request)  # what is wrong is found before anything heavy is imported
    require_sound(own, planned)
    from bench.cells import machine

    devices = machine.devices()
    if options.devices is not None:
        devices = parse_list("--devices", options.devices)
    words = " ".join(
        f"--{name} {shlex.quote(given)}"
        for name in ("models", "zoo", "seeds")
        if (given := getattr(options, name)) != parser.get_default(name)
    )
    shown = progress.choose(quiet=False)
    try:
        failed = [_report(replace(request, devices=(d,)), words, options, shown) for d in devices]
    finally:
        shown.close()
    return EXIT_FAILED if any(failed) else 0


def _report(
    request: Request, words: str, options: argparse.Namespace, shown: progress.Progress
) -> int:
    """Makes the report of a device; how many runs raised."""
    from bench.runner import plan_here
    from bench.time_to_accuracy.page import write_page
    from bench.time_to_accuracy.run import run_race

    (device,) = request.devices
    folder = validate_folder(f"{NAME}-{device}", request.reports)
    require_own(folder, TIME_TO_ACCURACY)
    line = " ".join(
        filter(None, ("python -m bench.time_to_accuracy", words, f"--devices {device}"))
    )
    with writing_alone(folder):
        failed = run_race(folder, plan_here(request), options.data_root.resolve(), line, shown)
        write_page(folder)
    print(folder / "report.md")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
