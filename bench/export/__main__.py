"""`python -m bench.export NAME NETWORK FILE`: a trained network for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cells.recorded import RecordedRun, find_run
from bench.cli.parser import Parser, add_data_root, add_reports, add_run, add_zoo, command
from bench.export.formats import FORMATS, Format, format_of
from bench.records.errors import RequestError
from bench.records.text import one_line

EXIT_OTHERWISE = 1

ABOUT = """
The format follows from the file's name. The file takes a batch of any size, normalised as the last
line says, and gives what the network gives. Before it is kept it answers the report's test samples
beside the network; where outputs differ by more than rounding, nothing is written.
"""
EXAMPLES = """examples:
  python -m bench.export local-digits-common lenet lenet.onnx
  python -m bench.export reports/local-mnist-common lenet lenet.pt --seed 2
"""


@command("bench.export")
def main(arguments: list[str] | None) -> int:
    """Writes a network.

    Returns:
        0 if the file is written and answers as the network does, 1 if it cannot; 2 if the request
        was wrong.
    """
    parser = Parser("bench.export", f"{__doc__}\n{ABOUT}", EXAMPLES)
    add_run(parser)
    endings = ", ".join(f"{ending} ({known.title})" for ending, known in FORMATS.items())
    parser.add_argument("file", type=Path, help=f"where to; its name ends in {endings}")
    add_reports(parser)
    add_data_root(parser)
    add_zoo(parser)
    options = parser.parse_args(arguments)
    run = find_run(
        options.name,
        options.network,
        seed=options.seed,
        device=options.device,
        reports=options.reports,
        zoo=options.zoo,
    )
    to = format_of(options.file)
    if options.file.is_dir():
        raise RequestError(f"'{options.file}' is a folder; name a file")
    return _export(run, options.file, to, options.data_root)


def _export(run: RecordedRun, path: Path, to: Format, data_root: Path) -> int:
    from bench.export.checked import ExportError, export

    try:
        found = export(run, path, to, data_root=data_root)
    except ExportError as error:
        print(f"bench.export: '{one_line(path)}' was not written: {error}", file=sys.stderr)
        return EXIT_OTHERWISE
    print(
        f"{one_line(path)}: {run} as {to.title}; {found.samples - found.changed:,} of "
        f"{found.samples:,} test samples are answered alike, outputs differ by {found.largest:.1g} "
        "at most"
    )
    print(f"it takes {_input(run)}, and gives {run.spec.output} of {run.spec.classes} classes")
    return 0


def _input(run: RecordedRun) -> str:
    shape = ", ".join(map(str, ("N", *run.spec.input_shape)))
    if not run.spec.takes_images:
        return f"float32 rows ({shape})"
    used = run.recipe.normalisation
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (used.mean, used.std))
    return f"float32 ({shape}): pixels from 0 to 1, less {mean}, divided by {std}"


if __name__ == "__main__":
    raise SystemExit(main())
