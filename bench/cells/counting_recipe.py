"""The recipes of the counting exercise, and how their learning rates were chosen.

The document counts `bp-100` and `cnn-100` and trains neither, so their recipes are ours.
`python -m bench.choose counting` repeats the choice. Both networks are trained alike but for the
learning rate, at each rate of `RATES`. The rule was fixed before: each network takes the rate with
the highest mean accuracy on the held-out validation samples after the last epoch; of several equal
ones, the one that reaches `LEARNED` after the fewest samples. The test split plays no part. The
outcome stands in `counting.csv` beside this file; a test checks that the zoo's recipes are its
winners.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.records.kinds import TestPoint

MODELS = ("bp-100", "cnn-100")
LEARNED = 0.95  # of the validation samples right: the network has learned
OUTCOME = Path(__file__).with_name("counting.csv")
RATES = (0.003, 0.01, 0.03, 0.1)
# Not those that the exercise trains with. A run of the BP network takes minutes.
SEEDS = {"bp-100": (101,), "cnn-100": (101, 102, 103)}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network at one learning rate, as the choice found it.

    Attributes:
        model: The network.
        learning_rate: Of plain SGD.
        accuracy: Mean validation accuracy after the last epoch, a fraction in 0..1.
        samples: Median of the samples seen until `LEARNED`; infinite where most seeds never did.
    """

    model: str
    learning_rate: float
    accuracy: float
    samples: float


def learned_after(curve: Iterable[TestPoint]) -> int | None:
    """Samples seen when `LEARNED` was first reached on the validation samples; None if never.

    Args:
        curve: Of a run; it is tested about ten times.
    """
    return next(
        (
            point.examples_seen
            for point in curve
            if point.validation_accuracy is not None and point.validation_accuracy >= LEARNED
        ),
        None,
    )


def winner(candidates: Sequence[Candidate], model: str) -> Candidate:
    """The candidate that the rule chooses for a network."""
    own = (candidate for candidate in candidates if candidate.model == model)
    return max(own, key=lambda candidate: (candidate.accuracy, -candidate.samples))


def read_outcome(path: Path = OUTCOME) -> tuple[Candidate, ...]:
    """The candidates as the last choice left them, in its order."""
    with path.open(newline="") as file:
        return tuple(
            Candidate(
                model=row["model"],
                learning_rate=float(row["learning_rate"]),
                accuracy=float(row["validation_accuracy"]),
                samples=float(row["samples_until_learned"] or math.inf),
            )
            for row in csv.DictReader(file)
        )
