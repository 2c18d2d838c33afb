"""`python -m bench.doctor`: says what is wrong with machine, installation, data and reports.

For each it says what to do. The exit code is 0 if all is well, 1 if something is not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from bench.cli.parser import Parser, add_data_root, add_reports, command
from bench.doctor.finding import Finding
from bench.records.text import one_line

EXIT_WRONG = 1


@command("bench.doctor")
def main(arguments: list[str] | None) -> int:
    """Looks at everything and prints a line for each.

    Returns:
        0 if all is well, 1 if something is not.
    """
    parser = Parser("bench.doctor", __doc__)
    add_reports(parser)
    add_data_root(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    options = parser.parse_args(arguments)
    found = tuple(look(options))
    if options.json:
        print(json.dumps([{**asdict(item), "ok": item.ok} for item in found], indent=1))
    else:
        print(told(found))
    return 0 if all(item.ok for item in found) else EXIT_WRONG


def look(options: argparse.Namespace) -> Iterator[Finding]:
    """Everything that is looked at, in this order."""
    from bench.doctor.data import data
    from bench.doctor.installation import installation
    from bench.doctor.machine import machine
    from bench.doctor.reports import reports

    yield from machine(options.reports)
    yield from installation()
    yield from data(options.data_root)
    yield from reports(options.reports)


def told(found: Sequence[Finding]) -> str:
    """A line for each finding, under the name of its part, and at the end how many are wrong."""
    lines = []
    for part, items in groupby(found, key=lambda item: item.part):
        lines.append(part)
        for item in items:
            mark = "ok   " if item.ok else "WRONG"
            lines.append(f"  {mark} {one_line(item.subject)}: {one_line(item.found)}")
            if not item.ok:
                lines.append(f"        {one_line(item.remedy)}")
    wrong = sum(not item.ok for item in found)
    lines.append(f"{wrong} of {len(found)} wrong" if wrong else f"all {len(found)} are well")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
