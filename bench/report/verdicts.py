"""Every network against the baseline, with verdicts; two networks sample by sample; all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report.accuracy import named_device
from bench.results.families import (
    BaselineFamily,
    against_baseline,
    count_families,
    first_seed_disagreement,
)
from bench.results.runs import Results, Runs
from bench.statistics.accuracy import Comparison
from bench.writing.templates import render

SAMPLES_SHOWN = 12
_VERDICTS = ("better", "worse", "identical", "inconclusive")


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
    """

    seed: int
    rival: str
    test_samples: int
    baseline_wrong: int
    rival_wrong: int
    p: float
    samples: tuple[DisagreedSample, ...]
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Family:
    """Every network of a ranking against the baseline.

    Attributes:
        baseline: The network that the others are compared with.
        device: Where they ran; None if the whole run has one device.
        models: By verdict, in the order of the words.
        comparisons: By model.
        two: Two networks sample by sample; None where no seed ran for both.
        ran: The networks of the table of all pairs.
        pairs: Its rows; a difference is None where no seed ran for both.
    """

    baseline: str
    device: str | None
    models: dict[str, tuple[str, ...]]
    comparisons: dict[str, Comparison]
    two: TwoNetworks | None
    ran: tuple[str, ...]
    pairs: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class VerdictsView:
    """A family for every ranking with two networks or more, and how many families there are."""

    families: tuple[Family, ...]
    number_of_families: int


def verdicts(results: Results) -> str:
    """What holds against the baseline, in words and in numbers, for every ranking."""
    return render(Path(__file__).parent, "verdicts", verdicts_view(results))


def verdicts_view(results: Results) -> VerdictsView:
    """The comparisons with the baseline, for every ranking."""
    found = ((group, against_baseline(group, results)) for group in results.groups)
    return VerdictsView(
        families=tuple(_family(group, family, results) for group, family in found if family),
        number_of_families=count_families(results),
    )


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
    labels: str = results.request.test_labels or ""
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
                digit=labels[index],
                baseline=str(ours.get(index, labels[index])),
                rival=str(theirs.get(index, labels[index])),
            )
            for index in (indices[:SAMPLES_SHOWN] if labelled else ())
        ),
        hidden=len(indices) > SAMPLES_SHOWN,
    )
