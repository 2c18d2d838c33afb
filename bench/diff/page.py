"""The difference of two runs as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.diff.changes import Change, breaches
from bench.diff.sides import Place, Side, recipe_changes
from bench.diff.thresholds import UNITS
from bench.records.kinds import Request
from bench.writing.templates import render

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One of the two runs on the page.

    Attributes:
        letter: `A` or `B`.
        name: The report's name.
        request: What was asked for.
        alone: Models and devices that the other run does not have.
        failures: What failed, a line each.
    """

    letter: str
    name: str
    request: Request
    alone: tuple[Place, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Throughputs that all moved the same way, as they do with the machine.

    Attributes:
        throughputs: How many.
        least: The smallest change, as a fraction.
        most: The largest.
    """

    throughputs: int
    least: float
    most: float


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A threshold, and the changes that it was held against.

    Attributes:
        name: What `--fail` calls the metric.
        limit: Times 100: percentage points, or percent of A.
        unit: `pp` or `%`.
        changes: How many.
        unsure: How many have no interval.
        broken: Those that are worse by more, with their whole interval.
    """

    name: str
    limit: float
    unit: str
    changes: int
    unsure: int
    broken: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class DiffView:
    """What the page shows.

    Attributes:
        unfair: Why the comparison is unfair, if it is.
        runs: A and B.
        recipes: By model, the values that its recipes differ in.
        odd_seeds: Seeds that only one of the runs has.
        changes: What differs.
        drift: A reason to suspect the machine, if there is one.
        thresholds: Those that were asked for.
    """

    unfair: tuple[str, ...]
    runs: tuple[Letter, Letter]
    recipes: Mapping[str, Mapping[str, tuple[object, object]]]
    odd_seeds: tuple[int, ...]
    changes: tuple[Change, ...]
    drift: Drift | None
    thresholds: tuple[Checked, ...]


def page(
    a: Side,
    b: Side,
    changes: Sequence[Change],
    *,
    unfair: Sequence[str],
    thresholds: Mapping[str, float],
) -> str:
    """The markdown of a difference, B minus A.

    Args:
        a: One run.
        b: The other.
        changes: What differs.
        unfair: Why the comparison is unfair, if it is; the first line says so.
        thresholds: By name, the fractions that a metric may get worse by.
    """
    seeds, others = (set(side.results.request.seeds) for side in (a, b))
    view = DiffView(
        unfair=tuple(unfair),
        runs=(_letter("A", a, b), _letter("B", b, a)),
        recipes=recipe_changes(a, b),
        odd_seeds=tuple(sorted(seeds ^ others)),
        changes=tuple(changes),
        drift=_drift(changes),
        thresholds=tuple(_checked(changes, *item) for item in thresholds.items()),
    )
    return render(FOLDER, "diff", view) + "\n"


def _letter(letter: str, side: Side, other: Side) -> Letter:
    return Letter(
        letter=letter,
        name=side.name,
        request=side.results.request,
        alone=tuple(place for place in side.places if place not in other.places),
        failures=side.results.failures,
    )


def _drift(changes: Sequence[Change]) -> Drift | None:
    moved = [change for change in changes if change.metric.threshold == "throughput"]
    verdicts = {change.verdict for change in moved}
    if len(moved) < 2 or len(verdicts) > 1 or not verdicts.issubset(moved[0].metric.words):
        return None
    fractions = sorted((change.change for change in moved), key=abs)
    return Drift(throughputs=len(moved), least=fractions[0], most=fractions[-1])


def _checked(changes: Sequence[Change], name: str, threshold: float) -> Checked:
    checked = [change for change in changes if change.metric.threshold == name]
    return Checked(
        name=name,
        limit=100 * threshold,
        unit=UNITS[name],
        changes=len(checked),
        unsure=sum(change.interval is None and change.change != 0 for change in checked),
        broken=breaches(checked, {name: threshold}),
    )
