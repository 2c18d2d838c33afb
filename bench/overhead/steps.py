"""Seconds of a training step: by this suite, by a bare loop over tensors, by Lightning's Trainer.

What this suite adds to a step is measured by itself, too: it is far less than the two differ by
when only their tensors lie elsewhere in memory.

All run on one thread, over the same pictures and with the same options of torch. The suite and the
bare loop take turns epoch by epoch in one process, because a shared machine's speed changes within
seconds and the two differ by less than that. What is measured is new each round, because where a
network's tensors happen to lie in memory changes its speed. An epoch has enough steps that it
matters little that the suite tests before it, after which caches are cold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch.utils.data import DataLoader

import zoo
from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic
from bench.cells.losses import LOSSES
from bench.cells.train import Training, make_optimiser, place
from bench.overhead.data import STEP_BATCHES, STEP_SECONDS, STEP_TURNS, TEST_START, split
from bench.overhead.peers import lightning_seconds

LIGHTNING_EPOCHS = 2  # the first is left out
OWN_EPOCHS = 4  # the first is left out
Pair = tuple[torch.Tensor, torch.Tensor]


def suite_beside_bare_loop(model: str, data_root: Path) -> tuple[float, float]:
    """This suite's own epochs and those of a bare loop in turns; the medians, for each step.

    As many turns as take `STEP_SECONDS`, and `STEP_TURNS` at least.
    """
    keep_freed_memory()
    with deterministic():
        training = _training(model, data_root, epochs=STEP_TURNS)
        bare = bare_loop(model, data_root)
        seconds: list[tuple[float, float]] = []
        while len(seconds) < STEP_TURNS or sum(map(sum, seconds)) < STEP_SECONDS:
            epoch = len(seconds) + 1
            # Who begins changes, so that neither always finds the other's caches.
            pair = (partial(_suite_epoch, training, epoch), bare)
            order = (0, 1) if epoch % 2 else (1, 0)
            taken = {which: pair[which]() for which in order}
            seconds.append((taken[0], taken[1]))
        suite, loop = (median(found) / STEP_BATCHES for found in zip(*seconds[1:], strict=True))
        return suite, loop


def own_code(model: str, data_root: Path) -> float:
    """Seconds that this suite takes for a step besides the step itself, which does nothing here.

    It draws the order of all of MNIST's training pictures, gathers and normalises each batch, and
    keeps the loss. So many pictures are not normalised in advance, as fewer would be.
    """
    keep_freed_memory()
    with deterministic():
        batches = TEST_START // (zoo.get(model).recipe.train_batch or TEST_START)
        training = _training(model, data_root, epochs=OWN_EPOCHS, batches=batches)
        loss = torch.zeros(())
        training.step = lambda *_: loss
        seconds = [_suite_epoch(training, epoch) for epoch in range(1, OWN_EPOCHS + 1)]
        return median(seconds[1:]) / batches


def _suite_epoch(training: Training, epoch: int) -> float:
    before = training.train_seconds
    training.run(epoch)
    return training.train_seconds - before


def bare_loop(model: str, data_root: Path) -> Callable[[], float]:
    """The least that trains a network: an epoch over batches that are ready in memory."""
    spec, batches = zoo.get(model), ready_batches(model, data_root)
    network = spec.build()
    place(network, torch.device("cpu"))
    optimiser = make_optimiser(network.parameters(), spec.recipe.optimiser)
    loss_function = LOSSES[spec.recipe.loss]

    def epoch() -> float:
        started = time.perf_counter()
        for samples, labels in batches:
            optimiser.zero_grad()
            loss = loss_function(network(samples), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return time.perf_counter() - started

    return epoch


def lightning(model: str, data_root: Path) -> float:
    """Lightning's Trainer over the same batches, with the same options."""
    keep_freed_memory()
    with deterministic():
        batches = ready_batches(model, data_root)
        loader: DataLoader[Pair] = DataLoader(batches, batch_size=None)  # type: ignore[arg-type]
        spec = zoo.get(model)
        seconds = lightning_seconds(spec, loader, None, epochs=LIGHTNING_EPOCHS, placed=True)
        return median(seconds[1:]) / len(batches)


def ready_batches(model: str, data_root: Path) -> list[Pair]:
    """The batches that an epoch of this suite is made of, in memory."""
    training = _training(model, data_root, epochs=1)
    order = torch.arange(training.examples_per_epoch)
    size = training.recipe.train_batch or len(order)
    batches = training.batches.ahead(*training.parts["train"], order, size)
    return [(samples.clone(), labels.clone()) for samples, labels in batches]


def _training(model: str, data_root: Path, epochs: int, batches: int = STEP_BATCHES) -> Training:
    spec = zoo.get(model)
    recipe = replace(spec.recipe, epochs=epochs)
    return Training(spec, recipe, split(model, data_root, batches), seed=1, device="cpu")
