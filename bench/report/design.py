"""Sigmoid, ReLU, tanh and average, max pooling: the controlled questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from bench.report.accuracy import named_device
from bench.results.families import design_effects, design_runs
from bench.results.learning_rates import Learning, Sweep, learning, own_rate, read_sweep
from bench.results.runs import Results, Runs
from bench.statistics.accuracy import Comparison
from bench.statistics.basics import Summary
from bench.statistics.design import ACTIVATION_PAIRS, ACTIVATIONS, MODELS, POOLINGS, Effect
from bench.writing.templates import render

_Variants = Mapping[tuple[str, str], Runs]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two networks of the design that differ in one factor.

    Attributes:
        first: The activation or pooling of the first.
        second: That of the second.
        other: The factor that both share: a pooling, or an activation.
        of_activations: Whether the activations differ; else the poolings.
        difference: First minus second, paired over seeds.
        ahead: Seeds with the first ahead.
        behind: Seeds with the first behind.
        level: Seeds where both are as accurate.
    """

    first: str
    second: str
    other: str
    of_activations: bool
    difference: Summary
    ahead: int
    behind: int
    level: int


@dataclass(frozen=True, kw_only=True)
class Design:
    """The design on one device.

    Attributes:
        device: Where it ran; None if the whole run has one device.
        accuracies: By activation, one mean accuracy for each pooling; None if it is not in the run.
        effects: The answers to the declared questions; none unless all six networks ran.
        pairs: Every two networks that differ in one factor.
    """

    device: str | None
    accuracies: dict[str, tuple[float | None, ...]]
    effects: tuple[Effect, ...]
    pairs: tuple[Pair, ...]

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """The answers by question."""
        return {effect.question.name: effect.comparison for effect in self.effects}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a question's verdicts at the learning rates come down to.

    Attributes:
        kind: `settled` for one answer at every rate, `changes sign` for both `better` and `worse`,
            `somewhere` for an answer at some rates, `nowhere` for none.
        name: The question.
        places: By verdict, the rates that give it; None is each network's own best.
    """

    kind: Literal["settled", "changes sign", "somewhere", "nowhere"]
    name: str
    places: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """A network whose seeds did not all learn at a rate."""

    model: str
    rate: float
    lost: int
    seeds: int


@dataclass(frozen=True, kw_only=True)
class SweepView:
    """The design at several learning rates.

    Attributes:
        answers: One for every question.
        one_best: The rate that is best for all networks; None if they differ in it.
        accuracies: By model, the mean test accuracy at each rate; None where some runs have not
            learned, because a mean of two kinds of runs is what neither does.
        best: By model, its best rate on the validation samples.
        guessing_twice: Twice what guessing gives: at or below it a network has not learned.
        untrained: Where that happened.
        learned: There, every two networks that differ in one factor: how often each learns, and
            the difference among the seeds that learned.
        effects: By question, its effects at each rate and at the best rates.
    """

    answers: tuple[Answer, ...]
    one_best: float | None
    accuracies: dict[str, tuple[float | None, ...]]
    best: dict[str, float]
    guessing_twice: float
    untrained: tuple[Untrained, ...]
    learned: tuple[Learning, ...]
    effects: dict[str, tuple[Effect, ...]]


@dataclass(frozen=True, kw_only=True)
class DesignView:
    """The controlled questions.

    Attributes:
        designs: One for every device on which some network of the design ran.
        poolings: Names of the poolings, the columns.
        common: Whether all networks share a recipe.
        learning_rate: The learning rate of that recipe; None where they have none in common.
        rates: The learning rates of the sweep; none if there is none.
        margin: The smallest difference that matters.
        sweep: None unless the design ran at all of them.
        figure: What the figure of the design shows; None if there is none.
        rates_figure: The same for the figure of the sweep.
    """

    designs: tuple[Design, ...]
    poolings: tuple[str, ...]
    common: bool
    learning_rate: float | None
    rates: tuple[float, ...]
    margin: float
    sweep: SweepView | None
    figure: str | None
    rates_figure: str | None


def activation_and_pooling(results: Results, figures: dict[str, str]) -> str:
    """Sigmoid, ReLU, tanh and average, max pooling, side by side and pair by pair."""
    return render(Path(__file__).parent, "design", design_view(results, figures))


def design_view(results: Results, figures: dict[str, str]) -> DesignView:
    """The design on every device, and at other learning rates where it was repeated."""
    found = [_design(results, device) for device in results.request.devices]
    designs = tuple(design for design in found if design is not None)
    common = results.request.recipe == "common"
    sweep = read_sweep(results) if designs and common else None
    return DesignView(
        designs=designs,
        poolings=tuple(POOLINGS.values()),
        common=common,
        learning_rate=own_rate(results.request) if common else None,
        rates=sweep.rates if sweep else (),
        margin=results.request.margin,
        sweep=_sweep(sweep) if sweep else None,
        figure=figures.get("activation-pooling"),
        rates_figure=figures.get("learning-rates"),
    )


def _design(results: Results, device: str) -> Design | None:
    variants = design_runs(results, device)
    if not variants:
        return None
    return Design(
        device=named_device(device, results),
        accuracies={
            name: tuple(_mean(variants.get((activation, pooling))) for pooling in POOLINGS)
            for activation, name in ACTIVATIONS.items()
        },
        effects=design_effects(results, device),
        pairs=tuple(_pairs(variants)),
    )


def _mean(runs: Runs | None) -> float | None:
    return runs.summary.mean if runs and runs.summary else None


def _pairs(variants: _Variants) -> Iterator[Pair]:
    """All that differ in one factor and share a seed and test samples."""
    for pooling, name in POOLINGS.items():
        for first, second in ACTIVATION_PAIRS:
            yield from _pair(variants, (first, pooling), (second, pooling), name)
    for activation, name in ACTIVATIONS.items():
        yield from _pair(variants, (activation, "max"), (activation, "avg"), name)


def _pair(
    variants: _Variants, first: tuple[str, str], second: tuple[str, str], other: str
) -> Iterator[Pair]:
    ours, theirs = variants.get(first), variants.get(second)
    if ours is None or theirs is None or ours.ranking_group != theirs.ranking_group:
        return
    difference = ours.minus(theirs)
    if difference is None:
        return
    shared = [seed for seed in ours.accuracy if seed in theirs.accuracy]
    deltas = [ours.accuracy[seed] - theirs.accuracy[seed] for seed in shared]
    of_activations = first[0] != second[0]
    names, factor = (ACTIVATIONS, 0) if of_activations else (POOLINGS, 1)
    yield Pair(
        first=names[first[factor]],
        second=names[second[factor]],
        other=other,
        of_activations=of_activations,
        difference=difference,
        ahead=sum(delta > 0 for delta in deltas),
        behind=sum(delta < 0 for delta in deltas),
        level=deltas.count(0),
    )


def _sweep(sweep: Sweep) -> SweepView:
    best = set(sweep.best_rates.values())
    trials = sweep.trials
    lost = {where: len(sweep.lost(*where)) for where in trials}
    return SweepView(
        answers=tuple(_answer(sweep, index) for index in range(len(sweep.at_best))),
        one_best=best.pop() if len(best) == 1 else None,
        accuracies={
            model: tuple(
                None if lost[model, rate] else fmean(trials[model, rate].test.values())
                for rate in sweep.rates
            )
            for model in MODELS
        },
        best=dict(sweep.best_rates),
        guessing_twice=sweep.guessing_twice,
        untrained=tuple(
            Untrained(model=model, rate=rate, lost=count, seeds=len(trials[model, rate].test))
            for (model, rate), count in lost.items()
            if count
        ),
        learned=tuple(_learned(sweep)),
        effects={
            effect.question.name: tuple(found for _, found in _everywhere(sweep, index))
            for index, effect in enumerate(sweep.at_best)
        },
    )


def _learned(sweep: Sweep) -> Iterator[Learning]:
    """Pairs that differ in one factor, at the rates where a seed of one of them has not learned."""
    pairs = [
        (f"lenet5-{first}-{pooling}", f"lenet5-{second}-{pooling}")
        for pooling in POOLINGS
        for first, second in ACTIVATION_PAIRS
    ]
    pairs += [(f"lenet5-{name}-max", f"lenet5-{name}-avg") for name in ACTIVATIONS]
    for rate in sweep.rates:
        for first, second in pairs:
            found = learning(sweep, first, second, rate)
            if found.first_lost or found.second_lost:
                yield found


def _everywhere(sweep: Sweep, index: int) -> Iterator[tuple[float | None, Effect]]:
    """A question's answers at each rate, and last with each network at its own best (None).

    The last one only where the best rates differ.
    """
    yield from ((rate, effects[index]) for rate, effects in sweep.by_rate.items())
    if len(set(sweep.best_rates.values())) > 1:
        yield None, sweep.at_best[index]


def _answer(sweep: Sweep, index: int) -> Answer:
    places: dict[str, tuple[float | None, ...]] = {}
    for place, effect in _everywhere(sweep, index):
        verdict = effect.comparison.verdict
        places[verdict] = (*places.get(verdict, ()), place)
    kind: Literal["settled", "changes sign", "somewhere", "nowhere"]
    if sweep.settled(index):
        kind = "settled"
    elif places.keys() <= {"inconclusive", "identical", "equivalent"}:
        kind = "nowhere"
    else:
        kind = "changes sign" if {"better", "worse"} <= places.keys() else "somewhere"
    return Answer(kind=kind, name=sweep.at_best[index].question.name, places=places)
