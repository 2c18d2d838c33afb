"""Every network against the baseline, with verdicts; two networks sample by sample; all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.report.accuracy import named_device
from bench.results.families import (
    BaselineFamily,
    against_baseline,
    count_families,
    design_effects,
    first_seed_disagreement,
    primary_question,
)
from bench.results.runs import Results, Runs
from bench.statistics.accuracy import Comparison, correctness
from bench.statistics.neighbours import design_effect
from bench.writing.templates import render

SAMPLES_SHOWN = 12
_VERDICTS = ("better", "worse", "equivalent", "identical", "inconclusive")


@dataclass(frozen=True, kw_only=True)
class DisagreedSample:
    """A test sample that exactly one of two networks gets wrong."""

    index: int
    digit: str
    baseline: str
    rival: str


@dataclass(frozen=True, kw_only=True)
class TwoNetworks:
    """One trained network of the baseline beside one of its best rival.

    Attributes:
        seed: The seed of both.
        rival: The other network.
        test_samples: How many samples both were tested on.
        baseline_wrong: How many of them the baseline alone gets wrong.
        rival_wrong: How many the rival alone gets wrong.
        p: McNemar's.
        samples: The first of those samples; none where their labels are not recorded.
        hidden: Whether there are more.
        kind: What the samples are of: a `digit`, or a `class` with a name.
    """

    seed: int
    rival: str
    test_samples: int
    baseline_wrong: int
    rival_wrong: int
    p: float
    samples: tuple[DisagreedSample, ...]
    hidden: bool
    kind: str


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """How many times as large as in the table the doubt over samples is, with blocks of samples.

    Attributes:
        median: Over the networks that are compared with the baseline.
        lowest: Of them.
        highest: Of them.
    """

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True)
class PrimaryAnswer:
    """The primary question of the run and what became of it.

    Attributes:
        question: In words, where it is one to the design.
        model: Else the network that is compared with the baseline.
        baseline: That.
        device: Where; None if the whole run has one device.
        comparison: The answer.
    """

    question: str | None
    model: str | None
    baseline: str
    device: str | None
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Family:
    """Every network of a ranking against the baseline.

    Attributes:
        baseline: The network that the others are compared with.
        device: Where they ran; None if the whole run has one device.
        models: By verdict, in the order of the words.
        comparisons: By model.
        neighbours: Whether neighbouring samples are alike; None where that cannot be told.
        two: Two networks sample by sample; None where no seed ran for both.
        ran: The networks of the table of all pairs.
        pairs: Its rows; a difference is None where no seed ran for both.
    """

    baseline: str
    device: str | None
    models: dict[str, tuple[str, ...]]
    comparisons: dict[str, Comparison]
    neighbours: Neighbours | None
    two: TwoNetworks | None
    ran: tuple[str, ...]
    pairs: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class VerdictsView:
    """A family for every ranking with two networks or more.

    Attributes:
        families: All of them.
        number_of_families: How many families of questions the run has, with those to the design.
        primary: The run's primary question; None where it was not answered.
        margin: The smallest difference that matters.
        dataset: Name of the data.
        figure: What the figure of the differences shows; None if there is none.
    """

    families: tuple[Family, ...]
    number_of_families: int
    primary: PrimaryAnswer | None
    margin: float
    dataset: str
    figure: str | None = None


def verdicts(results: Results, figures: Mapping[str, str]) -> str:
    """What holds against the baseline, in words and in numbers, for every ranking."""
    view = replace(verdicts_view(results), figure=figures.get("differences"))
    return render(Path(__file__).parent, "verdicts", view)


def verdicts_view(results: Results) -> VerdictsView:
    """The comparisons with the baseline, for every ranking."""
    found = [(group, against_baseline(group, results)) for group in results.groups]
    return VerdictsView(
        families=tuple(_family(group, family, results) for group, family in found if family),
        number_of_families=count_families(results),
        primary=_primary([family for _, family in found if family], results),
        margin=results.request.margin,
        dataset=results.request.dataset,
    )


def _primary(families: Sequence[BaselineFamily], results: Results) -> PrimaryAnswer | None:
    asked = primary_question(results)
    answers = [e.comparison for e in design_effects(results, asked.device) if asked.name]
    if asked.model:
        answers = [
            family.comparisons[asked.model]
            for family in families
            if family.baseline.device == asked.device and asked.model in family.comparisons
        ]
    if not answers:
        return None
    return PrimaryAnswer(
        question=asked.name,
        model=asked.model,
        baseline=results.request.baseline,
        device=named_device(asked.device, results),
        comparison=answers[0],
    )


def _neighbours(group: Sequence[Runs], family: BaselineFamily) -> Neighbours | None:
    theirs = family.baseline
    if not theirs.same_samples:
        return None
    effects = [
        effect
        for runs in group
        if runs.model in family.comparisons and (effect := _design_effect(runs, theirs)) is not None
    ]
    if not effects:
        return None
    return Neighbours(median=median(effects), lowest=min(effects), highest=max(effects))


def _design_effect(runs: Runs, baseline: Runs) -> float | None:
    seeds = [seed for seed in runs.accuracy if seed in baseline.accuracy]
    ours, theirs = (
        correctness(one.misclassified, seeds, one.test_samples) for one in (runs, baseline)
    )
    return design_effect(ours.mean(axis=0) - theirs.mean(axis=0))


def _family(group: Sequence[Runs], family: BaselineFamily, results: Results) -> Family:
    ran = [runs for runs in group if runs.summary]
    verdicts = {model: comparison.verdict for model, comparison in family.comparisons.items()}
    return Family(
        baseline=family.baseline.model,
        device=named_device(family.baseline.device, results),
        models={
            verdict: tuple(model for model, given in verdicts.items() if given == verdict)
            for verdict in _VERDICTS
            if verdict in verdicts.values()
        },
        comparisons=family.comparisons,
        neighbours=_neighbours(group, family),
        two=_two_networks(group, family, results),
        ran=tuple(runs.model for runs in ran),
        pairs=tuple(tuple(_difference(runs, other) for other in ran) for runs in ran),
    )


def _difference(runs: Runs, other: Runs) -> float | None:
    difference = runs.minus(other)
    return difference.mean if difference else None


def _two_networks(
    group: Sequence[Runs], family: BaselineFamily, results: Results
) -> TwoNetworks | None:
    baseline = family.baseline
    rivals = [
        runs for runs in group if runs.model in family.comparisons and not runs.is_twin_of(baseline)
    ]
    found = first_seed_disagreement(baseline, rivals[0]) if rivals else None
    if found is None:
        return None
    rival, (seed, differ) = rivals[0], found
    indices = sorted((*differ.only_first_wrong, *differ.only_second_wrong))
    labels = results.request.test_labels or ""
    name = results.request.class_name
    labelled = len(labels) == baseline.test_samples
    ours, theirs = baseline.misclassified[seed], rival.misclassified[seed]
    return TwoNetworks(
        seed=seed,
        rival=rival.model,
        test_samples=baseline.test_samples,
        baseline_wrong=len(differ.only_first_wrong),
        rival_wrong=len(differ.only_second_wrong),
        p=differ.p,
        samples=tuple(
            DisagreedSample(
                index=index,
                digit=name(int(labels[index])),
                baseline=name(ours.get(index, int(labels[index]))),
                rival=name(theirs.get(index, int(labels[index]))),
            )
            for index in (indices[:SAMPLES_SHOWN] if labelled else ())
        ),
        hidden=len(indices) > SAMPLES_SHOWN,
        kind="class" if results.request.class_names else "digit",
    )
