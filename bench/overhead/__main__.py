"""`python -m bench.overhead`: what this suite's own code costs, measured beside other programs.

Writes a report with four comparisons, each in interleaved rounds: a training step against a bare
loop, torch's options one by one, an epoch against a document's loop and against other trainers,
and a whole comparison. Needs MNIST; takes about twenty minutes, and a machine that does nothing
else. Other trainers are compared where they are installed.
"""

from __future__ import annotations

from bench.cells.plan import validate_folder
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, command

NAME = "overhead"
EXIT_FAILED = 1


@command("bench.overhead")
def main(arguments: list[str] | None) -> int:
    """Measures, records and writes the report.

    Returns:
        0 if everything could be measured, 1 if something failed, 2 if the request was wrong or
        MNIST is missing.
    """
    parser = Parser("bench.overhead", __doc__)
    parser.add_argument("--name", default=NAME, help=f"name of the report ({NAME})")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    folder = validate_folder(options.name, options.reports)
    from bench.overhead.page import write_page
    from bench.overhead.run import measure_all

    shown = progress.choose(quiet=False)
    try:
        failed = measure_all(folder, options.data_root.resolve(), shown)
    finally:
        shown.close()
    write_page(folder)
    print(folder / "report.md")
    return EXIT_FAILED if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
