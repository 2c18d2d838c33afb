"""The common recipe, and how it was chosen.

`python -m bench.choose digits` (or `mnist`) repeats the choice by a rule that was fixed before:
every candidate trains every image network of the zoo, and the candidate with the highest mean
accuracy on the held-out validation samples wins. The test split plays no part. The outcome stands
beside this file; a test checks that `COMMON` holds its winner. Data sets that have no choice of
their own take the recipe of `OTHERWISE`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean, median

from zoo import ModelSpec, Recipe
from zoo.spec import (
    IMAGENET_STATISTICS,
    MNIST_STATISTICS,
    UNIT_RANGE,
    Loss,
    Normalisation,
    Optimiser,
    Output,
    Schedule,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the candidates differ in; all take Adam."""

    learning_rate: float
    schedule: Schedule

    def __str__(self) -> str:
        falling = ", falling linearly to 0" if self.schedule == "linear" else ""
        return f"Adam {self.learning_rate:g}{falling}"


BATCH = 32
EPOCHS = {"digits": 20, "mnist": 2}  # of MNIST a run takes less than a minute of one thread
COMMON = {
    "digits": Settings(learning_rate=3e-3, schedule="linear"),
    "mnist": Settings(learning_rate=3e-3, schedule="linear"),
}
# Of the design's sweep: they span the best rate of each network on the validation samples.
SWEEP_RATES = {"digits": (3e-4, 1e-3, 3e-3, 1e-2), "mnist": (3e-4, 1e-3, 3e-3, 1e-2)}
OTHERWISE = "digits"

_SCHEDULES: tuple[Schedule, ...] = ("constant", "linear")
CANDIDATES = tuple(
    Settings(learning_rate=rate, schedule=schedule)
    for rate, schedule in product((3e-4, 1e-3, 3e-3, 1e-2, 3e-2), _SCHEDULES)
)
# Not the seeds that comparisons start from, so that the choice and the report share no run.
SEEDS = {"digits": (101, 102, 103), "mnist": (101, 102)}

_FITTING_LOSS: dict[Output, Loss] = {
    "logits": "cross-entropy",
    "log-probabilities": "nll",
    "probabilities": "nll-of-probabilities",
}


def chosen_on(dataset: str) -> str:
    """The data set on which the recipe of a data set was chosen."""
    return dataset if dataset in COMMON else OTHERWISE


def common_recipe(
    spec: ModelSpec, dataset: str = OTHERWISE, settings: Settings | None = None
) -> Recipe:
    """The recipe that all models share on a data set.

    Args:
        spec: The network.
        dataset: By name.
        settings: Instead of those that were chosen for the data set.
    """
    known = chosen_on(dataset)
    chosen = settings or COMMON[known]
    return shared_recipe(
        spec,
        optimiser=Optimiser(name="adam", learning_rate=chosen.learning_rate),
        schedule=chosen.schedule,
        batch=BATCH,
        epochs=EPOCHS[known],
    )


def shared_recipe(
    spec: ModelSpec, *, optimiser: Optimiser, schedule: Schedule, batch: int, epochs: int
) -> Recipe:
    """A recipe of which networks share all but what their own form asks for.

    That is the negative log-likelihood that fits their outputs, and the pixel statistics that fit
    their channels.
    """
    return Recipe(
        dataset="any",
        normalisation=_normalisation(spec),
        train_batch=batch,
        test_batch=256,
        loss=_FITTING_LOSS[spec.output],
        optimiser=optimiser,
        epochs=epochs,
        schedule=schedule,
        holds_out_validation=True,
    )


def at_rate(recipe: Recipe, rate: float) -> Recipe:
    """The same recipe at another learning rate."""
    return replace(recipe, optimiser=replace(recipe.optimiser, learning_rate=rate))


def _normalisation(spec: ModelSpec) -> Normalisation:
    if not spec.takes_images:
        return UNIT_RANGE
    return MNIST_STATISTICS if spec.input_shape[0] == 1 else IMAGENET_STATISTICS


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate's validation accuracies, as the choice found them.

    Attributes:
        settings: What it is.
        accuracies: By network, the mean over seeds, fractions in 0..1.
        spreads: By network, the standard deviation over seeds, fractions.
    """

    settings: Settings
    accuracies: dict[str, float]
    spreads: dict[str, float]

    @property
    def mean(self) -> float:
        """What the rule looks at: the mean over all networks."""
        return fmean(self.accuracies.values())

    @property
    def lowest_model(self) -> str:
        """The network that does worst."""
        return min(self.accuracies, key=self.accuracies.__getitem__)

    @property
    def spread(self) -> float:
        """The median over networks of their spreads."""
        return median(self.spreads.values())


def outcome_path(dataset: str) -> Path:
    """Where the outcome of a data set's choice stands, a line for each candidate and network."""
    return Path(__file__).with_name(f"common-{dataset}.csv")


def read_outcome(dataset: str) -> tuple[Candidate, ...]:
    """The candidates as the last choice left them, in its order."""
    with outcome_path(dataset).open(newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault((row["learning_rate"], row["schedule"]), []).append(row)
    return tuple(
        Candidate(
            settings=Settings(
                learning_rate=float(rate),
                schedule="linear" if schedule == "linear" else "constant",
            ),
            accuracies={row["model"]: float(row["validation_accuracy"]) for row in of_one},
            spreads={row["model"]: float(row["spread"]) for row in of_one},
        )
        for (rate, schedule), of_one in found.items()
    )


def winner(candidates: tuple[Candidate, ...]) -> Candidate:
    """The candidate that the rule chooses."""
    return max(candidates, key=lambda candidate: candidate.mean)


def best_for(candidates: tuple[Candidate, ...], model: str, schedule: Schedule) -> Candidate:
    """The candidate with a schedule under which a network does best on validation samples."""
    fitting = [found for found in candidates if found.settings.schedule == schedule]
    return max(fitting, key=lambda found: found.accuracies[model])
