"""`python -m bench.verify NAME`: whether a report's cells are the same when trained again."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bench.cells.own import add_networks
from bench.cli import progress
from bench.cli.parser import (
    Parser,
    add_cluster,
    add_data_root,
    add_reports,
    add_zoo,
    at_least_one,
    command,
)
from bench.cluster.address import require_address
from bench.records.store import Store, find_folder
from bench.records.text import one_line

if TYPE_CHECKING:
    from bench.verify.replicate import Replicated
    from bench.verify.retrain import Verification

Found = TypeVar("Found")

EXIT_DIFFERS, EXIT_NOT_COMPARABLE = 1, 3


@command("bench.verify")
def main(arguments: list[str] | None) -> int:
    """Verifies the latest run of a report, in newly spawned processes.

    Returns:
        0 if weights, predictions and loss curves equal the records; 1 if some differ, each cell
        with its first difference; 3 if nothing differs but some cells cannot be compared here,
        with the reasons; 2 if the request was wrong. With `--statistically`: 0 if no network is
        different from its records, 1 if one is, or could not be trained.
    """
    parser = Parser("bench.verify", __doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    parser.add_argument("--cells", type=at_least_one, help="train so many, seed by seed (all)")
    parser.add_argument(
        "--statistically",
        action="store_true",
        help="judge accuracies instead of bits, for another processor or other versions",
    )
    add_zoo(parser)
    add_cluster(parser)
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    require_address(options.cluster)
    folder = find_folder(options.name, options.reports)
    add_networks(options.zoo)
    return (_replicate if options.statistically else _verify)(folder, options)


def _verify(folder: Path, options: argparse.Namespace) -> int:
    from bench.verify.retrain import verify

    return _answer(_trained_again(verify, folder, options), options.name)


def _replicate(folder: Path, options: argparse.Namespace) -> int:
    from bench.verify.replicate import replicate

    replicated = _trained_again(replicate, folder, options)
    _print(replicated)
    return EXIT_DIFFERS if replicated.is_different else 0


def _trained_again(again: Callable[..., Found], folder: Path, options: argparse.Namespace) -> Found:
    """What comes of a report's cells, trained again here or on a cluster."""
    from bench.cluster.place import training_place

    shown = progress.choose(quiet=False)
    devices = Store(folder).latest_request().devices
    try:
        with training_place(options.cluster, devices, shown.begins) as place:
            return again(
                folder,
                data_root=options.data_root,
                cells=options.cells,
                progress=shown,
                place=place,
            )
    finally:
        shown.close()


def _answer(verification: Verification, name: str) -> int:
    for mismatch in verification.mismatches:
        print(one_line(f"differs: {mismatch}"))
    for obstacle in verification.obstacles:
        print(one_line(f"cannot be compared here: {obstacle}"))
    for note in verification.notes:
        print(one_line(f"note: {note}"))
    differ = len(verification.mismatches)
    print(
        f"{verification.retrained} of {verification.cells} cells trained, "
        f"{verification.recounted} networks counted and {verification.refitted} reference "
        "predictors fitted again, "
        + (f"{differ} differ from their records" if differ else "no difference found")
    )
    if differ:
        return EXIT_DIFFERS
    if not verification.obstacles:
        return 0
    print(
        "bits cannot be compared here, but accuracies can: "
        f"python -m bench.verify {name} --statistically"
    )
    return EXIT_NOT_COMPARABLE


def _print(replicated: Replicated) -> None:
    from bench.writing.markdown import aligned, percent, points, signed_interval

    for note in replicated.notes:
        print(one_line(f"note: {note}"))
    numbers = ("seeds", "recorded", "now", "difference", "95% interval")
    rows = [
        (
            network.model if network.device == "cpu" else f"{network.model} {network.device}",
            f"{network.recorded} and {network.now}",
            percent(network.found.recorded),
            percent(network.found.now),
            points(network.found.difference),
            signed_interval(network.found.interval),
            network.found.verdict,
        )
        for network in replicated.networks
    ]
    is_number = [False, *[True] * len(numbers), False]
    print("\n".join(aligned(("network", *numbers, "verdict"), is_number, rows)))
    for failure in replicated.failures:
        print(one_line(f"failed: {failure}"))
    print(
        f"{replicated.retrained} of {replicated.cells} cells trained anew; equivalent: the "
        f"difference is surely smaller than {100 * replicated.margin:g} pp, "
        "adjusted for the number of networks"
    )


if __name__ == "__main__":
    raise SystemExit(main())
