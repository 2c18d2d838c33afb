"""The curves of a training run: loss while it trains, loss and accuracy when it is tested."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from bench.cells.splits import Split
from bench.records.kinds import TestPoint, TrainingPoint, finite
from zoo import Recipe

TRAINING_POINTS = 20  # about so many on a training curve

Answers = np.ndarray[Any, np.dtype[np.int64]]  # class answered for each sample, (n,)


class Curves:
    """The points that a run has left so far, over the examples that it has seen."""

    def __init__(self, recipe: Recipe, split: Split, examples: int, batch: int) -> None:
        """Begins without a point.

        Args:
            recipe: How the network is trained.
            split: On what.
            examples: Samples that an epoch shows to it.
            batch: Samples of a batch; an epoch's last may have fewer.
        """
        self.recipe = recipe
        self.split = split
        self.examples = examples
        self.batch = batch
        self.training: list[TrainingPoint] = []
        self.test: list[TestPoint] = []

    def trained(self, epoch: int, losses: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Leaves points for an epoch, where it is one that is watched.

        Args:
            epoch: Its number, from 1 on.
            losses: Mean loss of each of its batches, (batches,).
        """
        if epoch % math.ceil(self.recipe.epochs / TRAINING_POINTS):
            return
        points = max(1, TRAINING_POINTS // self.recipe.epochs)
        ends = sorted({math.ceil(len(losses) * point / points) for point in range(1, points + 1)})
        seen = np.minimum(np.arange(1, len(losses) + 1) * self.batch, self.examples)
        sums = losses * np.diff(seen, prepend=0)
        for start, end in pairwise([0, *ends]):
            mean = sums[start:end].sum() / (seen[end - 1] - (seen[start - 1] if start else 0))
            examples_seen = (epoch - 1) * self.examples + int(seen[end - 1])
            self.training.append(TrainingPoint(examples_seen=examples_seen, loss=_short(mean)))

    def tested(self, epoch: int, loss: float, answers: Answers, held_out: Answers | None) -> None:
        """Leaves a point on the test curve.

        Args:
            epoch: Epochs trained so far.
            loss: Mean loss of the test samples.
            answers: Class answered for each of them.
            held_out: Class answered for each validation sample, where there are some.
        """
        validation = None if held_out is None else self._accuracy(held_out, "validation")
        self.test.append(
            TestPoint(
                epoch=epoch,
                examples_seen=epoch * self.examples,
                loss=_short(loss),
                accuracy=self._accuracy(answers, "test"),
                validation_accuracy=validation,
            )
        )

    def _accuracy(self, answers: Answers, part: Any) -> float:
        return float(np.mean(answers == self.split.part(part)[1]))


def _short(value: float) -> float | None:
    """The nearest float32, in its shortest decimal form: curves stay small in the records.

    None where it is infinite or no number.
    """
    return finite(float(str(np.float32(value))))
