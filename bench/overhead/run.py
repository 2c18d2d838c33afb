"""Measures the parts of the overhead report that are not recorded yet, and records them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.cells import machine
from bench.cli.progress import Progress
from bench.overhead import total
from bench.overhead.data import first_pictures
from bench.overhead.measure import Outcome, names_of
from bench.overhead.parts import Part, parts, with_guests
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.store import Store, experiment_key, of_kind
from bench.timing.alone import measuring_alone


def measure_all(folder: Path, data_root: Path, shown: Progress, *, fresh: bool = False) -> int:
    """Measures and records what is missing; how many contenders failed.

    Args:
        folder: Of the report.
        data_root: The folder above `MNIST/raw`.
        shown: Shows what is being done.
        fresh: Sets the records of an earlier measurement aside instead of going on from them.

    Raises:
        RequestError: MNIST is missing or unreadable; nothing has been written.
    """
    first_pictures(data_root)
    here = with_guests(machine.environment())
    store = Store(folder)
    begin(store, here, shown, fresh=fresh)
    failed = measure_parts(store, parts(data_root, here.cores), shown)
    _time_cells(store, data_root, here.cores)
    return failed


def begin(store: Store, here: Environment, shown: Progress, *, fresh: bool) -> None:
    """Leaves no records but those of this environment and commit.

    Ratios of several machines, versions or states of the code would be compared with each other.
    """
    before = [record.environment for record in of_kind(store.each(), kinds.Machine)]
    if before and not fresh:
        if before == [here]:
            return
        shown.begins(
            "what is recorded was measured elsewhere or at another commit; it is set aside"
        )
    store.set_aside()
    store.append(
        kinds.Machine(
            key=experiment_key(kinds.MACHINE, store.path.parent.name),
            experiment=kinds.MACHINE,
            status="ok",
            environment=here,
        )
    )


def measure_parts(store: Store, wanted: Iterable[Part], shown: Progress) -> int:
    """Measures each network of each part that is not recorded whole; how many contenders failed.

    All contenders of a network are measured in the same rounds, so if one is missing or failed, all
    of them are measured.
    """
    recorded = {
        record.key for record in of_kind(store.each(), kinds.Overhead) if record.error is None
    }
    name = store.path.parent.name
    failed = 0
    for part in wanted:
        for model in part.models:
            keys = {guest: _key(name, part, model, guest) for guest in names_of(part.contenders)}
            if recorded.issuperset(keys.values()):
                continue
            shown.begins(f"measuring {part.title}: {model}" if model else f"measuring {part.title}")
            with measuring_alone(shown.begins):
                outcomes = part.measure(part.contenders, part.rounds, model)
            for guest, outcome in outcomes.items():
                store.append(_record(keys[guest], part, model, guest, outcome))
                failed += outcome.error is not None
        for contender in part.contenders.values():
            contender.close()
    return failed


def _key(name: str, part: Part, model: str, contender: str) -> str:
    return experiment_key(kinds.OVERHEAD, name, part=part.name, model=model, contender=contender)


def _record(key: str, part: Part, model: str, contender: str, outcome: Outcome) -> kinds.Overhead:
    return kinds.Overhead(
        key=key,
        experiment=kinds.OVERHEAD,
        part=part.name,
        model=model,
        contender=contender,
        first=outcome.first,
        seconds=outcome.seconds,
        answers=outcome.answers,
        error=outcome.error,
    )


def _time_cells(store: Store, data_root: Path, workers: int) -> None:
    """Records each cell of the whole comparison, alone and side by side, unless that is there."""
    if of_kind(store.each(), kinds.OverheadCells):
        return
    alone, beside = total.each_cell(data_root, 1), total.each_cell(data_root, workers)
    store.append(
        kinds.OverheadCells(
            key=experiment_key(kinds.OVERHEAD_CELLS, store.path.parent.name),
            experiment=kinds.OVERHEAD_CELLS,
            seconds={name: seconds for name, (seconds, _) in alone.items()},
            same_bits=all(beside[name][1] == digest for name, (_, digest) in alone.items()),
            side_by_side=workers,
        )
    )
