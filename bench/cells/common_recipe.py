"""The common recipe, and how it was chosen.

`python -m bench.choose` repeats the choice: every candidate trains every image model of the zoo on
`digits`, and the candidate with the highest mean accuracy on the held-out validation samples wins.
The test split plays no part. The outcome stands in `common.csv` beside this file; a test checks
that `OPTIMISER` is its winner.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from zoo import ModelSpec, Recipe
from zoo.spec import (
    IMAGENET_STATISTICS,
    MNIST_STATISTICS,
    UNIT_RANGE,
    Loss,
    Normalisation,
    Optimiser,
    Output,
)

OPTIMISER = Optimiser(name="adam", learning_rate=3e-3)
BATCH = 32
EPOCHS = 20

CANDIDATES = (
    Optimiser(name="adam", learning_rate=3e-4),
    Optimiser(name="adam", learning_rate=1e-3),
    Optimiser(name="adam", learning_rate=3e-3),
    Optimiser(name="adam", learning_rate=1e-2),
    Optimiser(name="sgd", learning_rate=0.01, momentum=0.9),
    Optimiser(name="sgd", learning_rate=0.05, momentum=0.9),
)
# Not the seeds that comparisons start from, so that the choice and the report share no run.
SEEDS = (101, 102, 103)
OUTCOME = Path(__file__).with_name("common.csv")

_FITTING_LOSS: dict[Output, Loss] = {
    "logits": "cross-entropy",
    "log-probabilities": "nll",
    "probabilities": "nll-of-probabilities",
}


def common_recipe(spec: ModelSpec, optimiser: Optimiser = OPTIMISER) -> Recipe:
    """The recipe that all models share.

    What differs is only what the network's own form asks for: the negative log-likelihood that
    fits its outputs, and the pixel statistics that fit its channels.
    """
    return Recipe(
        dataset="any",
        normalisation=_normalisation(spec),
        train_batch=BATCH,
        test_batch=256,
        loss=_FITTING_LOSS[spec.output],
        optimiser=optimiser,
        epochs=EPOCHS,
        holds_out_validation=True,
    )


def _normalisation(spec: ModelSpec) -> Normalisation:
    if not spec.takes_images:
        return UNIT_RANGE
    return MNIST_STATISTICS if spec.input_shape[0] == 1 else IMAGENET_STATISTICS


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate's validation accuracy, fractions in 0..1."""

    optimiser: str
    mean: float
    lowest: float
    lowest_model: str


def read_outcome(path: Path = OUTCOME) -> tuple[Candidate, ...]:
    """The candidates as the last choice left them, in its order."""
    with path.open(newline="") as file:
        return tuple(
            Candidate(
                optimiser=row["optimiser"],
                mean=float(row["validation_accuracy_mean"]),
                lowest=float(row["lowest_model_mean"]),
                lowest_model=row["lowest_model"],
            )
            for row in csv.DictReader(file)
        )
