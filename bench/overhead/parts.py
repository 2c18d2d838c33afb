"""What the overhead report measures, part by part, each in rounds of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.cells.fitting import image_models, twins
from bench.overhead import cores, inference, loops, options, peers, steps, total
from bench.overhead.data import MODELS
from bench.overhead.measure import Contender, Outcome, take_turns
from bench.overhead.modes import MODES
from bench.overhead.names import (
    BARE,
    BARE_ALONE,
    BARE_BESIDE,
    DOCUMENT,
    LIGHTNING,
    MANY,
    ONE,
    OWN,
    SKORCH,
    SUITE,
)
from bench.records.environment import Environment
from bench.records.kinds import OverheadPart

GUESTS = ("lightning", "skorch", "onnx", "onnxscript", "onnxruntime", "torchao")
ALL_TOGETHER = ""  # in the place of a network

Measure = Callable[[Mapping[str, Contender], int, str], dict[str, Outcome]]


def _turns(contenders: Mapping[str, Contender], rounds: int, model: str) -> dict[str, Outcome]:
    return take_turns(contenders, rounds, *((model,) if model != ALL_TOGETHER else ()))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Contenders that are compared with each other.

    Attributes:
        name: In the records.
        title: What is measured, for a reader who waits.
        contenders: By name.
        models: The networks, one after the other; one `ALL_TOGETHER` where there is no choice.
        rounds: How often each contender is visited for each network.
        measure: Visits contenders so often for a network.
    """

    name: OverheadPart
    title: str
    contenders: Mapping[str, Contender]
    models: tuple[str, ...]
    rounds: int
    measure: Measure = _turns


def parts(data_root: Path, workers: int) -> tuple[Part, ...]:
    """All parts, in the order in which they are measured.

    Args:
        data_root: The folder above `MNIST/raw`.
        workers: Cells side by side in a whole comparison.
    """
    return (
        Part(
            name="step",
            title="a training step",
            contenders=_steps(data_root),
            models=image_models(),
            rounds=6,
        ),
        Part(
            name="option",
            title="torch's options",
            contenders=_options(data_root),
            models=image_models(),
            rounds=6,
        ),
        Part(
            name="inference",
            title="execution modes",
            contenders=_modes(),
            models=tuple(twins(image_models())),
            rounds=6,
            measure=partial(inference.measure, data_root=data_root),
        ),
        Part(
            name="epoch",
            title="an epoch",
            contenders=_epochs(data_root),
            models=MODELS,
            rounds=8,
        ),
        Part(
            name="total",
            title="a whole comparison",
            contenders=_totals(data_root, workers),
            models=(ALL_TOGETHER,),
            rounds=6,
        ),
    )


def with_guests(here: Environment) -> Environment:
    """The environment with the versions of those packages that are measured where they are."""
    found = {name: importlib.metadata.version(name) for name in GUESTS if _there(name)}
    return replace(here, packages={**here.packages, **found})


def _there(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


def _steps(data_root: Path) -> dict[str, Contender]:
    both = Contender(steps.suite_beside_bare_loop, data_root, gives=(SUITE, BARE))
    found = {SUITE: both, OWN: Contender(steps.own_code, data_root)}
    if _there("lightning"):
        found[LIGHTNING] = Contender(steps.lightning, data_root)
    return found


def _options(data_root: Path) -> dict[str, Contender]:
    return {
        name: Contender(
            options.step_seconds,
            name,
            data_root,
            ready=options.ready_seconds if option.compiled else None,
        )
        for name, option in options.OPTIONS.items()
    }


def _modes() -> dict[str, Contender]:
    return {
        name: Contender(inference.forward_seconds, name, ready=inference.ready_seconds)
        for name, mode in MODES.items()
        if _there(*mode.needs)
    }


def _epochs(data_root: Path) -> dict[str, Contender]:
    functions: dict[str, loops.Epoch] = {SUITE: loops.suite, DOCUMENT: loops.document}
    if _there("lightning"):
        functions[LIGHTNING] = peers.lightning
    if _there("skorch"):
        functions[SKORCH] = peers.skorch
    return {
        name: Contender(_on_one_thread, function, data_root) for name, function in functions.items()
    }


def _on_one_thread(model: str, epoch: loops.Epoch, data_root: Path) -> float:
    import torch

    torch.set_num_threads(1)
    return epoch(model, data_root)


def _totals(data_root: Path, workers: int) -> dict[str, Contender]:
    return {
        DOCUMENT: Contender(total.documents, data_root),
        ONE: Contender(total.suite, 1, data_root),
        MANY: Contender(total.suite, workers, data_root),
        BARE_ALONE: Contender(
            cores.bare_loops, workers, data_root, gives=(BARE_ALONE, BARE_BESIDE)
        ),
    }
