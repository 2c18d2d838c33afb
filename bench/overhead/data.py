"""The networks and the pictures that contenders are measured on, the same for each."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

import zoo
from bench.cells.data import Dataset, load
from bench.cells.splits import Split, view

TRAIN_PICTURES, TEST_PICTURES = 3_000, 500
MODELS = ("lenet", "cnn", "dnn", "net", "lenet-sigmoid")  # the documents' own, on MNIST
SEEDS = (1, 2, 3)  # of each, in the whole comparison
RUNS = tuple((model, seed) for seed in SEEDS for model in MODELS)  # in the order of the request
TEST_START = 60_000  # MNIST's test pictures lie behind its training pictures

STEP_BATCHES = 50  # of an epoch in which a training step is timed
# Suite and bare loop take turns for so many seconds, such an epoch each, and so often at least; the
# first turn is left out. Few epochs of a tenth of a second say more of what else the machine does.
STEP_SECONDS, STEP_TURNS = 6.0, 4

MODE_EPOCHS = 5  # of the networks that run in modes, over the training pictures above
MODE_TEST_PICTURES = 10_000  # all, because a mode changes few answers
MODE_BATCH = 64


def name_of_run(model: str, seed: int) -> str:
    """What records of the whole comparison call a run."""
    return f"{model} seed {seed} cpu"


@lru_cache(maxsize=2)
def first_pictures(data_root: Path, test: int = TEST_PICTURES) -> Dataset:
    """The first pictures of MNIST's training and of its test set.

    Args:
        data_root: The folder above `MNIST/raw`.
        test: How many test pictures.

    Raises:
        RequestError: MNIST is missing or unreadable.
    """
    dataset = load("mnist", data_root=data_root, seed=0)
    return replace(
        dataset,
        train=np.arange(TRAIN_PICTURES),
        validation=np.arange(0),
        test=np.arange(TEST_START, TEST_START + test),
    )


def split(model: str, data_root: Path, batches: int | None = None) -> Split:
    """What a network sees of them under its document's recipe.

    Args:
        model: Registry name.
        data_root: The folder above `MNIST/raw`.
        batches: Takes training pictures for so many batches instead.
    """
    spec = zoo.get(model)
    dataset = first_pictures(data_root)
    if batches is not None and spec.recipe.train_batch is not None:
        dataset = replace(dataset, train=np.arange(batches * spec.recipe.train_batch))
    return view(dataset, spec, replace(spec.recipe, samples_per_class=None))
