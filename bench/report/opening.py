"""The first screen of a report: a title that states a finding, findings, a table, two figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.records.kinds import Outcome
from bench.report.accuracy import named_device, places_of
from bench.report.decided import printed_accuracies
from bench.report.distinct import distinct, drawn, twin_sets
from bench.report.in_short import Finding, in_short
from bench.results.controls import Controls
from bench.results.families import BaselineFamily, against_baseline
from bench.results.runs import ReferencePredictor, Results, Runs
from bench.results.speeds import NO_SPEED, Pace
from bench.statistics.accuracy import Comparison
from bench.statistics.basics import Interval
from bench.writing.templates import render

_ROOM = Path(__file__).parent
COARSE = 0.005  # with intervals wider than half a point, hundredths of a point say nothing


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network, or a reference predictor, in the table that a report opens with.

    Attributes:
        name: Which.
        is_reference: Whether it is no network.
        mean: Test accuracy; None if no run succeeded.
        arm: The longer side of its 95% interval, for other seeds and other test samples.
        errors: Wrong answers in 10,000.
        printed: The accuracy that its tutorial prints, where it was trained as there.
        holds: Whether one more run could give that.
        comparison: With the baseline; None for that, and where no seed ran for both.
        is_baseline: Whether it is that.
        parameters: How many.
        macs: Multiply-accumulates for a sample.
        train: Speed of training over the baseline's; 1 for that.
        inference: Speed of inference over the baseline's.
        unstable: Whether one of these speeds changed by itself while it was measured.
        memory_bytes: What a training step holds at most.
        ran: Seeds that ran.
        cells: Seeds that ran or failed.
        outcomes: How many seeds came to what, but for those that are `ok`.
        instead: What stands where its number would, if no seed ran to its end.
    """

    name: str
    is_reference: bool = False
    mean: float | None
    arm: float | None = None
    errors: float | None
    printed: float | None = None
    holds: bool | None = None
    comparison: Comparison | None = None
    is_baseline: bool = False
    parameters: int | None
    macs: int | None = None
    train: float | None = None
    inference: float | None = None
    unstable: bool = False
    memory_bytes: int | None = None
    ran: int = 0
    cells: int = 0
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    instead: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The networks of a ranking.

    Attributes:
        device: Where they ran; None if the whole run has one device.
        test_samples: How many samples they were tested on.
        classes: How many classes these have.
        baseline: What they are compared with; None where there is nothing to compare.
        rows: Networks and references, best first.
        twins: By network, the other names that the same network has.
        decimals: Of accuracies in percent.
    """

    device: str | None
    test_samples: int
    classes: int
    baseline: str | None
    rows: tuple[Row, ...]
    twins: dict[str, tuple[str, ...]]
    decimals: int

    @property
    def unstable(self) -> bool:
        """Whether some speed changed by itself."""
        return any(row.unstable for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Headline:
    """A run in one sentence and its tables.

    Attributes:
        title: By verdict, the networks that have it against the first ranking's baseline; each
            network once.
        baseline: That.
        rivals: How many networks are compared with it.
        ran: Whether any network ran.
        only: The one network that ran, where nothing is compared, with its accuracy.
        dataset: Name of the data.
        networks: How many networks ran, each once.
        failures: How many cells, counts and measurements failed.
        tables: One for every ranking.
    """

    title: dict[str, tuple[str, ...]]
    baseline: str | None
    rivals: int
    ran: bool
    only: tuple[str, float] | None
    dataset: str
    networks: int
    failures: int
    tables: tuple[Table, ...]


@dataclass(frozen=True, kw_only=True)
class OpeningView(Headline):
    """What the first screen says.

    Attributes:
        margin: Within which networks are equivalent.
        test_samples: Of the first ranking.
        recipe: `common`, `document`, `fast` or the user's own, with what was set over it.
        names: Under how many names the networks ran.
        seeds: How many seeds each, or at most.
        until_settled: Whether networks stopped where their comparisons were decided.
        devices: Where they ran.
        processor: The CPU's name.
        gpu: The GPU's name; None where there is none.
        controls: How many controls the run has.
        failed_controls: How many of them failed.
        only_speed_failed: Whether those are of speeds alone.
        findings: In short.
        figures: By name, what the figures of the first screen show.
        left_out: Why networks were left out.
    """

    margin: float
    test_samples: int
    recipe: str
    names: int
    seeds: int
    until_settled: bool
    devices: tuple[str, ...]
    processor: str
    gpu: str | None
    controls: int
    failed_controls: int
    only_speed_failed: bool
    findings: tuple[Finding, ...]
    figures: dict[str, str]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ShownView(Headline):
    """A run as an interpreter or a notebook shows it.

    Attributes:
        report: Where the whole report lies.
    """

    report: str


def opening(results: Results, figures: Mapping[str, str], checked: Sequence[Controls] = ()) -> str:
    """Title, set-up, findings, table and figures."""
    return render(_ROOM, "opening", opening_view(results, figures, checked))


def opening_view(
    results: Results, figures: Mapping[str, str], checked: Sequence[Controls] = ()
) -> OpeningView:
    """What the first screen says of a run."""
    request = results.request
    return OpeningView(
        **vars(headline(results)),
        margin=request.margin,
        test_samples=results.groups[0][0].test_samples,
        recipe=request.recipe,
        names=len(request.ran),
        seeds=len(request.seeds),
        until_settled=request.until_settled is not None,
        devices=tuple(request.devices),
        processor=request.environment.processor,
        gpu=request.environment.gpu,
        controls=sum(found.made for found in checked),
        failed_controls=sum(found.failed for found in checked),
        only_speed_failed=all(found.only_speed_failed for found in checked),
        findings=in_short(results),
        figures={name: figures[name] for name in ("accuracy", "error-time") if name in figures},
        left_out=tuple(item.reason for item in request.left_out),
    )


def shown(results: Results, report: Path) -> str:
    """Title and table as markdown without links, which reads as plain text, too.

    Args:
        results: Of a run.
        report: Where its whole report lies.
    """
    view = ShownView(**vars(headline(results)), report=report.as_posix())
    return render(_ROOM, "shown", view)


def headline(results: Results) -> Headline:
    """What a run found, in a sentence and in tables."""
    first = results.groups[0]
    family = against_baseline(first, results)
    verdicts = _verdicts(first, family)
    ran = drawn(results)
    alone = ran[0] if len(ran) == 1 else None
    devices = len(results.request.devices)
    return Headline(
        title=verdicts,
        baseline=family.baseline.model if family else None,
        rivals=sum(len(models) for models in verdicts.values()),
        ran=bool(ran),
        only=(alone.model, alone.summary.mean) if alone and alone.summary else None,
        dataset=results.request.dataset,
        networks=sum(len(distinct(group)) for group in results.groups) // devices,
        failures=len(results.failures),
        tables=tuple(_table(group, results) for group in results.groups),
    )


def _verdicts(group: Sequence[Runs], family: BaselineFamily | None) -> dict[str, tuple[str, ...]]:
    """By verdict the networks that have it, each network once and none that is the baseline."""
    found: dict[str, tuple[str, ...]] = {}
    for runs in distinct(group):
        comparison = family.comparisons.get(runs.model) if family else None
        if comparison is not None and comparison.verdict != "identical":
            found[comparison.verdict] = (*found.get(comparison.verdict, ()), runs.model)
    return found


def _table(group: Sequence[Runs], results: Results) -> Table:
    first = group[0]
    family = against_baseline(group, results)
    printed = printed_accuracies(results)
    sets = twin_sets(group)
    rows = [_row(twins[0], family, printed, results) for twins in sets]
    references = results.references.get(first.ranking_group, ())
    for place, reference in places_of(references, [twins[0] for twins in sets]):
        rows.insert(place, _reference_row(reference))
    arms = sorted(row.arm for row in rows if row.arm is not None)
    return Table(
        device=named_device(first.device, results),
        test_samples=first.test_samples,
        classes=first.classes,
        baseline=family.baseline.model if family else None,
        rows=tuple(rows),
        twins={
            twins[0].model: tuple(twin.model for twin in twins[1:])
            for twins in sets
            if len(twins) > 1
        },
        decimals=1 if arms and arms[len(arms) // 2] > COARSE else 2,
    )


def _row(
    runs: Runs,
    family: BaselineFamily | None,
    printed: Mapping[str, tuple[float, bool]],
    results: Results,
) -> Row:
    count = results.counts.get(runs.model)
    speed = results.speeds.get((runs.model, runs.device), NO_SPEED)
    mean = runs.summary.mean if runs.summary else None
    document, holds = printed.get(runs.model, (None, None))
    paces = [pace for pace in (speed.train, speed.inference) if pace]
    return Row(
        name=runs.model,
        mean=mean,
        arm=None if mean is None else longer_arm(mean, runs.accuracy_interval),
        errors=None if mean is None else 10_000 * (1 - mean),
        printed=document,
        holds=holds,
        comparison=family.comparisons.get(runs.model) if family else None,
        is_baseline=family is not None and family.baseline is runs,
        parameters=count.module_parameters if count else None,
        macs=count.macs if count else None,
        train=_ratio(speed.train, runs, results),
        inference=_ratio(speed.inference, runs, results),
        unstable=any(p.unstable or (p.ratio and p.ratio.verdict == "unstable") for p in paces),
        memory_bytes=speed.peak_memory_bytes,
        ran=len(runs.accuracy),
        cells=len(runs.accuracy) + len(runs.errors),
        outcomes=runs.outcomes,
        instead=runs.instead,
    )


def _reference_row(reference: ReferencePredictor) -> Row:
    return Row(
        name=reference.name,
        is_reference=True,
        mean=reference.mean,
        errors=10_000 * (1 - reference.mean),
        parameters=reference.parameters,
    )


def longer_arm(mean: float, interval: Interval | None) -> float | None:
    """The longer side of an interval around a mean: what a +- says that claims not too much."""
    return None if interval is None else max(mean - interval.low, interval.high - mean)


def _ratio(pace: Pace | None, runs: Runs, results: Results) -> float | None:
    if pace is None:
        return None
    if pace.ratio is not None:
        return pace.ratio.ratio
    return 1.0 if runs.model == results.request.baseline else None
