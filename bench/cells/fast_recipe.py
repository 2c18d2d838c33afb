"""The fast recipe: made to bring networks to 99% on MNIST in little time, and how it was chosen.

`python -m bench.choose fast` repeats the choice. Every candidate trains `lenet` on MNIST. The rule
was fixed before: of the candidates whose mean validation accuracy reaches `TARGET`, the one that
trains in the least time wins; of several that take the same time, the one with the highest
accuracy; where none reaches it, the highest accuracy wins. The test split plays no part. The
outcome stands in `fast.csv` beside this file; a test checks that `FAST` is its winner.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bench.cells.common_recipe import shared_recipe
from zoo import ModelSpec, Recipe
from zoo.spec import Optimiser

MODEL, TARGET = "lenet", 0.99  # of the choice: the ReLU LeNet, and a fraction right
OUTCOME = Path(__file__).with_name("fast.csv")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the candidates differ in; all take Adam with a rate that falls linearly to 0."""

    batch: int
    learning_rate: float
    epochs: int


SEEDS = (101, 102, 103)  # not those that comparisons start from

# Larger batches were no faster per epoch on a CPU, so they are no candidates.
CANDIDATES = tuple(
    Settings(batch=batch, learning_rate=rate, epochs=epochs)
    for batch, rate, epochs in product((32, 64), (0.002, 0.003, 0.005), (1, 2, 3))
)
FAST = Settings(batch=64, learning_rate=0.005, epochs=3)


def fast_recipe(spec: ModelSpec, settings: Settings = FAST) -> Recipe:
    """The recipe that all models share where time counts; loss and statistics fit the network."""
    return shared_recipe(
        spec,
        optimiser=Optimiser(name="adam", learning_rate=settings.learning_rate),
        schedule="linear",
        batch=settings.batch,
        epochs=settings.epochs,
    )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate as the choice found it.

    Attributes:
        settings: What it is.
        mean: Mean validation accuracy over seeds, a fraction in 0..1.
        lowest: The lowest seed's.
        seconds: Of training: its epochs times the median seconds of an epoch at its batch.
    """

    settings: Settings
    mean: float
    lowest: float
    seconds: float


def winner(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate that the rule chooses."""
    reaching = [candidate for candidate in candidates if candidate.mean >= TARGET]
    if not reaching:
        return max(candidates, key=lambda candidate: candidate.mean)
    return min(reaching, key=lambda candidate: (candidate.seconds, -candidate.mean))


def read_outcome(path: Path = OUTCOME) -> tuple[Candidate, ...]:
    """The candidates as the last choice left them, in its order."""
    with path.open(newline="") as file:
        return tuple(
            Candidate(
                settings=Settings(
                    batch=int(row["batch"]),
                    learning_rate=float(row["learning_rate"]),
                    epochs=int(row["epochs"]),
                ),
                mean=float(row["validation_accuracy_mean"]),
                lowest=float(row["validation_accuracy_lowest"]),
                seconds=float(row["seconds"]),
            )
            for row in csv.DictReader(file)
        )
