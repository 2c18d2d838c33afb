"""The 3 x 2 design: one LeNet under three activations and two poolings, as contrasts.

Every contrast is taken seed by seed and sample by sample before it is averaged, so that all six
networks stay paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.statistics.accuracy import Comparison, Contrast, compare_paired
from bench.statistics.basics import Bools, Floats
from bench.statistics.margin import MARGIN

ACTIVATIONS = {"sigmoid": "sigmoid", "relu": "ReLU", "tanh": "tanh"}
POOLINGS = {"avg": "average", "max": "max"}
ACTIVATION_PAIRS = (("relu", "sigmoid"), ("tanh", "sigmoid"), ("relu", "tanh"))
# The networks, and their names in the zoo.
CELLS = tuple((activation, pooling) for activation in ACTIVATIONS for pooling in POOLINGS)
MODELS = tuple(f"lenet5-{activation}-{pooling}" for activation, pooling in CELLS)

Kind = Literal["activation", "pooling", "interaction"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to the design.

    Attributes:
        kind: A main effect of one factor, or their interaction.
        name: The question in words, to be used in a sentence.
        weights: One for every entry of `CELLS`; they add up to 0.
    """

    kind: Kind
    name: str
    weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The answer to a question.

    An interaction's verdict `better` means that the first activation's lead over the second is
    larger with max pooling than with average pooling, `worse` that it is smaller.
    """

    question: Question
    comparison: Comparison


def contrasts(
    correct: Mapping[tuple[str, str], Bools],
    *,
    same_samples: bool = True,
    seeds: Sequence[int] = (),
) -> list[Contrast]:
    """All questions, seed by seed and sample by sample.

    Args:
        correct: By activation and pooling, all six: (seeds, samples), whether the network is right;
            the same seeds and samples in the same order for all.
        same_samples: Whether column i is the same test sample for every seed.
        seeds: Which seeds, where it matters to the comparison.

    Raises:
        ValueError: A network is missing, or shapes differ.
    """
    missing = [
        f"{activation}-{pooling}"
        for activation, pooling in CELLS
        if (activation, pooling) not in correct
    ]
    if missing:
        raise ValueError(f"the design lacks {', '.join(missing)}; it needs all {len(CELLS)}")
    shapes = {correct[cell].shape for cell in CELLS}
    if len(shapes) > 1:
        raise ValueError(f"networks of the design differ in shape: {sorted(shapes)}")
    stacked = np.stack([correct[cell] for cell in CELLS]).astype(np.float64)
    return [
        Contrast(
            name=question.name,
            values=np.tensordot(question.weights, stacked, axes=1),
            same_samples=same_samples,
            networks=stacked.mean(axis=-1),
            weights=question.weights,
            seeds=tuple(seeds),
        )
        for question in QUESTIONS
    ]


def as_effects(comparisons: Sequence[Comparison]) -> tuple[Effect, ...]:
    """The answers to all questions, in their order."""
    return tuple(
        Effect(question=question, comparison=comparison)
        for question, comparison in zip(QUESTIONS, comparisons, strict=True)
    )


def effects(
    correct: Mapping[tuple[str, str], Bools],
    *,
    same_samples: bool = True,
    is_primary: bool = False,
    families: int = 1,
    margin: float = MARGIN,
) -> tuple[Effect, ...]:
    """All questions answered, adjusted as one family (see `TRIPLES`).

    Args:
        correct: See `contrasts`.
        same_samples: See there.
        is_primary: Whether the first question is the run's primary one.
        families: How many families share the run's 5%, see `compare_paired`.
        margin: The smallest difference that matters, see there.

    Raises:
        ValueError: A network is missing, or shapes differ.
    """
    return as_effects(
        compare_paired(
            contrasts(correct, same_samples=same_samples),
            primary=0 if is_primary else None,
            triples=TRIPLES,
            families=families,
            margin=margin,
        )
    )


def _weights(activation: Mapping[str, float], pooling: Mapping[str, float]) -> tuple[float, ...]:
    """A contrast's weights: the product of what it asks of each factor."""
    table: Floats = np.outer(
        [activation.get(name, 0.0) for name in ACTIVATIONS],
        [pooling.get(name, 0.0) for name in POOLINGS],
    )
    return tuple(table.ravel().tolist())


def _questions() -> tuple[Question, ...]:
    either_pooling = dict.fromkeys(POOLINGS, 1 / len(POOLINGS))
    any_activation = dict.fromkeys(ACTIVATIONS, 1 / len(ACTIVATIONS))
    max_over_average = {"max": 1.0, "avg": -1.0}
    mains = [
        Question(
            kind="activation",
            name=f"{ACTIVATIONS[first]} instead of {ACTIVATIONS[second]}, "
            "averaged over both poolings",
            weights=_weights({first: 1.0, second: -1.0}, either_pooling),
        )
        for first, second in ACTIVATION_PAIRS
    ]
    pooling = Question(
        kind="pooling",
        name="max instead of average pooling, averaged over the three activations",
        weights=_weights(any_activation, max_over_average),
    )
    interactions = [
        Question(
            kind="interaction",
            name=f"the lead of {ACTIVATIONS[first]} over {ACTIVATIONS[second]} with max pooling, "
            "minus its lead with average pooling",
            weights=_weights({first: 1.0, second: -1.0}, max_over_average),
        )
        for first, second in ACTIVATION_PAIRS
    ]
    return (*mains, pooling, *interactions)


# The family, declared before any data are seen.
QUESTIONS = _questions()
# The lead of ReLU over sigmoid is its lead over tanh plus tanh's over sigmoid; so are interactions.
TRIPLES = tuple(
    (places[0], places[1], places[2])
    for kind in ("activation", "interaction")
    for places in [[i for i, question in enumerate(QUESTIONS) if question.kind == kind]]
)
