"""`python -m bench.overhead`: what this suite's own code costs, measured beside other programs.

Writes a report with five comparisons, each in interleaved rounds: a training step against a bare
loop, torch's options one by one, the execution modes of trained networks, an epoch against a
document's loop and against other trainers, and a whole comparison. Needs MNIST; takes about an
hour, and a machine that does nothing else. Other trainers and run times are compared where they are
installed. A measurement that was stopped goes on when the command is given again.
"""

from __future__ import annotations

from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, command
from bench.records.lock import writing_alone
from bench.records.owner import OVERHEAD, require_own, validate_folder

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
    parser.add_argument(
        "--fresh", action="store_true", help="set earlier records of this report aside"
    )
    options = parser.parse_args(arguments)
    folder = validate_folder(options.name, options.reports)
    require_own(folder, OVERHEAD)
    from bench.overhead.page import write_page
    from bench.overhead.run import measure_all

    shown = progress.choose(quiet=False)
    with writing_alone(folder):
        try:
            data_root = options.data_root.resolve()
            failed = measure_all(folder, data_root, shown, fresh=options.fresh)
        finally:
            shown.close()
        write_page(folder)
    print(folder / "report.md")
    return EXIT_FAILED if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
