"""Which comparisons carry verdicts: the families, declared before any data are seen.

Two families in every ranking: every network against the run's baseline, and the questions to the
3 x 2 design of activation and pooling. They share the 5% that the run may err in. One question is
the run's primary one: it has half of its family's share. All other differences in a report are
exploratory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.runs import Results, Runs
from bench.statistics.accuracy import (
    Comparison,
    Disagreement,
    compare_paired,
    correctness,
    disagreement,
    pair,
)
from bench.statistics.design import CELLS, MODELS, QUESTIONS, Effect, effects


@dataclass(frozen=True, kw_only=True)
class BaselineFamily:
    """Every network of a ranking against one of them.

    Attributes:
        baseline: The network that the others are compared with.
        comparisons: By model; the difference is the model's accuracy minus the baseline's.
    """

    baseline: Runs
    comparisons: dict[str, Comparison]


def against_baseline(group: Sequence[Runs], results: Results) -> BaselineFamily | None:
    """The baseline family of a ranking.

    Where the run's baseline was tested on other samples, the ranking's first network in the order
    of the request stands in for it. None if no two networks of the ranking ran.
    """
    order = results.request.ran
    ran = sorted((runs for runs in group if runs.summary), key=lambda r: order.index(r.model))
    if len(ran) < 2:
        return None
    named = [runs for runs in ran if runs.model == results.request.baseline]
    baseline = (named or ran)[0]
    family = {}
    for runs in ran:
        seeds = [seed for seed in runs.accuracy if seed in baseline.accuracy]
        if runs is baseline or not seeds:
            continue
        family[runs.model] = pair(
            f"{runs.model} - {baseline.model}",
            correctness(runs.misclassified, seeds, runs.test_samples),
            correctness(baseline.misclassified, seeds, baseline.test_samples),
            same_samples=runs.same_samples,
            identical=runs.is_twin_of(baseline),
        )
    primary = primary_question(results)
    places = [i for i, model in enumerate(family) if primary.model == model]
    comparisons = compare_paired(
        list(family.values()),
        primary=places[0] if places and baseline.device == primary.device else None,
        families=count_families(results),
        margin=results.request.margin,
    )
    return BaselineFamily(
        baseline=baseline, comparisons=dict(zip(family, comparisons, strict=True))
    )


def design_effects(results: Results, device: str) -> tuple[Effect, ...]:
    """The answers to the questions of the 3 x 2 design; none unless all six networks ran."""
    found = _design(results, device)
    if len(found) < len(CELLS) or len({r.ranking_group for r in found.values()}) > 1:
        return ()
    seeds = [
        seed
        for seed in found[CELLS[0]].accuracy
        if all(seed in runs.accuracy for runs in found.values())
    ]
    if not seeds:
        return ()
    correct = {
        cell: correctness(runs.misclassified, seeds, runs.test_samples)
        for cell, runs in found.items()
    }
    return effects(
        correct,
        same_samples=found[CELLS[0]].same_samples,
        is_primary=primary_question(results).is_of(device),
        families=count_families(results),
        margin=results.request.margin,
    )


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The question that a run is asked first of all.

    Attributes:
        name: The question in words, to be used in a sentence, where it is one to the design.
        model: Else the network that is compared with the baseline; None if there is none.
        device: Where.
    """

    name: str | None
    model: str | None
    device: str

    def is_of(self, device: str) -> bool:
        """Whether it is a question to the design on a device."""
        return self.name is not None and self.device == device


def primary_question(results: Results) -> Primary:
    """The primary question, which follows from the request alone.

    With all six networks of the design it is the design's first question, ReLU instead of sigmoid;
    else the first network that is asked for beside the baseline. On the first device.
    """
    request = results.request
    device = request.devices[0]
    if set(MODELS) <= set(request.ran):
        return Primary(name=QUESTIONS[0].name, model=None, device=device)
    others = [model for model in request.ran if model != request.baseline]
    return Primary(name=None, model=others[0] if others else None, device=device)


def count_families(results: Results) -> int:
    """How many families a run declares: they share the 5% that its verdicts may err in."""
    rankings = sum(sum(runs.summary is not None for runs in group) > 1 for group in results.groups)
    devices = results.request.devices
    designs = sum(len(_design(results, device)) == len(CELLS) for device in devices)
    return max(1, rankings + designs)


def _design(results: Results, device: str) -> dict[tuple[str, str], Runs]:
    """The networks of the 3 x 2 design that ran on a device."""
    runs = {
        (activation, pooling): results.get(f"lenet5-{activation}-{pooling}", device)
        for activation, pooling in CELLS
    }
    return {cell: found for cell, found in runs.items() if found is not None}


def first_seed_disagreement(first: Runs, second: Runs) -> tuple[int, Disagreement] | None:
    """The first seed that both ran, and what exactly one of its two networks gets wrong."""
    for seed, wrong in first.misclassified.items():
        if seed in second.misclassified:
            return seed, disagreement(wrong, second.misclassified[seed])
    return None
