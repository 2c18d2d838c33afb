"""The pictures that all contenders train on: the first of MNIST, the same for each."""

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
TEST_START = 60_000  # MNIST's test pictures lie behind its training pictures


@lru_cache(maxsize=1)
def first_pictures(data_root: Path) -> Dataset:
    """The first pictures of MNIST's training and of its test set.

    Raises:
        RequestError: MNIST is missing or unreadable.
    """
    dataset = load("mnist", data_root=data_root, seed=0)
    return replace(
        dataset,
        train=np.arange(TRAIN_PICTURES),
        validation=np.arange(0),
        test=np.arange(TEST_START, TEST_START + TEST_PICTURES),
    )


def split(model: str, data_root: Path, batches: int | None = None) -> Split:
    """What a network sees of them under its document's recipe.

    Args:
        model: Registry name.
        data_root: The folder above `MNIST/raw`.
        batches: Takes training pictures for no more batches than these; None takes all.
    """
    spec = zoo.get(model)
    dataset = first_pictures(data_root)
    if batches is not None and spec.recipe.train_batch is not None:
        dataset = replace(dataset, train=dataset.train[: batches * spec.recipe.train_batch])
    return view(dataset, spec, replace(spec.recipe, samples_per_class=None))
