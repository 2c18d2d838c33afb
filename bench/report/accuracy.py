"""Which network is best, and the table of all networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from bench.cells.reference import MAJORITY_CLASS
from bench.results.runs import ReferencePredictor, Results, Runs, ranked
from bench.statistics.basics import Interval, Summary
from bench.writing.templates import render

_ROOM = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A network, or several that ended in the same weights.

    Attributes:
        models: Their names.
        accuracy: Over the seeds of the ranking.
        both: Where its mean lies for other seeds and other test samples.
        lead: How far the first of the ranking is ahead, paired over seeds; None for the first.
        lead_both: Where that lead lies for other seeds and other test samples.
    """

    models: tuple[str, ...]
    accuracy: Summary
    both: Interval | None
    lead: Summary | None
    lead_both: Interval | None


@dataclass(frozen=True, kw_only=True)
class Unranked:
    """A network that did not run the seeds of the ranking.

    Attributes:
        model: Its name.
        ran: How many seeds it ran.
        cells: How many it should have run.
        mean: Mean accuracy over those that it ran.
        difference: Its accuracy minus that of the ranking's first, over the seeds that both ran;
            None if there are none.
    """

    model: str
    ran: int
    cells: int
    mean: float
    difference: Summary | None


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Who leads a ranking.

    Attributes:
        models: All networks of the ranking.
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        best: Those with the highest mean; empty if no network ran.
        second: Those with the next mean.
        last: Those with the lowest, if they are not the second.
        settled: Whether one is ahead of every second for other seeds and samples, too.
        unranked: Networks that ran other seeds.
        learned_nothing: Networks that are right no more often than the majority class.
        majority_class: How often that is right; None where it was not measured.
    """

    models: tuple[str, ...]
    device: str | None
    test_samples: int
    classes: int
    best: tuple[Contender, ...]
    second: tuple[Contender, ...]
    last: tuple[Contender, ...]
    settled: bool
    unranked: tuple[Unranked, ...]
    learned_nothing: tuple[str, ...]
    majority_class: float | None


@dataclass(frozen=True, kw_only=True)
class BestView:
    """The answer first.

    Attributes:
        headlines: One for every ranking.
        seeds: Number of seeds asked for.
        figure: What the figure of accuracies shows; None if there is none.
    """

    headlines: tuple[Headline, ...]
    seeds: int
    figure: str | None


def best(results: Results, figures: dict[str, str]) -> str:
    """The answer first: for each ranking who leads, by how much, and whether that is settled."""
    return render(_ROOM, "best", best_view(results, figures))


def best_view(results: Results, figures: dict[str, str]) -> BestView:
    """What the first section says of every ranking."""
    return BestView(
        headlines=tuple(_headline(group, results) for group in results.groups),
        seeds=len(results.request.seeds),
        figure=figures.get("accuracy"),
    )


def _headline(group: Sequence[Runs], results: Results) -> Headline:
    first = group[0]
    majority = next(
        (b for b in results.references.get(first.ranking_group, ()) if b.name == MAJORITY_CLASS),
        None,
    )
    best, second, last = _places(ranked(group))
    return Headline(
        models=tuple(runs.model for runs in group),
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        best=best,
        second=second,
        last=last,
        settled=len(best) == 1 and all(_holds(rival.lead_both) for rival in second),
        unranked=tuple(_unranked(group)),
        learned_nothing=tuple(
            runs.model for runs in group if majority and runs.is_no_better_than(majority)
        ),
        majority_class=majority.mean if majority else None,
    )


_Place = tuple[Contender, ...]


def _places(runs: Sequence[Runs]) -> tuple[_Place, _Place, _Place]:
    """The first, the second and the last place, each of all that have the same mean."""
    first: dict[float, list[Contender]] = {}
    for twins in _twin_sets(runs):
        summary = twins[0].summary
        if summary is not None:
            contender = Contender(
                models=tuple(twin.model for twin in twins),
                accuracy=summary,
                both=twins[0].accuracy_interval,
                lead=None if twins[0] is runs[0] else runs[0].minus(twins[0]),
                lead_both=None if twins[0] is runs[0] else runs[0].lead_over(twins[0]),
            )
            first.setdefault(summary.mean, []).append(contender)
    places = [tuple(found) for found in first.values()]
    best, second = [*places[:2], (), ()][:2]
    return best, second, places[-1] if len(places) > 2 else ()


def _holds(lead: Interval | None) -> bool:
    """Whether a lead is more than what seeds and samples differ by."""
    return lead is not None and lead.low > 0


def _unranked(group: Sequence[Runs]) -> Iterator[Unranked]:
    among = ranked(group)
    for runs in group:
        if runs.summary and runs not in among:
            yield Unranked(
                model=runs.model,
                ran=len(runs.accuracy),
                cells=len(runs.accuracy) + len(runs.errors),
                mean=runs.summary.mean,
                difference=runs.minus(group[0]),
            )


def named_device(device: str, results: Results) -> str | None:
    """The device's name, where the run has several and so needs to tell them apart."""
    return device if len(results.request.devices) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network's or a reference predictor's row.

    Attributes:
        name: Which.
        document: What it is from; None for a reference.
        mean: Test accuracy; None if no run succeeded.
        accuracy: The same with its spread over seeds; None for a reference, too.
        both: Where it lies for other seeds and other test samples.
        is_best: Whether the others are held against this one.
        is_twin: Whether it ended in the best one's weights.
        behind: Its accuracy minus the best one's, over the seeds of both.
        parameters: Number of them.
        macs: Multiply-accumulates for a sample.
        seconds: Median training time.
        ran: Seeds that ran.
        cells: Seeds that ran or failed.
        is_ranked: Whether it ran the seeds of the ranking, or none.
    """

    name: str
    document: str | None
    mean: float | None
    accuracy: Summary | None = None
    both: Interval | None = None
    is_best: bool = False
    is_twin: bool = False
    behind: float | None
    parameters: int | None
    macs: int | None = None
    seconds: float | None = None
    ran: int = 0
    cells: int = 0
    is_ranked: bool = True


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The table of networks that may be ranked with each other.

    Attributes:
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        rows: The networks, best first, and the references in their places among them; then the
            networks that ran other seeds.
        unranked: Names of these.
        twins: Sets of networks that ended in the same weights.
    """

    device: str | None
    test_samples: int
    classes: int
    rows: tuple[Row, ...]
    unranked: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A network whose document keeps the epoch that did best on the test set."""

    model: str
    last: float
    best: float


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """All networks side by side.

    Attributes:
        rankings: A table each.
        references: Names of the reference predictors in them.
        selected: Networks whose documents choose an epoch by the test set.
        left_out: Why networks were left out.
        jobs: Runs trained side by side at most.
    """

    rankings: tuple[Ranking, ...]
    references: tuple[str, ...]
    selected: tuple[Selected, ...]
    left_out: tuple[str, ...]
    jobs: int


def comparison(results: Results) -> str:
    """All networks in one table for each group that may be ranked."""
    return render(_ROOM, "comparison-of-all", comparison_view(results))


def comparison_view(results: Results) -> ComparisonView:
    """The tables of all networks, and what is to be said of their rows."""
    found = (item.name for items in results.references.values() for item in items)
    return ComparisonView(
        rankings=tuple(_ranking(group, results) for group in results.groups),
        references=tuple(dict.fromkeys(found)),
        selected=tuple(
            Selected(
                model=runs.model,
                last=fmean(runs.accuracy.values()),
                best=fmean(runs.selected.values()),
            )
            for runs in results.runs
            if runs.selected
        ),
        left_out=tuple(item.reason for item in results.request.left_out),
        jobs=max(runs.jobs for runs in results.runs),
    )


def _ranking(group: Sequence[Runs], results: Results) -> Ranking:
    first, among = group[0], ranked(group)
    rows = [_network_row(runs, first, results) for runs in group]
    found = results.references.get(first.ranking_group, ())
    # The worst first, so that a row put in moves none of the places still to be found.
    for reference in sorted(found, key=lambda reference: reference.mean):
        beaten = (index for index, runs in enumerate(among) if runs.is_no_better_than(reference))
        rows.insert(next(beaten, len(among)), _reference_row(reference, first))
    return Ranking(
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        rows=tuple(rows),
        unranked=tuple(row.name for row in rows if not row.is_ranked),
        twins=tuple(
            tuple(runs.model for runs in twins) for twins in _twin_sets(group) if len(twins) > 1
        ),
    )


def _network_row(runs: Runs, best: Runs, results: Results) -> Row:
    count = results.counts.get(runs.model)
    difference = runs.minus(best)
    return Row(
        name=runs.model,
        document=results.request.documents[runs.model],
        mean=runs.summary.mean if runs.summary else None,
        accuracy=runs.summary,
        both=runs.accuracy_interval,
        is_best=runs is best,
        is_twin=runs.is_twin_of(best),
        behind=difference.mean if difference else None,
        parameters=count.module_parameters if count else None,
        macs=count.macs if count else None,
        seconds=median(runs.train_seconds.values()) if runs.train_seconds else None,
        ran=len(runs.accuracy),
        cells=len(runs.accuracy) + len(runs.errors),
        is_ranked=runs.accuracy.keys() in (best.accuracy.keys(), set()),
    )


def _reference_row(reference: ReferencePredictor, best: Runs) -> Row:
    difference = reference.minus(best)
    return Row(
        name=reference.name,
        document=None,
        mean=reference.mean,
        behind=difference.mean if difference else None,
        parameters=reference.parameters,
    )


def _twin_sets(group: Sequence[Runs]) -> list[list[Runs]]:
    """The networks in sets that ended in the same weights, most of them alone."""
    sets: list[list[Runs]] = []
    for runs in group:
        found = next((twins for twins in sets if runs.is_twin_of(twins[0])), None)
        if found is None:
            sets.append([runs])
        else:
            found.append(runs)
    return sets
