"""One epoch of training and one of testing, as three programs do it.

Each trains a new network under its document's recipe on the same pictures. The seconds go from the
first batch to the last tested picture: what a program does once, such as reading files, is not in
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

import zoo
from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic
from bench.cells.losses import LOSSES
from bench.cells.train import Training
from bench.overhead.data import TEST_PICTURES, TRAIN_PICTURES, split
from zoo import Recipe
from zoo.spec import UNIT_RANGE

Loader = DataLoader[tuple[Tensor, Tensor]]
Epoch = Callable[[str, Path], float]  # model and data root to seconds


def suite(model: str, data_root: Path) -> float:
    """This suite, as a worker trains a cell."""
    keep_freed_memory()
    spec = zoo.get(model)
    pictures = split(model, data_root)
    with deterministic():
        recipe = replace(spec.recipe, epochs=1)
        training = Training(spec, recipe, pictures, seed=1, device="cpu")
        started = time.perf_counter()
        training.run(1)
        return time.perf_counter() - started


def document(model: str, data_root: Path) -> float:
    """The loop that documents print: a DataLoader, and transforms picture by picture."""
    spec = zoo.get(model)
    train, test = loaders(spec.recipe, data_root)
    network = spec.build()
    optimiser = plain_optimiser(network, spec.recipe)
    loss_function = LOSSES[spec.recipe.loss]
    started = time.perf_counter()
    network.train()
    total = 0.0
    for pictures, labels in train:
        optimiser.zero_grad()
        loss = loss_function(network(pictures), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item()
    network.eval()
    right = 0
    with torch.no_grad():
        for pictures, labels in test:
            right += int((network(pictures).argmax(dim=1) == labels).sum())
    return time.perf_counter() - started


def loaders(recipe: Recipe, data_root: Path) -> tuple[Loader, Loader]:
    """The loaders of training and of test pictures that a document makes."""
    steps: list[Any] = [transforms.ToTensor()]
    if recipe.normalisation != UNIT_RANGE:
        steps.append(transforms.Normalize(recipe.normalisation.mean, recipe.normalisation.std))
    transform = transforms.Compose(steps)
    train, test = (
        Subset(MNIST(str(data_root), train=part, transform=transform), range(count))
        for part, count in ((True, TRAIN_PICTURES), (False, TEST_PICTURES))
    )
    return (
        DataLoader(
            train,
            batch_size=recipe.train_batch,
            shuffle=recipe.shuffle,
            drop_last=recipe.drop_last,
        ),
        DataLoader(test, batch_size=recipe.test_batch),
    )


def plain_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser as a document makes it, with torch's own defaults."""
    optimiser = recipe.optimiser
    if optimiser.name == "adam":
        return torch.optim.Adam(network.parameters(), lr=optimiser.learning_rate)
    return torch.optim.SGD(
        network.parameters(), lr=optimiser.learning_rate, momentum=optimiser.momentum
    )
