"""`python -m bench.merge A B --name C`: reports made apart, joined into one.

They are the same request but for seeds or models: made on several machines, say, or on several
days. Where they contradict each other, nothing is written.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.parser import Parser, add_reports, command
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.owner import validate_folder
from bench.records.place import own_folder, replacing
from bench.records.store import Store, find_folder

if TYPE_CHECKING:
    from bench.merge.sides import Side


@command("bench.merge")
def main(arguments: list[str] | None) -> int:
    """Joins reports.

    Returns:
        0 if the new report was written, 2 if they cannot be joined.
    """
    parser = Parser("bench.merge", __doc__)
    parser.add_argument("a", metavar="A", help="a report's name, or the path of its folder")
    parser.add_argument("b", metavar="B", nargs="+", help="the reports that are joined to it")
    parser.add_argument("--name", metavar="C", required=True, help="of the report they become")
    add_reports(parser)
    options = parser.parse_args(arguments)
    names = [options.a, *options.b]
    folders = [find_folder(name, options.reports) for name in names]
    folder = validate_folder(options.name, options.reports)
    if Store(folder).path.exists():
        raise RequestError(f"'{folder}' holds records already; choose another --name")

    from bench.merge.join import join
    from bench.merge.sides import open_side, require_same
    from bench.report.write import rebuild

    sides = [open_side(name, place) for name, place in zip(names, folders, strict=True)]
    require_same(sides)
    joined = join(sides, options.name, options.reports)
    with writing_alone(folder):
        store = Store(folder)
        for record in joined.records:
            store.append(record)
        _copy_weights(sides, folder)
        rebuild(folder)
    print(f"{joined.cells} cells of {len(sides)} reports")
    if not joined.timed:
        print(
            "speeds were not measured in the same rounds and are left out; this measures them: "
            f"{joined.command}"
        )
    print(folder / "report.md")
    return 0


def _copy_weights(sides: Sequence[Side], folder: Path) -> None:
    """Copies the files of weights that the reports have; the first report's, where several do."""
    for side in reversed(sides):
        for path in sorted((side.folder / "weights").glob("*.safetensors")):
            with replacing(own_folder(folder / "weights") / path.name) as part:
                shutil.copyfile(path, part)


if __name__ == "__main__":
    raise SystemExit(main())
