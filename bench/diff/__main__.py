"""`python -m bench.diff A B`: what differs between two reports, B minus A."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.parser import Parser, add_reports, command
from bench.diff.thresholds import parse_thresholds
from bench.records.errors import RequestError
from bench.records.store import find_folder

if TYPE_CHECKING:
    from bench.diff.changes import Change

EXIT_WORSE = 1
_COLUMNS = (
    *("model", "device", "metric", "a", "b", "change", "low", "high"),
    *("verdict", "basis", "failed"),
)


@command("bench.diff")
def main(arguments: list[str] | None) -> int:
    """Compares the latest runs of two reports.

    Returns:
        1 if a metric with a threshold got worse by more than it with its whole interval; 2 if the
        request was wrong or the comparison would be unfair; else 0.
    """
    parser = Parser("bench.diff", __doc__)
    parser.add_argument("a", metavar="A", help="a report's name, or the path of its folder")
    parser.add_argument("b", metavar="B", help="the report to compare with it")
    parser.add_argument("--anyway", action="store_true", help="compare what is unfair to compare")
    parser.add_argument(
        "--fail",
        metavar="THRESHOLDS",
        help="exit with 1 if a metric got worse by more: accuracy:0.5pp,throughput:5%%",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table there, unrounded")
    add_reports(parser)
    options = parser.parse_args(arguments)
    thresholds = parse_thresholds(options.fail) if options.fail is not None else {}
    if options.csv is not None and (options.csv.is_dir() or not options.csv.parent.is_dir()):
        raise RequestError(f"--csv '{options.csv}' cannot be written; name a file in a folder")
    folders = [find_folder(name, options.reports) for name in (options.a, options.b)]

    from bench.diff.changes import breaches, compare
    from bench.diff.page import page
    from bench.diff.sides import open_side, unfairness

    a, b = map(open_side, (options.a, options.b), folders)
    unfair = unfairness(a, b)
    if unfair and not options.anyway:
        raise RequestError(
            f"'{a.name}' and '{b.name}' cannot be compared fairly: {'; '.join(unfair)}; "
            "--anyway compares them all the same"
        )
    changes = compare(a, b)
    worse = breaches(changes, thresholds)
    if options.csv is not None:
        _write_table(options.csv, changes, worse)
    print(page(a, b, changes, unfair=unfair, thresholds=thresholds), end="")
    return EXIT_WORSE if worse else 0


def _write_table(path: Path, changes: Sequence[Change], worse: Sequence[Change]) -> None:
    """One row per model, device and metric, unrounded.

    `a` and `b` are in the metric's unit; `change`, `low` and `high` are fractions: of all test
    samples for accuracy, of `a` for all others.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for change in changes:
            low, high = change.interval or (None, None)
            writer.writerow(
                [
                    *(change.model, change.device, change.metric.name),
                    *(change.a, change.b, change.change, low, high),
                    *(change.verdict, change.basis, change in worse),
                ]
            )


if __name__ == "__main__":
    raise SystemExit(main())
