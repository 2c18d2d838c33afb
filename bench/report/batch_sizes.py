"""What large batches bring: inference of every network at batches of 1 to 1,024 pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.results.batches import BatchCurve, batch_curves
from bench.results.runs import Results
from bench.writing.templates import render

FALLS = 0.95  # of its best: a network that has less at the largest batch has lost something


@dataclass(frozen=True, kw_only=True)
class Falling:
    """A network that is slower at its largest batch than at a smaller one.

    Attributes:
        model: Registry name.
        batch: The largest one.
        left: What is left of its best throughput, a fraction.
        bytes: Memory of all its layers' outputs there; None where they were not counted.
    """

    model: str
    batch: int
    left: float
    bytes: int | None


@dataclass(frozen=True, kw_only=True)
class BatchSizesView:
    """What the section shows.

    Attributes:
        figure: What the figure shows; None where there is none.
        curves: A network each, the fastest first.
        calls: The two smallest batches that all networks have, and how many times as long a call
            takes with the second as with the first: the least and the most; None with one size.
        falling: Networks that are slower at the largest batch than at their best.
        processes: How many measured.
    """

    figure: str | None
    curves: tuple[BatchCurve, ...]
    calls: tuple[int, int, float, float] | None
    falling: tuple[Falling, ...]
    processes: int


def batch_sizes(results: Results, figures: Mapping[str, str]) -> str:
    """The section; nothing where no sizes were measured."""
    curves = batch_curves(results.batches, results.request.devices[0])
    if not curves:
        return ""
    view = BatchSizesView(
        figure=figures.get("batch-sizes"),
        curves=curves,
        calls=_calls(curves),
        falling=tuple(_falling(curve, results) for curve in curves if curve.at_last < FALLS),
        processes=max(record.processes for record in results.batches),
    )
    return render(Path(__file__).parent, "batch-sizes", view)


def _calls(curves: tuple[BatchCurve, ...]) -> tuple[int, int, float, float] | None:
    """How much longer a call takes with the second size than with the first."""
    shared = set.intersection(*({point.batch for point in curve.points} for curve in curves))
    if len(shared) < 2:
        return None
    small, large = sorted(shared)[:2]
    times = []
    for curve in curves:
        seconds = {point.batch: point.call_seconds for point in curve.points}
        times.append(seconds[large] / seconds[small])
    return small, large, min(times), max(times)


def _falling(curve: BatchCurve, results: Results) -> Falling:
    last, count = curve.points[-1].batch, results.counts.get(curve.model)
    return Falling(
        model=curve.model,
        batch=last,
        left=curve.at_last,
        bytes=count.activation_bytes * last if count else None,
    )
