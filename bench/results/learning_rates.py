"""The 3 x 2 design at several learning rates: which answers hold at every one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from bench.records.kinds import LearningRate, Request
from bench.results.families import design_effects
from bench.results.runs import Results
from bench.statistics.accuracy import (
    Comparison,
    compare_paired,
    correctness,
    pair,
)
from bench.statistics.design import CELLS, MODELS, Effect, effects
from bench.statistics.disagreement import disagreement


@dataclass(frozen=True, kw_only=True)
class LearningRateRuns:
    """One network at one learning rate, by seed.

    Attributes:
        test: Test accuracy, fractions in 0..1.
        validation: Validation accuracy, fractions in 0..1.
        misclassified: Indices of the test samples that it got wrong.
    """

    test: dict[int, float]
    validation: dict[int, float]
    misclassified: dict[int, Collection[int]]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The design at every learning rate.

    Attributes:
        trials: By model and rate.
        samples: Number of test samples.
        guessing_twice: Twice what guessing gives: at or below it a network has not learned, 0..1.
        best_rates: By model, the rate with the highest mean validation accuracy.
        by_rate: The design's answers at each rate.
        at_best: The design's answers with each network at its own best rate; those at that rate
            where it is the same for all.
    """

    trials: Mapping[tuple[str, float], LearningRateRuns]
    samples: int
    guessing_twice: float
    best_rates: Mapping[str, float]
    by_rate: Mapping[float, tuple[Effect, ...]]
    at_best: tuple[Effect, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rates, ascending."""
        return tuple(self.by_rate)

    def lost(self, model: str, rate: float) -> list[int]:
        """The seeds from which a network has not learned at a rate."""
        accuracies = self.trials[model, rate].test
        return [seed for seed, found in accuracies.items() if found <= self.guessing_twice]

    def settled(self, question: int) -> bool:
        """Whether a question has one answer, better or worse, at every rate and at the best."""
        answers = [*(found[question] for found in self.by_rate.values()), self.at_best[question]]
        verdicts = {effect.comparison.verdict for effect in answers}
        return len(verdicts) == 1 and verdicts <= {"better", "worse"}


@lru_cache(maxsize=1)  # several parts of a report ask for it
def read_sweep(results: Results) -> Sweep | None:
    """The sweep that a run's records hold; None unless it is complete."""
    if results.request.recipe != "common" or not results.rates:
        return None
    others = sorted({cell.rate for cell in results.rates})
    own = own_rate(results.request)
    rates = sorted({own, *others})
    trials = _trials(results, own, others)
    if any((model, rate) not in trials for model in MODELS for rate in rates):
        return None
    seeds = sorted(set.intersection(*(set(trial.test) for trial in trials.values())))
    if not seeds:
        return None
    best = {
        model: max(rates, key=lambda rate: fmean(trials[model, rate].validation.values()))
        for model in MODELS
    }
    first = next(runs for runs in results.runs if runs.model == MODELS[0])
    samples = first.test_samples

    def answer(rates: Mapping[str, float]) -> tuple[Effect, ...]:
        """Adjusted for its seven questions: every rate is a family of its own.

        That several agree needs no adjustment for their number (see `Uncertainty.p`).
        """
        return effects(
            {
                cell: correctness(trials[model, rates[model]].misclassified, seeds, samples)
                for cell, model in zip(CELLS, MODELS, strict=True)
            },
            margin=results.request.margin,
        )

    by_rate = {rate: answer(dict.fromkeys(MODELS, rate)) for rate in others}
    # What the run itself has asked keeps its verdicts.
    by_rate[own] = design_effects(results, results.request.devices[0])
    shared = set(best.values())
    return Sweep(
        trials=trials,
        samples=samples,
        guessing_twice=2 / first.classes,
        best_rates=best,
        by_rate={rate: by_rate[rate] for rate in rates},
        at_best=by_rate[shared.pop()] if len(shared) == 1 else answer(best),
    )


@dataclass(frozen=True, kw_only=True)
class Learning:
    """Two networks at a rate at which not every seed learns.

    Attributes:
        first: The one network.
        second: The other.
        rate: The learning rate.
        first_lost: Seeds of the one that have not learned.
        second_lost: Those of the other.
        seeds: How many both have.
        p: Exact two-sided McNemar p over the seeds: whether one learns more often.
        learned: The difference in accuracy, first minus second, over the seeds that learned in
            both; None where there are none.
    """

    first: str
    second: str
    rate: float
    first_lost: int
    second_lost: int
    seeds: int
    p: float
    learned: Comparison | None


def learning(sweep: Sweep, first: str, second: str, rate: float) -> Learning:
    """How often each of two networks learns at a rate, and how they differ where both have.

    Args:
        sweep: The design at every learning rate.
        first: The one network.
        second: The other.
        rate: The learning rate.
    """
    one, other = sweep.trials[first, rate], sweep.trials[second, rate]
    seeds = [seed for seed in one.test if seed in other.test]
    lost, also = ({*sweep.lost(model, rate)} & {*seeds} for model in (first, second))
    both = [seed for seed in seeds if seed not in lost | also]
    compared = compare_paired(
        [
            pair(
                f"{first} - {second}",
                correctness(one.misclassified, both, sweep.samples),
                correctness(other.misclassified, both, sweep.samples),
            )
        ]
        if both
        else []
    )
    return Learning(
        first=first,
        second=second,
        rate=rate,
        first_lost=len(lost),
        second_lost=len(also),
        seeds=len(seeds),
        p=disagreement(lost, also).p,
        learned=compared[0] if compared else None,
    )


def own_rate(request: Request) -> float:
    """The learning rate of a run under a recipe that its networks share."""
    return next(iter(request.recipes.values())).optimiser.learning_rate


def _trials(
    results: Results, own: float, others: Sequence[float]
) -> dict[tuple[str, float], LearningRateRuns]:
    trials = {}
    for model in MODELS:
        runs = results.get(model, results.request.devices[0])
        if runs is not None:
            trials[model, own] = LearningRateRuns(
                test=runs.accuracy,
                validation=runs.validation,
                misclassified={**runs.misclassified},
            )
        for rate in others:
            cells = [cell for cell in results.rates if (cell.model, cell.rate) == (model, rate)]
            if cells:
                trials[model, rate] = _trial(cells)
    return trials


def _trial(cells: list[LearningRate]) -> LearningRateRuns:
    return LearningRateRuns(
        test={cell.seed: cell.test_accuracy for cell in cells},
        validation={cell.seed: cell.validation_accuracy for cell in cells},
        misclassified={cell.seed: cell.misclassified for cell in cells},
    )
