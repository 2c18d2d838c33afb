"""Seconds of a training step under each option that torch offers, alone and together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

import zoo
from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic
from bench.cells.losses import LOSSES
from bench.cells.train import make_optimiser, place, training_step
from bench.overhead.compiling import compiling_anew, start_compiler
from bench.overhead.loops import plain_optimiser
from bench.overhead.names import DEFAULTS, OURS
from bench.overhead.steps import ready_batches

BLOCK_SECONDS = 0.2
MOST_BATCHES = 8


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a training step is run with.

    Attributes:
        keeps_memory: Freed memory stays with the process.
        channels_last: Pictures and kernels keep their channels last in memory.
        fused: The optimiser updates all parameters in one call.
        compiled: The network is compiled by `torch.compile`.
        bfloat16: Forward passes compute in bfloat16 where torch's autocast says so.
    """

    keeps_memory: bool = False
    channels_last: bool = False
    fused: bool = False
    compiled: bool = False
    bfloat16: bool = False


_SUITE = {"keeps_memory": True, "channels_last": True, "fused": True}
OPTIONS = {
    DEFAULTS: Option(),
    "keeps memory": Option(keeps_memory=True),
    "channels last": Option(channels_last=True),
    "fused optimiser": Option(fused=True),
    OURS: Option(**_SUITE),
    f"{OURS}, bfloat16": Option(**_SUITE, bfloat16=True),
    f"{OURS}, compiled": Option(**_SUITE, compiled=True),
}


def ready_seconds(model: str, name: str, data_root: Path) -> float:
    """Seconds until the first steps are done under an option that compiles.

    What they compile stays for `step_seconds`.
    """
    option = OPTIONS[name]
    if option.keeps_memory:
        keep_freed_memory()
    start_compiler()
    with deterministic(), compiling_anew():
        started = time.perf_counter()
        _kept_steps(model, option, data_root)()
        return time.perf_counter() - started


def step_seconds(model: str, name: str, data_root: Path) -> float:
    """Seconds of a step under an option, in a process that has seen no other option.

    The network is new each time, because where its tensors happen to lie changes its speed; a
    compiled one is kept, because compiling takes seconds.
    """
    option = OPTIONS[name]
    if option.keeps_memory:
        keep_freed_memory()
    with deterministic():
        make = _kept_steps if option.compiled else _steps
        steps = make(model, option, data_root)
        count = 0
        steps()
        started = time.perf_counter()
        while (seconds := time.perf_counter() - started) < BLOCK_SECONDS:
            count += steps()
        return seconds / count


def _steps(model: str, option: Option, data_root: Path) -> Callable[[], int]:
    """Takes a step for each of a few batches, and says how many that were."""
    spec = zoo.get(model)
    batches = ready_batches(model, data_root)[:MOST_BATCHES]
    network: nn.Module = spec.build()
    if option.channels_last:
        place(network, torch.device("cpu"))
    else:
        batches = [(samples.contiguous(), labels) for samples, labels in batches]
    fused = make_optimiser(network.parameters(), spec.recipe.optimiser)
    optimiser = fused if option.fused else plain_optimiser(network, spec.recipe)
    if option.compiled:
        network.compile()
    loss_function = LOSSES[spec.recipe.loss]

    def steps() -> int:
        with torch.autocast("cpu", torch.bfloat16, enabled=option.bfloat16):
            for samples, labels in batches:
                training_step(network, optimiser, loss_function, samples, labels)
        return len(batches)

    return steps


_kept_steps = lru_cache(maxsize=1)(_steps)
