"""One cell: a network trained and tested under a recipe and a seed, the same bits every time."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.cells.determinism import deterministic, stream_seed
from bench.cells.splits import Split
from bench.records.kinds import TestPoint, TrainingPoint, finite
from zoo import ModelSpec, Normalisation, Recipe
from zoo.spec import Initialisation, Loss, Optimiser

# How finely a run is watched: about so many points on its training and on its test curve.
TRAINING_POINTS = 20
TEST_POINTS = 10

LossFunction = Callable[[Tensor, Tensor], Tensor]


def _nll_of_probabilities(outputs: Tensor, labels: Tensor) -> Tensor:
    # A probability that underflowed to 0 would make the loss infinite.
    tiny = torch.finfo(outputs.dtype).tiny
    return functional.nll_loss(outputs.clamp_min(tiny).log(), labels)


def _mse_one_hot(outputs: Tensor, labels: Tensor) -> Tensor:
    return functional.mse_loss(outputs, functional.one_hot(labels, outputs.shape[1]).float())


LOSSES: dict[Loss, LossFunction] = {
    "cross-entropy": functional.cross_entropy,
    "nll": functional.nll_loss,
    "nll-of-probabilities": _nll_of_probabilities,
    "mse-one-hot": _mse_one_hot,
}


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
    predictions: np.ndarray[Any, np.dtype[np.int64]]
    training_curve: tuple[TrainingPoint, ...]
    test_curve: tuple[TestPoint, ...]
    weights: dict[str, Tensor] = field(repr=False)


def train(spec: ModelSpec, recipe: Recipe, split: Split, *, seed: int, device: str) -> Trained:
    """Trains and tests one network from its first weights to its last epoch.

    Leaves torch's flags and number of threads as they were; its global random generators are
    reseeded.
    """
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
        torch.manual_seed(stream_seed(seed, "initialisation"))
        self.network = spec.build()  # on the CPU, so that every device starts from the same weights
        initialise(self.network, recipe.initialisation)
        self.network.to(self.device)
        self.optimiser = make_optimiser(self.network, recipe.optimiser)
        torch.manual_seed(stream_seed(seed, "dropout"))
        self.order = torch.Generator().manual_seed(stream_seed(seed, "order"))
        self.parts = {
            name: tuple(torch.from_numpy(array).to(self.device) for array in split.part(name))
            for name in _PARTS
        }
        if not self.examples_per_epoch:
            raise ValueError(
                f"{len(self.parts['train'][0])} training samples fill no batch of "
                f"{self._batch_size}, and the recipe drops smaller ones; use more samples"
            )
        self.epoch = 0
        self.updates = 0
        self.train_seconds = 0.0
        self.training_curve: list[TrainingPoint] = []
        self.test_curve: list[TestPoint] = []
        self.predictions = self._test()

    @property
    def examples_per_epoch(self) -> int:
        """Samples that one epoch shows to the network."""
        samples = len(self.parts["train"][0])
        if self.recipe.drop_last:
            return samples - samples % self._batch_size
        return samples

    def run(self, until_epoch: int) -> None:
        """Trains up to and including the given epoch, testing as it goes."""
        test_every = math.ceil(self.recipe.epochs / TEST_POINTS)
        while self.epoch < until_epoch:
            self.epoch += 1
            self._train_epoch()
            if (
                self.epoch % test_every == 0
                or self.epoch in (until_epoch, self.recipe.epochs)
                or self.recipe.selects_on_test
            ):
                self.predictions = self._test()

    def result(self) -> Trained:
        """What the run has come to."""
        last = self.test_curve[-1]
        tested = [point.accuracy for point in self.test_curve if point.epoch > 0]
        weights = {name: tensor.cpu() for name, tensor in self.network.state_dict().items()}
        return Trained(
            epochs=self.epoch,
            updates=self.updates,
            train_seconds=self.train_seconds,
            test_accuracy=last.accuracy,
            test_accuracy_selected=max(tested) if self.recipe.selects_on_test else None,
            validation_accuracy=last.validation_accuracy,
            weights_sha256=weights_sha256(weights),
            predictions=self.predictions,
            training_curve=tuple(self.training_curve),
            test_curve=tuple(self.test_curve),
            weights=weights,
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
                "train_seconds": self.train_seconds,
                "predictions": torch.from_numpy(self.predictions),
                "training_curve": msgspec.json.encode(self.training_curve),
                "test_curve": msgspec.json.encode(self.test_curve),
            },
            path,
        )

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint that a run of the same cell has saved."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.order.set_state(state["order"])
        torch.set_rng_state(state["global"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["cuda"])
        self.epoch = state["epoch"]
        self.updates = state["updates"]
        self.train_seconds = state["train_seconds"]
        self.predictions = state["predictions"].numpy()
        self.training_curve = msgspec.json.decode(state["training_curve"], type=list[TrainingPoint])
        self.test_curve = msgspec.json.decode(state["test_curve"], type=list[TestPoint])

    @property
    def _batch_size(self) -> int:
        return self.recipe.train_batch or len(self.parts["train"][0])

    def _train_epoch(self) -> None:
        """One pass over the training samples; leaves points on the training curve now and then."""
        inputs, labels = self.parts["train"]
        examples = self.examples_per_epoch
        steps = math.ceil(examples / self._batch_size)
        watched = self.epoch % math.ceil(self.recipe.epochs / TRAINING_POINTS) == 0
        points = max(1, TRAINING_POINTS // self.recipe.epochs) if watched else 0
        last_steps = {math.ceil(steps * point / points) for point in range(1, points + 1)}
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        summed = 0
        self.network.train()
        started = time.perf_counter()
        if self.recipe.shuffle:
            order = torch.randperm(len(inputs), generator=self.order)
        else:
            order = torch.arange(len(inputs))
        order = order[:examples].to(self.device)
        for step, chosen in enumerate(torch.split(order, self._batch_size), start=1):
            batch = self.batches(inputs[chosen])
            loss = training_step(
                self.network, self.optimiser, LOSSES[self.recipe.loss], batch, labels[chosen]
            )
            loss_sum += loss.detach() * len(chosen)
            summed += len(chosen)
            self.updates += 1
            if step in last_steps:
                seen = (self.epoch - 1) * examples + min(step * self._batch_size, examples)
                mean = loss_sum.item() / summed
                self.training_curve.append(TrainingPoint(examples_seen=seen, loss=_short(mean)))
                loss_sum.zero_()
                summed = 0
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.train_seconds += time.perf_counter() - started

    def _test(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Leaves a point on the test curve and gives the classes answered."""
        loss, predictions = self._evaluate("test")
        right = predictions == self.parts["test"][1].cpu().numpy()
        validation = None
        if len(self.parts["validation"][1]):
            _, answers = self._evaluate("validation")
            held_out = self.parts["validation"][1].cpu().numpy()
            validation = float(np.mean(answers == held_out))
        self.test_curve.append(
            TestPoint(
                epoch=self.epoch,
                examples_seen=self.epoch * self.examples_per_epoch,
                loss=_short(loss),
                accuracy=float(np.mean(right)),
                validation_accuracy=validation,
            )
        )
        return predictions

    @torch.inference_mode()
    def _evaluate(
        self, part: Literal["test", "validation"]
    ) -> tuple[float, np.ndarray[Any, np.dtype[np.int64]]]:
        """Mean loss per sample, and the class answered for each sample."""
        inputs, labels = self.parts[part]
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        answers = []
        self.network.eval()
        for start in range(0, len(inputs), self.recipe.test_batch):
            chosen = slice(start, start + self.recipe.test_batch)
            outputs = self.network(self.batches(inputs[chosen]))
            loss_sum += LOSSES[self.recipe.loss](outputs, labels[chosen]) * len(outputs)
            answers.append(outputs.argmax(dim=1))
        return loss_sum.item() / len(inputs), torch.cat(answers).cpu().numpy()


_PARTS: tuple[Literal["train", "validation", "test"], ...] = ("train", "validation", "test")


class Batches:
    """Makes what a network takes of stored samples: pixels in 0..1, normalised, in its channels."""

    def __init__(self, normalisation: Normalisation, channels: int) -> None:
        self.mean = torch.tensor(normalisation.mean).reshape(-1, 1, 1)
        self.std = torch.tensor(normalisation.std).reshape(-1, 1, 1)
        self.channels = channels

    def __call__(self, samples: Tensor) -> Tensor:
        """Float32 (N, channels, height, width) from uint8 pictures; rows pass unchanged."""
        if samples.dtype != torch.uint8:
            return samples
        if self.mean.device != samples.device:
            self.mean, self.std = self.mean.to(samples.device), self.std.to(samples.device)
        scaled = (samples.float() / 255).expand(-1, self.channels, -1, -1)
        return (scaled - self.mean) / self.std


def training_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_function: LossFunction,
    batch: Tensor,
    labels: Tensor,
) -> Tensor:
    """Forward, backward, one update; the mean loss of the batch before the update."""
    optimiser.zero_grad()
    loss = loss_function(network(batch), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss


def make_optimiser(network: nn.Module, optimiser: Optimiser) -> torch.optim.Optimizer:
    """The torch optimiser of a recipe, over all parameters."""
    if optimiser.name == "adam":
        return torch.optim.Adam(network.parameters(), lr=optimiser.learning_rate)
    return torch.optim.SGD(
        network.parameters(), lr=optimiser.learning_rate, momentum=optimiser.momentum
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


def weights_sha256(weights: dict[str, Tensor]) -> str:
    """SHA-256 over the tensors in definition order: dtype, shape, little-endian bytes.

    The names are left out, so that equal networks with other names have equal digests.
    """
    digest = hashlib.sha256()
    for tensor in weights.values():
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _short(value: float) -> float | None:
    """The nearest float32, in its shortest decimal form: curves stay small in the records.

    None where it is infinite or no number.
    """
    return finite(float(str(np.float32(value))))
