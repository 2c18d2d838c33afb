"""Measures every part of the overhead report, and records it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import zoo
from bench.cells import machine
from bench.cells.catalogue import why_not
from bench.cli.progress import Progress
from bench.overhead import loops, options, peers, steps, total
from bench.overhead.data import MODELS, first_pictures
from bench.overhead.measure import Contender, Outcome, take_turns
from bench.overhead.names import BARE, DOCUMENT, LIGHTNING, MANY, ONE, SKORCH, SUITE
from bench.records import kinds
from bench.records.store import Store, experiment_key

Part = Literal["step", "option", "epoch", "total"]

STEP_ROUNDS, OPTION_ROUNDS, EPOCH_ROUNDS, TOTAL_ROUNDS = 12, 8, 8, 6


def models() -> tuple[str, ...]:
    """The networks of the zoo that take MNIST's pictures."""
    specs = map(zoo.get, zoo.names())
    fitting = (s for s in specs if why_not(s, "mnist") is None and "heavy" not in s.tags)
    return tuple(spec.name for spec in fitting)


def measure_all(folder: Path, data_root: Path, shown: Progress) -> int:
    """Measures and records all parts; how many contenders failed.

    Args:
        folder: Of the report.
        data_root: The folder above `MNIST/raw`.
        shown: Shows what is being done.

    Raises:
        RequestError: MNIST is missing or unreadable; nothing has been written.
    """
    first_pictures(data_root)
    store = Store(folder)
    here = machine.environment()
    store.append(
        kinds.Machine(
            key=experiment_key(kinds.MACHINE, folder.name),
            experiment=kinds.MACHINE,
            status="ok",
            environment=here,
        )
    )
    workers = here.cores
    failed = 0
    shown.begins("measuring a training step")
    contenders = {
        name: Contender(function, data_root)
        for name, function in {
            SUITE: steps.suite,
            BARE: steps.bare_loop,
            **({LIGHTNING: steps.lightning} if _there("lightning") else {}),
        }.items()
    }
    failed += _each_model(store, "step", contenders, models(), STEP_ROUNDS)
    shown.begins("measuring torch's options")
    contenders = {
        name: Contender(options.step_seconds, name, data_root) for name in options.OPTIONS
    }
    failed += _each_model(store, "option", contenders, models(), OPTION_ROUNDS)
    shown.begins("measuring an epoch")
    epochs: dict[str, Callable[..., float]] = {SUITE: loops.suite, DOCUMENT: loops.document}
    if _there("lightning"):
        epochs[LIGHTNING] = peers.lightning
    if _there("skorch"):
        epochs[SKORCH] = peers.skorch
    contenders = {
        name: Contender(_on_one_thread, function, data_root) for name, function in epochs.items()
    }
    failed += _each_model(store, "epoch", contenders, MODELS, EPOCH_ROUNDS)
    shown.begins("measuring a whole comparison")
    contenders = {
        DOCUMENT: Contender(total.documents, data_root),
        ONE: Contender(total.suite, 1, data_root),
        MANY: Contender(total.suite, workers, data_root),
    }
    outcomes = take_turns(contenders, TOTAL_ROUNDS)
    _close(contenders)
    failed += _record(store, "total", "", outcomes)
    alone, beside = total.each_cell(data_root, 1), total.each_cell(data_root, workers)
    store.append(
        kinds.OverheadCells(
            key=experiment_key(kinds.OVERHEAD_CELLS, folder.name),
            experiment=kinds.OVERHEAD_CELLS,
            seconds={name: seconds for name, (seconds, _) in alone.items()},
            same_bits=all(beside[name][1] == digest for name, (_, digest) in alone.items()),
            side_by_side=workers,
        )
    )
    return failed


def _there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _on_one_thread(model: str, epoch: loops.Epoch, data_root: Path) -> float:
    import torch

    torch.set_num_threads(1)
    return epoch(model, data_root)


def _each_model(
    store: Store,
    part: Part,
    contenders: Mapping[str, Contender],
    networks: tuple[str, ...],
    rounds: int,
) -> int:
    failed = 0
    for model in networks:
        failed += _record(store, part, model, take_turns(contenders, rounds, model))
    _close(contenders)
    return failed


def _close(contenders: Mapping[str, Contender]) -> None:
    for contender in contenders.values():
        contender.close()


def _record(store: Store, part: Part, model: str, outcomes: Mapping[str, Outcome]) -> int:
    name = store.path.parent.name
    for contender, outcome in outcomes.items():
        store.append(
            kinds.Overhead(
                key=experiment_key(
                    kinds.OVERHEAD, name, part=part, model=model, contender=contender
                ),
                experiment=kinds.OVERHEAD,
                part=part,
                model=model,
                contender=contender,
                first=outcome.first,
                seconds=outcome.seconds,
                error=outcome.error,
            )
        )
    return sum(outcome.error is not None for outcome in outcomes.values())
