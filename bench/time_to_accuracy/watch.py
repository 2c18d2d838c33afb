"""A training run that is stopped now and then, its clocks with it, to see how accurate it is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.cells.allocation import keep_freed_memory
from bench.cells.curves import Answers
from bench.cells.data import load
from bench.cells.determinism import deterministic
from bench.cells.plan import Cell
from bench.cells.schedule import LearningRate
from bench.cells.splits import view
from bench.cells.train import Part, Training, draw_order
from bench.cells.weights import weights_sha256
from bench.records.kinds import AccuracyPoint
from bench.time_to_accuracy.crossings import POINTS_PER_EPOCH


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What came of a run.

    Attributes:
        points: In the order of time.
        weights_sha256: Digest of the weights after the last epoch; None where it diverged.
        error: That it diverged, and when; None where it did not.
    """

    points: tuple[AccuracyPoint, ...]
    weights_sha256: str | None
    error: str | None


class Untested(Training):
    """A training that is tested when somebody asks for it, and neither before nor after."""

    def _test(self) -> Answers:
        return np.empty(0, dtype=np.int64)

    def accuracy(self, part: Part) -> float:
        """Fraction of a part's samples that the network has right."""
        answers = self.evaluate(part)[1]
        return float((answers == self.split.part(part)[1]).mean())


class Clocks:
    """Three clocks that stand still together.

    They all read `time.monotonic()`, which on Linux and macOS is the same for all processes.
    """

    def __init__(self, *, process: float, ready: float) -> None:
        self.process = process
        self.ready = ready
        self.paused = 0.0
        self.first = ready

    def first_step_done(self) -> None:
        """The first training step is over, and all that is done once with it."""
        self.first = time.monotonic()

    def point(self, updates: int, samples: int) -> tuple[int, float, float, float]:
        """Samples, and what the clocks show after so many training steps, of which two or more.

        The steady clock runs from the end of the first step, which also makes what later steps
        find ready. That step is counted as long as the mean of the others.
        """
        now = time.monotonic() - self.paused
        steady = (now - self.first) * updates / (updates - 1)
        return samples, steady, now - self.ready, now - self.process


def watch(cell: Cell, data_root: Path, process: float) -> Watched:
    """Trains a cell from the start of this process on, the data unread.

    Args:
        cell: What to train, on MNIST.
        data_root: The folder above `MNIST/raw`.
        process: When the process was started, by `time.monotonic()` of the one that did it.
    """
    data = load(cell.dataset, data_root=data_root, seed=cell.seed)
    split = view(data, cell.spec, cell.recipe)
    clocks = Clocks(process=process, ready=time.monotonic())
    keep_freed_memory()
    with deterministic():
        training = Untested(cell.spec, cell.recipe, split, seed=cell.seed, device=cell.device)
        return run(training, clocks)


def run(training: Untested, clocks: Clocks) -> Watched:
    """Trains a network to the end of its recipe, or until its loss is no number."""
    recipe, (inputs, labels) = training.recipe, training.parts["train"]
    size = recipe.train_batch or len(inputs)
    per_epoch = math.ceil(training.examples_per_epoch / size)
    stops = stops_of(per_epoch)
    schedule = LearningRate(recipe, training.optimiser, per_epoch)
    points: list[AccuracyPoint] = []
    updates = samples = 0
    training.network.train()
    step = training.make_step()
    for _ in range(recipe.epochs):
        order = draw_order(len(inputs), training.order if recipe.shuffle else None)
        order = order[: training.examples_per_epoch].to(training.device)
        for batch, answers in training.batches.ahead(inputs, labels, order, size):
            schedule.before(updates)
            loss = step(batch, answers)
            updates, samples = updates + 1, samples + len(answers)
            if updates == 1:
                loss.item()  # a GPU has done all that was asked of it once a number is read
                clocks.first_step_done()
                continue
            if (updates - 1) % per_epoch + 1 not in stops:
                continue
            value = loss.item()
            times = clocks.point(updates, samples)
            if not math.isfinite(value):
                error = f"diverged: the loss is {value} after {samples:,} samples"
                return Watched(points=tuple(points), weights_sha256=None, error=error)
            points.append(AccuracyPoint(*times, *_accuracies(training, clocks)))
    digest = weights_sha256(training.network.state_dict())
    return Watched(points=tuple(points), weights_sha256=digest, error=None)


def stops_of(per_epoch: int) -> frozenset[int]:
    """After which steps of an epoch the clocks stand still: about eight, the last one included."""
    return frozenset(
        math.ceil(per_epoch * part / POINTS_PER_EPOCH) for part in range(1, POINTS_PER_EPOCH + 1)
    )


def _accuracies(training: Untested, clocks: Clocks) -> tuple[float, float]:
    """Validation and test accuracy; no clock runs meanwhile."""
    stopped = time.monotonic()
    found = training.accuracy("validation"), training.accuracy("test")
    training.network.train()
    clocks.paused += time.monotonic() - stopped
    return found
