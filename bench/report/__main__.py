"""`python -m bench.report NAME`: rebuilds a report from its records, without training."""

from __future__ import annotations

from bench.cli.parser import Parser, add_reports, command
from bench.records.store import find_folder


@command("bench.report")
def main(arguments: list[str] | None) -> int:
    """Rebuilds a report; exit code 2 where there is none."""
    parser = Parser("bench.report", __doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    add_reports(parser)
    options = parser.parse_args(arguments)
    folder = find_folder(options.name, options.reports)
    from bench.report.write import rebuild

    rebuild(folder)
    print(folder / "report.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
