"""Seconds of a training step: by this suite, by a bare loop over tensors, by Lightning's Trainer.

All run on one thread, over the same pictures and with the same options of torch. What is measured
is new each time, because where a network's tensors happen to lie in memory changes its speed. The
fastest epoch counts, because what else the machine does can only add to a time. An epoch has
enough steps that it matters little that the suite tests before it, after which caches are cold.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import DataLoader

import zoo
from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic
from bench.cells.losses import LOSSES
from bench.cells.train import Training, make_optimiser, place
from bench.overhead.data import split
from bench.overhead.peers import lightning_seconds

BATCHES = 100  # of an epoch
EPOCHS = 3  # the first makes the optimiser's state and fills the caches, and is left out
Pair = tuple[torch.Tensor, torch.Tensor]


def suite(model: str, data_root: Path) -> float:
    """This suite's own epoch, divided by its steps."""
    keep_freed_memory()
    with deterministic():
        training = _training(model, data_root)
        seconds = []
        for epoch in range(1, EPOCHS + 1):
            before = training.train_seconds
            training.run(epoch)
            seconds.append(training.train_seconds - before)
        return _fastest(seconds) / (training.updates / EPOCHS)


def bare_loop(model: str, data_root: Path) -> float:
    """The least that trains a network: a loop over batches that are ready in memory."""
    keep_freed_memory()
    with deterministic():
        spec, batches = zoo.get(model), ready_batches(model, data_root)
        network = spec.build()
        place(network, torch.device("cpu"))
        optimiser = make_optimiser(network.parameters(), spec.recipe.optimiser)
        loss_function = LOSSES[spec.recipe.loss]
        seconds = []
        for _ in range(EPOCHS):
            started = time.perf_counter()
            for samples, labels in batches:
                optimiser.zero_grad()
                loss = loss_function(network(samples), labels)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            seconds.append(time.perf_counter() - started)
        return _fastest(seconds) / len(batches)


def lightning(model: str, data_root: Path) -> float:
    """Lightning's Trainer over the same batches, with the same options."""
    keep_freed_memory()
    with deterministic():
        batches = ready_batches(model, data_root)
        loader: DataLoader[Pair] = DataLoader(batches, batch_size=None)  # type: ignore[arg-type]
        spec = zoo.get(model)
        seconds = lightning_seconds(spec, loader, None, epochs=EPOCHS, placed=True)
        return _fastest(seconds) / len(batches)


def _fastest(seconds: Sequence[float]) -> float:
    return min(seconds[1:])


def ready_batches(model: str, data_root: Path) -> list[Pair]:
    """The batches that an epoch of this suite is made of, in memory."""
    training = _training(model, data_root)
    order = torch.arange(training.examples_per_epoch)
    size = training.recipe.train_batch or len(order)
    batches = training.batches.ahead(*training.parts["train"], order, size)
    return [(samples.clone(), labels.clone()) for samples, labels in batches]


def _training(model: str, data_root: Path) -> Training:
    spec = zoo.get(model)
    recipe = replace(spec.recipe, epochs=EPOCHS)
    return Training(spec, recipe, split(model, data_root, BATCHES), seed=1, device="cpu")
