"""`python -m bench.predict NAME NETWORK PICTURE ...`: what a trained network sees in pictures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cells.recorded import RecordedRun, find_run
from bench.cli.parser import Parser, add_reports, add_run, add_zoo, command
from bench.records.errors import RequestError
from bench.records.text import one_line

if TYPE_CHECKING:
    from bench.cells.asking import Answer

EXIT_BAD_PICTURES = 1
SHOWN = 3  # classes for each picture

ABOUT = """
A picture is made what the network was trained on: turned upright, grey where its data are grey,
scaled to its side and normalised by the report's recipe. It is neither cut out nor centred.

The networks of digits and MNIST know light digits on a dark ground, one digit that fills most of a
square. A photo or a drawing of dark ink on white paper needs --invert; a line on standard error
says where a picture's edges are light and those of the data are dark.
"""
EXAMPLES = """examples:
  python -m bench.predict local-digits-common lenet seven.png --show
  python -m bench.predict reports/local-mnist-common lenet scans/*.png --invert --json
"""


@command("bench.predict")
def main(arguments: list[str] | None) -> int:
    """Answers about pictures, one after the other.

    Returns:
        0 if all pictures were answered, 1 if some could not be read, each told in a line; 2 if the
        request was wrong.
    """
    parser = Parser("bench.predict", f"{__doc__}\n{ABOUT}", EXAMPLES)
    add_run(parser)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="picture", help="a file")
    parser.add_argument("--invert", action="store_true", help="exchange light and dark first")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--show", action="store_true", help="show the pictures as the network sees them"
    )
    how.add_argument("--json", action="store_true", help="print one JSON array")
    add_reports(parser)
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
    if not run.spec.takes_images:
        shape = "x".join(map(str, run.spec.input_shape))
        raise RequestError(
            f"'{run.record.model}' takes rows of {shape} numbers and no pictures; name a network "
            "that takes pictures"
        )
    return _answer(run, options)


def _answer(run: RecordedRun, options: argparse.Namespace) -> int:
    from bench.cells.asking import Asked, PictureError

    asked = Asked(run)
    found: list[dict[str, Any]] = []
    bad = 0
    for path in options.pictures:
        try:
            answer = asked.about(path, inverted=options.invert)
        except PictureError as error:
            bad += 1
            _tell(f"'{path}': {error}")
            continue
        if answer.other_paper:
            _tell(_advice(path, answer, inverted=options.invert))
        if options.json:
            found.append(_fields(path, answer, run))
        else:
            _print(path, answer, run, show=options.show)
    if options.json:
        print(json.dumps(found, indent=2))
    return EXIT_BAD_PICTURES if bad else 0


def _advice(path: Path, answer: Answer, *, inverted: bool) -> str:
    found, known = ("light", "dark") if answer.edges == "light" else ("dark", "light")
    return (
        f"'{path}': its edges are {found}{' when inverted' if inverted else ''}, and those of the "
        f"network's data are {known}; " + ("leave --invert out" if inverted else "try --invert")
    )


def _fields(path: Path, answer: Answer, run: RecordedRun) -> dict[str, Any]:
    classes = [
        {
            "class": label,
            "name": run.request.class_name(label),
            "probability": float(answer.probabilities[label]),
        }
        for label in answer.top(SHOWN)
    ]
    return {"picture": str(path), **classes[0], "top": classes}


def _print(path: Path, answer: Answer, run: RecordedRun, *, show: bool) -> None:
    if show:
        from rich.console import Console

        from bench.cli.pixels import drawing

        print(drawing(answer.seen, Console()), end="")
    said = [
        f"{one_line(run.request.class_name(label))} {answer.probabilities[label]:.1%}"
        for label in answer.top(SHOWN)
    ]
    print(f"{one_line(path)}: {', '.join(said)}", flush=True)


def _tell(words: str) -> None:
    print(f"bench.predict: {one_line(words)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
