"""What one network sees of a data set: its picture size, its channels, its classes.

Pixels stay `uint8` until a batch is made of them. Splits are written as `.npy` files named by their
checksum, so that worker processes map them into memory instead of copying them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.cells.arrays import Integers, checksum, resized
from bench.cells.catalogue import takes_few
from bench.records.place import replacing
from zoo import ModelSpec, Recipe
from zoo.layers import Shape

if TYPE_CHECKING:
    from PIL import Image

    from bench.cells.data import Dataset

PERMUTATION_SEED = 0  # one order of pixels for all pictures of every run


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """One model's view of a data set.

    Attributes:
        inputs: uint8 (N, channels, height, width), or float32 (N, features); the training samples
            first, then validation, then test.
        labels: Class of each sample, (N,).
        sizes: Number of training, validation and test samples.
        classes: The classes among the samples that the model is asked to tell apart.
        checksum: SHA-256 over everything above.
        test_checksum: SHA-256 over the identity of the test samples, whatever their shape. Only
            models with equal `test_checksum` may be ranked against each other: their test samples
            are the same, in the same order, and so are the classes to choose from.
    """

    inputs: NDArray[Any]
    labels: Integers
    sizes: tuple[int, int, int]
    classes: tuple[int, ...]
    checksum: str
    test_checksum: str

    def part(self, name: Literal["train", "validation", "test"]) -> tuple[NDArray[Any], Integers]:
        """Inputs and labels of one part, as views."""
        which = ("train", "validation", "test").index(name)
        start = sum(self.sizes[:which])
        stop = start + self.sizes[which]
        return self.inputs[start:stop], self.labels[start:stop]


@dataclass(frozen=True, kw_only=True)
class StoredSplit:
    """A split on disk: small enough to send to a worker, which maps its arrays into memory."""

    folder: Path
    checksum: str
    sizes: tuple[int, int, int]
    classes: tuple[int, ...]
    test_checksum: str


def view(dataset: Dataset, spec: ModelSpec, recipe: Recipe) -> Split:
    """What a model sees of a data set under a recipe.

    Classes beyond the model's are left out, pictures are resized (bilinear) to the model's side,
    and validation samples join the training samples unless the recipe holds them out. A recipe
    made for a few pictures of its own takes the first so many of each class instead.
    """
    train, validation, test = (
        part[dataset.labels[part] < spec.classes]
        for part in (dataset.train, dataset.validation, dataset.test)
    )
    if not recipe.holds_out_validation:
        train, validation = np.sort(np.concatenate([train, validation])), validation[:0]
    if takes_few(dataset.name, recipe):
        assert recipe.samples_per_class is not None
        train_per_class, test_per_class = recipe.samples_per_class
        train = _first_of_each_class(train, dataset.labels, train_per_class)
        test = _first_of_each_class(test, dataset.labels, test_per_class)
    chosen = np.concatenate([train, validation, test])
    inputs = _shaped(dataset.samples, chosen, spec.input_shape)
    labels = dataset.labels[chosen]
    sizes = (len(train), len(validation), len(test))
    classes = tuple(range(spec.classes))
    return Split(
        inputs=inputs,
        labels=labels,
        sizes=sizes,
        classes=classes,
        checksum=checksum([inputs, labels, np.array(sizes)]),
        test_checksum=checksum([dataset.checksum, test, np.array(classes)]),
    )


def with_permuted_pixels(split: Split) -> Split:
    """The same pictures with their pixels in another order, the same for all of them.

    No pixel is lost, so a network that knows nothing of neighbourhood has the same task as before.
    """
    count, *shape = split.inputs.shape
    order = np.random.default_rng(PERMUTATION_SEED).permutation(math.prod(shape))
    inputs = split.inputs.reshape(count, -1)[:, order].reshape(split.inputs.shape)
    return replace(
        split,
        inputs=inputs,
        checksum=checksum([inputs, split.labels, np.array(split.sizes)]),
        test_checksum=checksum([split.test_checksum, order]),
    )


def pictures_at(
    dataset: Dataset, positions: Sequence[int], side: int = 28
) -> tuple[NDArray[np.uint8], Integers]:
    """The test pictures at these positions among the test samples, for a reader to look at.

    Returns:
        uint8 pixels (count, side, side), and their labels.
    """
    chosen = dataset.test[list(positions)]
    return _shaped(dataset.samples, chosen, (1, side, side))[:, 0], dataset.labels[chosen]


def store(split: Split, folder: Path) -> StoredSplit:
    """Writes a split's arrays under their checksum, unless they are there undamaged."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = StoredSplit(
        folder=folder,
        checksum=split.checksum,
        sizes=split.sizes,
        classes=split.classes,
        test_checksum=split.test_checksum,
    )
    try:
        open_stored(stored)
    except StoredDataError:  # missing or damaged
        for name in ("inputs", "labels"):
            path = _array_path(folder, split.checksum, name)
            with replacing(path) as part, part.open("wb") as file:
                np.save(file, getattr(split, name))
    return stored


@lru_cache(maxsize=8)
def open_stored(stored: StoredSplit) -> Split:
    """The split, its arrays mapped copy-on-write; checked once per process.

    Raises:
        StoredDataError: They are missing, or not what was stored.
    """
    paths = [_array_path(stored.folder, stored.checksum, name) for name in ("inputs", "labels")]
    try:
        inputs, labels = (np.load(path, mmap_mode="c") for path in paths)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise StoredDataError(f"'{paths[0]}' or its labels cannot be read ({error})") from error
    if checksum([inputs, labels, np.array(stored.sizes)]) != stored.checksum:
        raise StoredDataError(
            f"'{paths[0]}' or its labels are not what was stored; the same command stores them anew"
        )
    return Split(
        inputs=inputs,
        labels=labels,
        sizes=stored.sizes,
        classes=stored.classes,
        checksum=stored.checksum,
        test_checksum=stored.test_checksum,
    )


def files_of(stored: StoredSplit) -> tuple[Path, Path]:
    """The files of a stored split: of its inputs, and of its labels."""
    inputs, labels = (
        _array_path(stored.folder, stored.checksum, name) for name in ("inputs", "labels")
    )
    return inputs, labels


class StoredDataError(ValueError):
    """Stored arrays are missing or damaged; the message says which."""


def _array_path(folder: Path, checksum: str, name: str) -> Path:
    return folder / f"{checksum[:32]}-{name}.npy"


def _first_of_each_class(positions: Integers, labels: Integers, count: int) -> Integers:
    chosen = [positions[labels[positions] == label][:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def _shaped(
    samples: NDArray[Any] | tuple[Image.Image, ...], chosen: Integers, shape: Shape
) -> NDArray[Any]:
    """The chosen samples in a model's shape; grey pictures keep one channel whatever it takes."""
    if len(shape) == 1:
        assert isinstance(samples, np.ndarray)
        return samples[chosen]
    side = shape[1]
    if isinstance(samples, np.ndarray):
        grey = samples[chosen]
        if grey.shape[1:] != (side, side):
            from PIL import Image  # workers open stored splits only

            grey = np.stack([resized(Image.fromarray(image), side) for image in grey])
        return grey[:, None]
    mode = "RGB" if shape[0] == 3 else "L"
    pictures = [samples[i].convert(mode) for i in chosen]
    shaped = np.stack([resized(picture, side) for picture in pictures])
    return shaped.transpose(0, 3, 1, 2).copy() if mode == "RGB" else shaped[:, None]
