"""What a run that went on until it was settled has decided, look by look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.records.kinds import UntilSettled
from bench.report.accuracy import named_device
from bench.results.families import against_baseline, design_looks
from bench.results.runs import Results
from bench.statistics.settling import Look, Settled
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Row:
    """One look.

    Attributes:
        seeds: After how many seeds.
        decided: By verdict, the names of the comparisons that got it.
        given_up: Names of those that no further seed can be expected to decide.
        open: Names of those that go on.
    """

    seeds: int
    decided: dict[str, tuple[str, ...]]
    given_up: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The looks at one family.

    Attributes:
        baseline: The network that the others are compared with; None for the design's questions.
        device: Where they ran; None if the whole run has one device.
        rows: The looks.
    """

    baseline: str | None
    device: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class LooksView:
    """A design and what came of it.

    Attributes:
        design: As declared before the first cell.
        families: The looks at each.
        cells: How many cells were trained.
        most: How many there would be if all networks had run to the last look.
        ran: By number of seeds, the networks that ran so many.
    """

    design: UntilSettled
    families: tuple[Family, ...]
    cells: int
    most: int
    ran: dict[int, tuple[str, ...]]


def looks(results: Results) -> str:
    """The looks of a run until settled; nothing for a fixed number of seeds."""
    design = results.request.until_settled
    if design is None:
        return ""
    return render(Path(__file__).parent, "looks", looks_view(results, design))


def looks_view(results: Results, design: UntilSettled) -> LooksView:
    """What was declared, what each look decided, and what it took."""
    ran: dict[int, tuple[str, ...]] = {}
    cells = {runs.model: len(runs.cells) for runs in results.runs}
    for model, seeds in cells.items():
        ran[seeds] = (*ran.get(seeds, ()), model)
    devices = len(results.request.devices)
    return LooksView(
        design=design,
        families=tuple(_families(results)),
        cells=devices * sum(cells.values()),
        most=devices * design.looks[-1] * len(results.request.ran),
        ran=dict(sorted(ran.items())),
    )


def _families(results: Results) -> Iterator[Family]:
    for group in results.groups:
        found = against_baseline(group, results)
        if found is not None:
            verdicts = {name: item.verdict for name, item in found.comparisons.items()}
            yield Family(
                baseline=found.baseline.model,
                device=named_device(found.baseline.device, results),
                rows=tuple(_rows(found.looks, verdicts)),
            )
    for device in results.request.devices:
        settled: Settled | None = design_looks(results, device)
        if settled is not None:
            verdicts = {item.name: item.verdict for item in settled.comparisons}
            yield Family(
                baseline=None,
                device=named_device(device, results),
                rows=tuple(_rows(settled.looks, verdicts)),
            )


def _rows(taken: Sequence[Look], verdicts: Mapping[str, str]) -> Iterator[Row]:
    names = list(verdicts)
    for look in taken:
        decided: dict[str, tuple[str, ...]] = {}
        for name in (names[place] for place in look.decided):
            decided[verdicts[name]] = (*decided.get(verdicts[name], ()), name)
        yield Row(
            seeds=look.seeds,
            decided=decided,
            given_up=tuple(names[place] for place in look.given_up),
            open=tuple(names[place] for place in look.open),
        )
