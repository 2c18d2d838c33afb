"""`cnn` trains with a learning rate of 0.9."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError, RowsView, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import curves, panels
from bench.statistics.basics import Summary
from bench.writing.style import BLUE

_LABELS = {"cnn": "0.9, the document's", "cnn-slower": "0.1"}


@dataclass(frozen=True, kw_only=True)
class RateRow:
    """The network at one learning rate.

    Attributes:
        label: The rate.
        accuracy: After the last epoch, over seeds.
        steps: Epochs after the first one, over all seeds.
        falls: How many of them made it worse.
        deepest: By how much at most; None where none did.
    """

    label: str
    accuracy: Summary
    steps: int
    falls: int
    deepest: float | None


def rate_view(evidence: Evidence) -> RowsView[RateRow]:
    """How accuracy and its way there differ between the rates."""
    return RowsView(rows=tuple(_rows(evidence)), references=reference_accuracies(evidence, "dnn"))


def _rows(evidence: Evidence) -> Iterator[RateRow]:
    for name, label in _LABELS.items():
        runs = evidence.trial(name)
        assert runs.summary is not None
        steps = [
            before - after
            for _, accuracies in curves(runs)
            for before, after in pairwise(accuracies)
        ]
        falls = [step for step in steps if step > 0]
        yield RateRow(
            label=label,
            accuracy=runs.summary,
            steps=len(steps),
            falls=len(falls),
            deepest=max(falls, default=None),
        )


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels(["Rate 0.9, the tutorial's: up and down", "Rate 0.1: steady"])
    for panel, name in zip(axes, _LABELS, strict=True):
        for epochs, accuracies in curves(evidence.trial(name)):
            panel.plot(epochs, accuracies, "o-", color=BLUE, alpha=0.5, linewidth=1, markersize=3)
    return figure


ERROR = DocumentError(
    name="learning-rate",
    claims=("dnn-cnn/cnn-accuracy", "dnn-cnn/cnn-beats-dnn"),
    trials=tuple(_LABELS),
    probes=("baselines",),
    view=rate_view,
    draw=_draw,
    caption="Test accuracy after each epoch at two learning rates, one line a seed.",
)
