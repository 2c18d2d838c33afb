"""Data sets whose classes have names, and the fixed split of what comes without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.cells.arrays import Integers, checksum
from bench.cells.data import SPLIT_SEED, Dataset

if TYPE_CHECKING:
    from PIL import Image

TEST_SHARE = 1 / 5  # of each class, where the data name no test samples
VALIDATION_SHARE = 1 / 12  # of each class among the rest; as of MNIST


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedDataset(Dataset):
    """A data set whose classes have names; as many as there are classes.

    Attributes:
        class_names: By class.
    """

    class_names: tuple[str, ...]


def named_dataset(
    name: str,
    samples: NDArray[Any] | tuple[Image.Image, ...],
    labels: Integers,
    split: tuple[Integers, Integers, Integers],
    class_names: Sequence[str],
) -> NamedDataset:
    """A data set with the checksum that other data sets have.

    Args:
        name: For reports.
        samples: As `Dataset` has them.
        labels: Class of each.
        split: Positions of the training, validation and test samples.
        class_names: By class.
    """
    each = (np.asarray(x) for x in ([samples] if isinstance(samples, np.ndarray) else samples))
    train, validation, test = split
    return NamedDataset(
        name=name,
        samples=samples,
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        checksum=checksum(chain(each, (labels, *split))),
        class_names=tuple(class_names),
    )


def class_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of a data set's classes; none where classes are digits or have no names."""
    return dataset.class_names if isinstance(dataset, NamedDataset) else ()


def without_some(
    positions: Integers, labels: Integers, share: float, least: int
) -> tuple[Integers, Integers]:
    """The positions in two parts, the same every time: of each class a share is in the second.

    Args:
        positions: Of samples.
        labels: Class of every sample of the data set.
        share: Of a class's samples, rounded.
        least: How many of each class are in the second part at least.
    """
    draw = np.random.default_rng(SPLIT_SEED)
    second: list[Integers] = [positions[:0]]
    for label in np.unique(labels[positions]):
        own = draw.permutation(positions[labels[positions] == label])
        second.append(own[: max(least, round(share * len(own)))])
    taken = np.sort(np.concatenate(second))
    return np.setdiff1d(positions, taken), taken


def split_of(labels: Integers, test: Integers | None = None) -> tuple[Integers, Integers, Integers]:
    """Training, validation and test positions, where the data name the test samples or no split.

    Args:
        labels: Class of each sample.
        test: The test samples; None takes a fifth of each class, and one at least.
    """
    everything = np.arange(len(labels))
    if test is None:
        rest, test = without_some(everything, labels, TEST_SHARE, least=1)
    else:
        rest = np.setdiff1d(everything, test)
    train, validation = without_some(rest, labels, VALIDATION_SHARE, least=0)
    return train, validation, test
