"""The accuracy of all networks in full: intervals, range, runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from bench.records.kinds import Outcome
from bench.report.distinct import twin_sets
from bench.results.runs import ReferencePredictor, Results, Runs, ranked
from bench.statistics.basics import Interval, Summary
from bench.writing.templates import render

_ROOM = Path(__file__).parent


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


def places_of(
    references: Sequence[ReferencePredictor], networks: Sequence[Runs]
) -> Iterator[tuple[int, ReferencePredictor]]:
    """Before which row each reference predictor comes: behind the ranked networks that beat it.

    The worst first, so that a row put in moves none of the places still to come.

    Args:
        references: Those of the ranking.
        networks: A row each, those that are ranked first.
    """
    among = ranked(networks)
    for reference in sorted(references, key=lambda reference: reference.mean):
        beaten = (index for index, runs in enumerate(among) if runs.is_no_better_than(reference))
        yield next(beaten, len(among)), reference


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network's or a reference predictor's row.

    Attributes:
        name: Which.
        is_reference: Whether it is no network.
        mean: Test accuracy; None if no run succeeded.
        accuracy: The same with its spread over seeds; None for a reference, too.
        both: Where it lies for other seeds and other test samples.
        is_best: Whether the others are held against this one.
        is_twin: Whether it ended in the best one's weights.
        behind: Its accuracy minus the best one's, over the seeds of both.
        ran: Seeds that ran.
        cells: Seeds that ran or failed.
        is_ranked: Whether it ran the seeds of the ranking, or none.
        outcomes: How many seeds came to what, but for those that are `ok`.
        instead: What stands where its number would, if no seed ran to its end.
    """

    name: str
    is_reference: bool = False
    mean: float | None
    accuracy: Summary | None = None
    both: Interval | None = None
    is_best: bool = False
    is_twin: bool = False
    behind: float | None
    ran: int = 0
    cells: int = 0
    is_ranked: bool = True
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    instead: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The table of networks that may be ranked with each other.

    Attributes:
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        best: The first of the networks.
        rows: The networks, best first, and the references in their places among them; then the
            networks that ran other seeds.
        unranked: These, held against the first.
        twins: Sets of networks that ended in the same weights.
    """

    device: str | None
    test_samples: int
    classes: int
    best: str
    rows: tuple[Row, ...]
    unranked: tuple[Unranked, ...]
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
    """

    rankings: tuple[Ranking, ...]
    references: tuple[str, ...]
    selected: tuple[Selected, ...]


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
    )


def _ranking(group: Sequence[Runs], results: Results) -> Ranking:
    first = group[0]
    rows = [_network_row(runs, first) for runs in group]
    references = results.references.get(first.ranking_group, ())
    for place, reference in places_of(references, group):
        rows.insert(place, _reference_row(reference, first))
    return Ranking(
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        best=first.model,
        rows=tuple(rows),
        unranked=tuple(_unranked(group)),
        twins=tuple(
            tuple(runs.model for runs in twins) for twins in twin_sets(group) if len(twins) > 1
        ),
    )


def _network_row(runs: Runs, best: Runs) -> Row:
    difference = runs.minus(best)
    return Row(
        name=runs.model,
        mean=runs.summary.mean if runs.summary else None,
        accuracy=runs.summary,
        both=runs.accuracy_interval,
        is_best=runs is best,
        is_twin=runs.is_twin_of(best),
        behind=difference.mean if difference else None,
        ran=len(runs.accuracy),
        cells=len(runs.accuracy) + len(runs.errors),
        is_ranked=runs.accuracy.keys() in (best.accuracy.keys(), set()),
        outcomes=runs.outcomes,
        instead=runs.instead,
    )


def _reference_row(reference: ReferencePredictor, best: Runs) -> Row:
    difference = reference.minus(best)
    return Row(
        name=reference.name,
        is_reference=True,
        mean=reference.mean,
        behind=difference.mean if difference else None,
    )
