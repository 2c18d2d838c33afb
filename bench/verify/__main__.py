"""`python -m bench.verify NAME`: whether a report's cells are the same when trained again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, at_least_one, command
from bench.records.store import find_folder

if TYPE_CHECKING:
    from bench.verify.retrain import Verification

EXIT_DIFFERS, EXIT_NOT_COMPARABLE = 1, 3


@command("bench.verify")
def main(arguments: list[str] | None) -> int:
    """Verifies the latest run of a report, in newly spawned processes.

    Returns:
        0 if weights, predictions and loss curves equal the records; 1 if some differ, each cell
        with its first difference; 3 if nothing differs but some cells cannot be compared here,
        with the reasons; 2 if the request was wrong.
    """
    parser = Parser("bench.verify", __doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    parser.add_argument("--cells", type=at_least_one, help="train so many, seed by seed (all)")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    folder = find_folder(options.name, options.reports)
    from bench.verify.retrain import verify

    shown = progress.choose(quiet=False)
    try:
        verification = verify(
            folder, data_root=options.data_root, cells=options.cells, progress=shown
        )
    finally:
        shown.close()
    _print(verification)
    if verification.mismatches:
        return EXIT_DIFFERS
    return EXIT_NOT_COMPARABLE if verification.obstacles else 0


def _print(verification: Verification) -> None:
    for mismatch in verification.mismatches:
        print(f"differs: {mismatch}")
    for obstacle in verification.obstacles:
        print(f"cannot be compared here: {obstacle}")
    for note in verification.notes:
        print(f"note: {note}")
    differ = len(verification.mismatches)
    print(
        f"{verification.retrained} of {verification.cells} cells trained again, "
        + (f"{differ} differ from their records" if differ else "no difference found")
    )


if __name__ == "__main__":
    raise SystemExit(main())
