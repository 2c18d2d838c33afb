"""`lenet-sigmoid` keeps the epoch that did best on the test set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError, RowsView, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import curves, draw_by_seed
from bench.statistics.basics import Summary, paired_difference, summarise

_LABELS = {
    "lenet-sigmoid": "as its code (average pooling)",
    "lenet-sigmoid-max": "as its prose (max pooling)",
    "cnn": "under the same rule",
}


@dataclass(frozen=True, kw_only=True)
class SelectionRow:
    """What the rule does to a network's accuracy.

    Attributes:
        trial: The network.
        label: How it is trained.
        last: Mean accuracy after the last epoch.
        best: Mean accuracy of the best test epochs.
        gain: Best minus last, over seeds.
        seeds_that_gain: For how many seeds the best epoch is not the last.
    """

    trial: str
    label: str
    last: float
    best: float
    gain: Summary
    seeds_that_gain: int


def selection_view(evidence: Evidence) -> RowsView[SelectionRow]:
    """What choosing the epoch on the test set adds to accuracy."""
    return RowsView(rows=tuple(_rows(evidence)), references=reference_accuracies(evidence, "dnn"))


def _rows(evidence: Evidence) -> Iterator[SelectionRow]:
    for name, label in _LABELS.items():
        runs = evidence.trial(name)
        best = [max(accuracies) for _, accuracies in curves(runs)]
        last = list(runs.accuracy.values())
        yield SelectionRow(
            trial=name,
            label=label,
            last=summarise(last).mean,
            best=summarise(best).mean,
            gain=paired_difference(best, last),
            seeds_that_gain=sum(b > a for b, a in zip(best, last, strict=True)),
        )


def _draw(evidence: Evidence) -> Figure:
    gains = []
    for name, label in _LABELS.items():
        runs = evidence.trial(name)
        best = [max(accuracies) for _, accuracies in curves(runs)]
        pairs = zip(best, runs.accuracy.values(), strict=True)
        gains.append((f"{name}, {label}", [100 * (most - last) for most, last in pairs]))
    return draw_by_seed(
        "Choosing the epoch on the test set flatters where a curve goes up and down",
        gains,
        "points by which the best test epoch beats the last (dots: runs, bars: means)",
    )


ERROR = DocumentError(
    name="selection",
    claims=(),
    trials=tuple(_LABELS),
    probes=("baselines",),
    view=selection_view,
    draw=_draw,
    caption="By how many points the best epoch on the test set beats the last one, a dot a run.",
)
