"""One cell: a network trained and tested under a recipe and a seed, the same bits every time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from bench.cells.allocation import keep_freed_memory
from bench.cells.augmentation import augmenting
from bench.cells.batches import Batches
from bench.cells.curves import Answers, Curves
from bench.cells.determinism import deterministic, stream_seed
from bench.cells.graphs import Step, graphed
from bench.cells.losses import LOSSES, LossFunction
from bench.cells.schedule import LearningRate
from bench.cells.splits import Split
from bench.cells.weights import weights_sha256
from bench.records.kinds import TestPoint, TrainingPoint
from zoo import ModelSpec, Recipe
from zoo.spec import Initialisation, Optimiser

TEST_POINTS = 10  # a run is tested about so often
# Fast on every network; what a document's own batch costs is measured for its claim.
EVALUATION_BATCH = 256

Part = Literal["train", "validation", "test"]
_PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out of one cell.

    Attributes:
        epochs: Epochs trained.
        updates: Optimiser steps made.
        train_seconds: Wall time of the training steps; testing is not in it.
        test_accuracy: Fraction of test samples right after the last epoch.
        test_accuracy_selected: The best epoch's, where the document picks its epoch on the test
            set; else None.
        validation_accuracy: Fraction of held-out samples right after the last epoch, or None.
        weights_sha256: Digest of the weights after the last epoch.
        predictions: Class answered for each test sample after the last epoch, (n_test,).
        diverged_at: The first optimiser step, from 1 on, whose loss or outcome was not finite;
            the run ends with its epoch where it is trained alone. None where all were.
        training_curve: Training loss over examples seen.
        test_curve: Test loss and accuracy over examples seen.
        weights: The state dictionary after the last epoch, on the CPU.
    """

    epochs: int
    updates: int
    train_seconds: float
    test_accuracy: float
    test_accuracy_selected: float | None
    validation_accuracy: float | None
    weights_sha256: str
    predictions: Answers
    diverged_at: int | None
    training_curve: tuple[TrainingPoint, ...]
    test_curve: tuple[TestPoint, ...]
    weights: dict[str, Tensor] = field(repr=False)


def train(spec: ModelSpec, recipe: Recipe, split: Split, *, seed: int, device: str) -> Trained:
    """Trains and tests one network from its first weights to its last epoch.

    Leaves torch's flags and number of threads as they were; its global random generators are
    reseeded.
    """
    keep_freed_memory()
    with deterministic():
        training = Training(spec, recipe, split, seed=seed, device=device)
        training.run(recipe.epochs)
        return training.result()


class Training:
    """A training run that can be stopped after any epoch, saved, and continued elsewhere.

    To be used inside `deterministic()`. A run that was saved after epoch 3, loaded in a new process
    and continued to epoch 8 has the same weights, bit for bit, as one that ran 8 in one go.
    """

    def __init__(
        self, spec: ModelSpec, recipe: Recipe, split: Split, *, seed: int, device: str
    ) -> None:
        self.recipe = recipe
        self.split = split
        self.device = torch.device(device)
        self.batches = Batches(recipe.normalisation, spec.input_shape[0])
        self.network = first_network(spec, recipe, seed)
        place(self.network, self.device)
        self.optimiser = make_optimiser(self.network.parameters(), recipe.optimiser)
        torch.manual_seed(stream_seed(seed, "dropout"))
        self.order = order_of(seed)
        self.change = augmenting(recipe.augmentation)
        self.parts = {name: self._part(split, name) for name in _PARTS}
        if not self.examples_per_epoch:
            raise ValueError(
                f"{len(self.parts['train'][0])} training samples fill no batch of "
                f"{self._batch_size}, and the recipe drops smaller ones; use more samples"
            )
        self._schedule = LearningRate(
            recipe, self.optimiser, math.ceil(self.examples_per_epoch / self._batch_size)
        )
        # A heavy network's kernels take long, and a copy of its weights much memory.
        self._in_graph = self.device.type == "cuda" and "heavy" not in spec.tags
        self.step: Step | None = None
        self.epoch = 0
        self.updates = 0
        self.diverged_at: int | None = None
        self.train_seconds = 0.0
        self.curves = Curves(recipe, split, self.examples_per_epoch, self._batch_size)
        self.predictions = self._test()

    def _part(self, split: Split, name: Part) -> tuple[Tensor, Tensor]:
        inputs, labels = (torch.from_numpy(array).to(self.device) for array in split.part(name))
        changed = name == "train" and self.change is not None
        return inputs if changed else self.batches.once(inputs), labels

    @property
    def examples_per_epoch(self) -> int:
        """Samples that one epoch shows to the network."""
        samples = len(self.parts["train"][0])
        if self.recipe.drop_last:
            return samples - samples % self._batch_size
        return samples

    def run(self, until_epoch: int) -> None:
        """Trains up to and including the given epoch, testing as it goes.

        A run that has diverged ends there.
        """
        while self.epoch < until_epoch and self.diverged_at is None:
            self.epoch += 1
            self._train_epoch()
            is_last = self.epoch == until_epoch or self.diverged_at is not None
            if is_last or is_tested(self.epoch, self.recipe):
                self.predictions = self._test()

    def result(self) -> Trained:
        """What the run has come to."""
        return outcome(
            self.curves,
            epochs=self.epoch,
            updates=self.updates,
            train_seconds=self.train_seconds,
            predictions=self.predictions,
            diverged_at=self.diverged_at,
            weights=self.network.state_dict(),
        )

    def save(self, path: Path) -> None:
        """Writes a checkpoint: weights, optimiser, random states, counters and curves."""
        torch.save(
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "order": self.order.get_state(),
                "global": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
                "epoch": self.epoch,
                "updates": self.updates,
                "diverged_at": self.diverged_at,
                "train_seconds": self.train_seconds,
                "predictions": torch.from_numpy(self.predictions),
                "training_curve": msgspec.json.encode(self.curves.training),
                "test_curve": msgspec.json.encode(self.curves.test),
            },
            path,
        )

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint that a run of the same cell has saved."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = None  # a graph holds on to what the optimiser had before
        self.order.set_state(state["order"].cpu())
        torch.set_rng_state(state["global"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state_all([numbers.cpu() for numbers in state["cuda"]])
        self.epoch = state["epoch"]
        self.updates = state["updates"]
        self.diverged_at = state["diverged_at"]
        self.train_seconds = state["train_seconds"]
        self.predictions = state["predictions"].cpu().numpy()
        self.curves.training = msgspec.json.decode(
            state["training_curve"], type=list[TrainingPoint]
        )
        self.curves.test = msgspec.json.decode(state["test_curve"], type=list[TestPoint])

    @property
    def _batch_size(self) -> int:
        return self.recipe.train_batch or len(self.parts["train"][0])

    def _train_epoch(self) -> None:
        """One pass over the training samples; leaves points on the training curve now and then."""
        inputs, labels = self.parts["train"]
        losses = []
        self.network.train()
        step = self.step = self.step or self.make_step()
        started = time.perf_counter()
        order = draw_order(len(inputs), self.order if self.recipe.shuffle else None)
        order = order[: self.examples_per_epoch].to(self.device)
        size = self._batch_size
        for batch, answers in self.batches.ahead(inputs, labels, order, size, self.change):
            self._schedule.before(self.updates)
            losses.append(step(batch, answers))
            self.updates += 1
        # Read once an epoch: on a GPU every reading waits for all that came before.
        means = torch.stack(losses).double().cpu().numpy()
        self.train_seconds += time.perf_counter() - started
        weights = self.network.state_dict().values()
        self.diverged_at = first_not_finite(means, weights, self.updates)
        self.curves.trained(self.epoch, means)

    def make_step(self) -> Step:
        """What takes one batch and its labels, updates the network and gives the mean loss."""
        loss_function = LOSSES[self.recipe.loss]
        step = partial(training_step, self.network, self.optimiser, loss_function)
        if not self._in_graph:
            return step
        size = min(self._batch_size, self.examples_per_epoch)
        first = torch.arange(size, device=self.device)
        batch, labels = next(self.batches.ahead(*self.parts["train"], first, size))
        return graphed(step, self.network, self.optimiser, batch, labels)

    def _test(self) -> Answers:
        """Leaves a point on the test curve and gives the classes answered."""
        loss, predictions = self.evaluate("test")
        held_out = self.evaluate("validation")[1] if len(self.parts["validation"][1]) else None
        self.curves.tested(self.epoch, loss, predictions, held_out)
        return predictions

    @torch.inference_mode()
    def evaluate(self, part: Part) -> tuple[float, Answers]:
        """Mean loss per sample, and the class answered for each sample."""
        inputs, labels = self.parts[part]
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        answers = []
        self.network.eval()
        everything = torch.arange(len(inputs), device=self.device)
        for batch, right in self.batches.ahead(inputs, labels, everything, EVALUATION_BATCH):
            outputs = self.network(batch)
            loss_sum += LOSSES[self.recipe.loss](outputs, right) * len(outputs)
            answers.append(outputs.argmax(dim=1))
        return loss_sum.item() / len(inputs), torch.cat(answers).cpu().numpy()


def training_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_function: LossFunction,
    batch: Tensor,
    labels: Tensor,
) -> Tensor:
    """Forward, backward, one update; the mean loss of the batch before the update, detached."""
    optimiser.zero_grad()
    loss = loss_function(network(batch), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.detach()


def place(network: nn.Module, device: torch.device) -> None:
    """Brings a network to its device; pictures and kernels keep their channels last in memory.

    So convolutions and poolings need no reordering between them.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def make_optimiser(parameters: Iterable[Tensor], optimiser: Optimiser) -> torch.optim.Optimizer:
    """The torch optimiser of a recipe; it updates all parameters in one call."""
    all_of_them = list(parameters)
    decay = optimiser.weight_decay
    rate: float | Tensor = optimiser.learning_rate
    on_gpu = all_of_them[0].device.type == "cuda"
    if on_gpu:  # where a CUDA graph finds it, changed or not
        rate = torch.tensor(rate, device=all_of_them[0].device)
    if optimiser.name == "adam":
        return torch.optim.Adam(
            all_of_them, lr=rate, weight_decay=decay, fused=True, capturable=on_gpu
        )
    if optimiser.name == "adamw":
        return torch.optim.AdamW(
            all_of_them, lr=rate, weight_decay=decay, fused=True, capturable=on_gpu
        )
    return torch.optim.SGD(
        all_of_them, lr=rate, momentum=optimiser.momentum, weight_decay=decay, fused=True
    )


def first_network(spec: ModelSpec, recipe: Recipe, seed: int) -> nn.Module:
    """The network that a seed's training begins with; on the CPU, so that all devices' is equal."""
    torch.manual_seed(stream_seed(seed, "initialisation"))
    network = spec.build()
    initialise(network, recipe.initialisation)
    return network


def order_of(seed: int) -> torch.Generator:
    """What the orders of a seed's samples are drawn from, epoch after epoch."""
    return torch.Generator().manual_seed(stream_seed(seed, "order"))


def draw_order(samples: int, generator: torch.Generator | None) -> Tensor:
    """The order of an epoch's samples: drawn, or as they lie where there is no generator."""
    if generator is None:
        return torch.arange(samples)
    return torch.randperm(samples, generator=generator)


def first_not_finite(
    losses: np.ndarray[Any, np.dtype[np.float64]], weights: Iterable[Tensor], updates: int
) -> int | None:
    """The first optimiser step, from 1 on, whose loss is not finite; or that left such weights.

    Args:
        losses: Of the last steps, each before its update, (steps,).
        weights: After the last step.
        updates: Steps taken up to there.
    """
    (places,) = np.nonzero(~np.isfinite(losses))
    if len(places):
        return updates - len(losses) + int(places[0]) + 1
    if all(bool(torch.isfinite(tensor).all()) for tensor in weights):
        return None
    return updates


def is_tested(epoch: int, recipe: Recipe) -> bool:
    """Whether a recipe's training is tested after an epoch."""
    test_every = math.ceil(recipe.epochs / TEST_POINTS)
    return epoch % test_every == 0 or epoch == recipe.epochs or recipe.selects_on_test


def outcome(
    curves: Curves,
    *,
    epochs: int,
    updates: int,
    train_seconds: float,
    predictions: Answers,
    diverged_at: int | None,
    weights: Mapping[str, Tensor],
) -> Trained:
    """What a training that ends after its last test has come to."""
    last = curves.test[-1]
    tested = [point.accuracy for point in curves.test if point.epoch > 0]
    kept = {name: tensor.cpu().contiguous() for name, tensor in weights.items()}
    return Trained(
        epochs=epochs,
        updates=updates,
        train_seconds=train_seconds,
        test_accuracy=last.accuracy,
        test_accuracy_selected=max(tested) if curves.recipe.selects_on_test else None,
        validation_accuracy=last.validation_accuracy,
        weights_sha256=weights_sha256(kept),
        predictions=predictions,
        diverged_at=diverged_at,
        training_curve=tuple(curves.training),
        test_curve=tuple(curves.test),
        weights=kept,
    )


def initialise(network: nn.Module, how: Initialisation) -> None:
    """Sets the weights of a new network; `torch` leaves them as its modules made them."""
    if how == "torch":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.1)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
