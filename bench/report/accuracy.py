"""Which network is best, and the table of all networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from bench.cells.reference import LARGEST_CLASS
from bench.results.runs import Baseline, Results, Runs
from bench.statistics.accuracy import Summary
from bench.writing.templates import render

_ROOM = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Place:
    """Networks that share a place, and their accuracy.

    Attributes:
        models: Their names; more than one for networks that ended in the same weights.
        accuracy: Over the seeds of each.
    """

    models: tuple[str, ...]
    accuracy: Summary


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Who leads a ranking.

    Attributes:
        models: All networks of the ranking.
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        best: The first place; None if no network ran.
        second: The place behind it.
        last: The last place, if it is not the second.
        lead: The best network's accuracy minus the second's, paired over seeds; None if no seed
            ran for both.
        learned_nothing: Networks that are right no more often than the largest class.
        largest_class: How often that is right; None where it was not measured.
    """

    models: tuple[str, ...]
    device: str | None
    test_samples: int
    classes: int
    best: Place | None
    second: Place | None
    last: Place | None
    lead: Summary | None
    learned_nothing: tuple[str, ...]
    largest_class: float | None


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
    others = [runs for runs in group[1:] if runs.summary and not first.is_twin_of(runs)]
    largest = next(
        (b for b in results.baselines.get(first.ranking_group, ()) if b.name == LARGEST_CLASS), None
    )
    return Headline(
        models=tuple(runs.model for runs in group),
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        best=_place(first, *(runs for runs in group[1:] if first.is_twin_of(runs))),
        second=_place(others[0]) if others else None,
        last=_place(others[-1]) if len(others) > 1 else None,
        lead=first.minus(others[0]) if others else None,
        learned_nothing=tuple(
            runs.model for runs in group if largest and runs.is_no_better_than(largest)
        ),
        largest_class=largest.mean if largest else None,
    )


def _place(*runs: Runs) -> Place | None:
    summary = runs[0].summary
    return Place(models=tuple(r.model for r in runs), accuracy=summary) if summary else None


def named_device(device: str, results: Results) -> str | None:
    """The device's name, where the run has several and so needs to tell them apart."""
    return device if len(results.request.devices) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network's or a baseline's row.

    Attributes:
        name: Which.
        document: What it is from; None for a baseline.
        mean: Test accuracy; None if no cell ran.
        accuracy: The same with its spread over seeds; None for a baseline, too.
        is_best: Whether the others are held against this one.
        is_twin: Whether it ended in the best one's weights.
        behind: Its accuracy minus the best one's, over the seeds of both.
        parameters: Number of them.
        macs: Multiply-accumulates for a sample.
        seconds: Median training time.
        ran: Cells that ran.
        cells: Cells that ran or failed.
    """

    name: str
    document: str | None
    mean: float | None
    accuracy: Summary | None = None
    is_best: bool = False
    is_twin: bool = False
    behind: float | None
    parameters: int | None
    macs: int | None = None
    seconds: float | None = None
    ran: int = 0
    cells: int = 0


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The table of networks that may be ranked with each other.

    Attributes:
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        rows: The networks, best first, and the baselines in their places among them.
        twins: Sets of networks that ended in the same weights.
    """

    device: str | None
    test_samples: int
    classes: int
    rows: tuple[Row, ...]
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
        baselines: Names of the baselines in them.
        selected: Networks whose documents choose an epoch by the test set.
        left_out: Why networks were left out.
        jobs: Cells trained side by side at most.
    """

    rankings: tuple[Ranking, ...]
    baselines: tuple[str, ...]
    selected: tuple[Selected, ...]
    left_out: tuple[str, ...]
    jobs: int


def comparison(results: Results) -> str:
    """All networks in one table for each group that may be ranked."""
    return render(_ROOM, "comparison-of-all", comparison_view(results))


def comparison_view(results: Results) -> ComparisonView:
    """The tables of all networks, and what is to be said of their rows."""
    found = (item.name for items in results.baselines.values() for item in items)
    return ComparisonView(
        rankings=tuple(_ranking(group, results) for group in results.groups),
        baselines=tuple(dict.fromkeys(found)),
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
    first = group[0]
    rows = [_network_row(runs, first, results) for runs in group]
    found = results.baselines.get(first.ranking_group, ())
    # The worst first, so that a row put in moves none of the places still to be found.
    for baseline in sorted(found, key=lambda baseline: baseline.mean):
        beaten = (
            index
            for index, runs in enumerate(group)
            if runs.summary is None or runs.is_no_better_than(baseline)
        )
        rows.insert(next(beaten, len(group)), _baseline_row(baseline, first))
    return Ranking(
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        rows=tuple(rows),
        twins=_twins(group),
    )


def _network_row(runs: Runs, best: Runs, results: Results) -> Row:
    count = results.counts.get(runs.model)
    difference = runs.minus(best)
    return Row(
        name=runs.model,
        document=results.request.documents[runs.model],
        mean=runs.summary.mean if runs.summary else None,
        accuracy=runs.summary,
        is_best=runs is best,
        is_twin=runs.is_twin_of(best),
        behind=difference.mean if difference else None,
        parameters=count.module_parameters if count else None,
        macs=count.macs if count else None,
        seconds=median(runs.train_seconds.values()) if runs.train_seconds else None,
        ran=len(runs.accuracy),
        cells=len(runs.accuracy) + len(runs.errors),
    )


def _baseline_row(baseline: Baseline, best: Runs) -> Row:
    difference = baseline.minus(best)
    return Row(
        name=baseline.name,
        document=None,
        mean=baseline.mean,
        behind=difference.mean if difference else None,
        parameters=baseline.parameters,
    )


def _twins(group: Sequence[Runs]) -> tuple[tuple[str, ...], ...]:
    sets: list[list[Runs]] = []
    for runs in group:
        found = next((twins for twins in sets if runs.is_twin_of(twins[0])), None)
        if found is None:
            sets.append([runs])
        else:
            found.append(runs)
    return tuple(tuple(runs.model for runs in found) for found in sets if len(found) > 1)
