"""The same epoch by trainers that people use: PyTorch Lightning and skorch.

Both need the dependency group `peers`. What a trainer does around an epoch, and what can be
switched off, is left out: no logger, no checkpoints, no progress bar, no summary.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import zoo
from bench.cells.batches import Batches
from bench.cells.losses import LOSSES
from bench.cells.train import make_optimiser, place
from bench.overhead.data import split
from bench.overhead.loops import loaders, plain_optimiser
from zoo import ModelSpec


def lightning(model: str, data_root: Path) -> float:
    """PyTorch Lightning's Trainer, with the DataLoader that its documentation shows."""
    spec = zoo.get(model)
    train, test = loaders(spec.recipe, data_root)
    return sum(lightning_seconds(spec, train, test))


def lightning_seconds(
    spec: ModelSpec,
    train: Iterable[Any],
    test: Iterable[Any] | None,
    *,
    epochs: int = 1,
    placed: bool = False,
) -> list[float]:
    """Seconds of each epoch of training by Lightning, and of one of testing if there is something.

    Args:
        spec: The network.
        train: Batches of training pictures with their labels.
        test: Batches of test pictures with theirs.
        epochs: How many to train.
        placed: Whether network and optimiser have this suite's options of torch.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few workers, and of what is switched off
        from lightning.pytorch import Trainer
        from lightning.pytorch.callbacks import LambdaCallback

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        seconds: list[float] = []

        def start(*_: Any) -> None:
            seconds.append(-time.perf_counter())

        def stop(*_: Any) -> None:
            seconds[-1] += time.perf_counter()

        clock = LambdaCallback(
            on_train_epoch_start=start,
            on_train_epoch_end=stop,
            on_test_epoch_start=start,
            on_test_epoch_end=stop,
        )
        module = _lightning_module(spec, placed=placed)
        trainer = Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            callbacks=[clock],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, train)
        if test is not None:
            trainer.test(module, test, verbose=False)
        return seconds


def _lightning_module(spec: ModelSpec, *, placed: bool) -> Any:
    from lightning.pytorch import LightningModule

    class Module(LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = spec.build()
            if placed:
                place(self.network, torch.device("cpu"))

        def training_step(self, batch: tuple[Tensor, Tensor], *_: int) -> Tensor:
            pictures, labels = batch
            return LOSSES[spec.recipe.loss](self.network(pictures), labels)

        def test_step(self, batch: tuple[Tensor, Tensor], *_: int) -> None:
            pictures, labels = batch
            right = (self.network(pictures).argmax(dim=1) == labels).float().mean()
            self.log("accuracy", right)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            if placed:
                return make_optimiser(self.network.parameters(), spec.recipe.optimiser)
            return plain_optimiser(self.network, spec.recipe)

    return Module()


def skorch(model: str, data_root: Path) -> float:
    """Skorch's NeuralNetClassifier, over pictures that are normalised and in memory already."""
    from skorch import NeuralNetClassifier

    spec = zoo.get(model)
    recipe, optimiser = spec.recipe, spec.recipe.optimiser
    pictures = split(model, data_root)
    batches = Batches(recipe.normalisation, spec.input_shape[0])
    (inputs, labels), (test, _) = (
        (batches(torch.from_numpy(pictures.part(part)[0])).numpy(), pictures.part(part)[1])
        for part in ("train", "test")
    )
    momentum = {"optimizer__momentum": optimiser.momentum} if optimiser.name == "sgd" else {}
    classifier = NeuralNetClassifier(
        spec.build,
        criterion=nn.CrossEntropyLoss,  # the log-softmax of a log-softmax is the same
        optimizer={"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimiser.name],
        lr=optimiser.learning_rate,
        max_epochs=1,
        batch_size=recipe.train_batch,
        train_split=None,
        verbose=0,
        iterator_train__shuffle=recipe.shuffle,
        iterator_train__drop_last=recipe.drop_last,
        iterator_valid__batch_size=recipe.test_batch,
        **momentum,
    )
    classifier.initialize()
    started = time.perf_counter()
    classifier.partial_fit(inputs.astype(np.float32), labels)
    classifier.predict(test)
    return time.perf_counter() - started
