"""Which comparisons carry verdicts: the families, declared before any data are seen.

Two families in every ranking: every network against the run's baseline, and the questions to the
3 x 2 design of activation and pooling. They share the 5% that the run may err in. One question is
the run's primary one: it has half of its family's share. All other differences in a report are
exploratory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.cells.declaration import Primary, primary
from bench.results.runs import Results, Runs
from bench.statistics.accuracy import (
    Comparison,
    Contrast,
    compare_paired,
    correctness,
    pair,
)
from bench.statistics.basics import ALPHA
from bench.statistics.design import (
    CELLS,
    MODELS,
    TRIPLES,
    Effect,
    as_effects,
    contrasts,
)
from bench.statistics.disagreement import Disagreement, disagreement
from bench.statistics.settling import Look, Settled, settle


@dataclass(frozen=True, kw_only=True)
class BaselineFamily:
    """Every network of a ranking against one of them.

    Attributes:
        baseline: The network that the others are compared with.
        comparisons: By model; the difference is the model's accuracy minus the baseline's.
        looks: Those that a run until settled has taken, see `Settled`.
    """

    baseline: Runs
    comparisons: dict[str, Comparison]
    looks: tuple[Look, ...]

    @property
    def open(self) -> tuple[str, ...]:
        """The networks that go on after the last look, the baseline first."""
        models = list(self.comparisons)
        going_on = [models[place] for look in self.looks[-1:] for place in look.open]
        return (self.baseline.model, *going_on) if going_on else ()


def against_baseline(
    group: Sequence[Runs], results: Results, *, look: int | None = None
) -> BaselineFamily | None:
    """The baseline family of a ranking.

    Where the run's baseline was tested on other samples, the ranking's first network in the order
    of the request stands in for it. None if no two networks of the ranking ran.

    Args:
        group: The ranking's networks.
        results: Of the run.
        look: The last look to take, where the run goes on until it is settled.
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
            seeds=seeds,
        )
    asked = primary_question(results)
    places = [i for i, model in enumerate(family) if asked.model == model]
    settled = _judge(
        list(family.values()),
        results,
        primary=places[0] if places and baseline.device == asked.device else None,
        look=look,
    )
    return BaselineFamily(
        baseline=baseline,
        comparisons=dict(zip(family, settled.comparisons, strict=True)),
        looks=settled.looks,
    )


def design_effects(results: Results, device: str) -> tuple[Effect, ...]:
    """The answers to the questions of the 3 x 2 design; none unless all six networks ran."""
    settled = design_looks(results, device)
    return as_effects(settled.comparisons) if settled else ()


def design_looks(results: Results, device: str, *, look: int | None = None) -> Settled | None:
    """The same answers with the looks that they took; None unless all six networks ran.

    Args:
        results: Of the run.
        device: Where.
        look: The last look to take, where the run goes on until it is settled.
    """
    found = design_runs(results, device)
    if len(found) < len(CELLS) or len({r.ranking_group for r in found.values()}) > 1:
        return None
    seeds = [
        seed
        for seed in found[CELLS[0]].accuracy
        if all(seed in runs.accuracy for runs in found.values())
    ]
    if not seeds:
        return None
    correct = {
        cell: correctness(runs.misclassified, seeds, runs.test_samples)
        for cell, runs in found.items()
    }
    return _judge(
        contrasts(correct, same_samples=found[CELLS[0]].same_samples, seeds=seeds),
        results,
        primary=0 if primary_question(results).is_of(device) else None,
        triples=TRIPLES,
        look=look,
    )


def unsettled(results: Results, look: int) -> set[str]:
    """The networks that go on after a look: those of all comparisons that are open."""
    found = (against_baseline(group, results, look=look) for group in results.groups)
    going_on = {model for family in found if family for model in family.open}
    for device in results.request.devices:
        settled = design_looks(results, device, look=look)
        if settled is not None and settled.open:
            going_on |= set(MODELS)
    return going_on


def _judge(
    family: Sequence[Contrast],
    results: Results,
    *,
    primary: int | None,
    look: int | None,
    triples: Sequence[tuple[int, int, int]] = (),
) -> Settled:
    """A family's comparisons: all at once, or look by look where the run was until settled."""
    families, margin = count_families(results), results.request.margin
    compare = partial(
        compare_paired, primary=primary, triples=triples, families=families, margin=margin
    )
    design = results.request.until_settled
    if design is None:
        return Settled(comparisons=compare(family), looks=())
    return settle(
        family,
        compare,
        looks=design.looks,
        taken=results.most_seeds if look is None else look,
        margin=margin,
        level=ALPHA / families,
    )


def primary_question(results: Results) -> Primary:
    """The primary question of a run."""
    request = results.request
    return primary(request.ran, request.baseline, request.devices[0])


def count_families(results: Results) -> int:
    """How many families a run declares: they share the 5% that its verdicts may err in."""
    rankings = sum(sum(runs.summary is not None for runs in group) > 1 for group in results.groups)
    devices = results.request.devices
    designs = sum(len(design_runs(results, device)) == len(CELLS) for device in devices)
    return max(1, rankings + designs)


def design_runs(results: Results, device: str) -> dict[tuple[str, str], Runs]:
    """The networks of the 3 x 2 design that ran on a device."""
    runs = {cell: results.get(model, device) for cell, model in zip(CELLS, MODELS, strict=True)}
    return {cell: found for cell, found in runs.items() if found is not None}


def first_seed_disagreement(first: Runs, second: Runs) -> tuple[int, Disagreement] | None:
    """The first seed that both ran, and what exactly one of its two networks gets wrong."""
    for seed, wrong in first.misclassified.items():
        if seed in second.misclassified:
            return seed, disagreement(wrong, second.misclassified[seed])
    return None
