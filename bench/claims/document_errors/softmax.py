"""`bp-cnn` takes the softmax twice."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError, RowsView, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import curves, panels
from bench.results.runs import Runs
from bench.statistics.basics import Summary, summarise
from bench.writing.style import BLUE, ORANGE, RED

EARLY = 6  # the first epoch after which these runs are tested
_ALWAYS_ONE_DIGIT = 2.4612 - 0.1  # nats: the greatest loss, less 1 for one answer in ten
_NEAR = 0.01
_TWICE, _ONCE = "lenet-rgb-two-softmaxes", "lenet-rgb-one-softmax"
_DOCUMENTS, _SLOWER = "", "-slower"
_RATES = {_DOCUMENTS: "0.05", _SLOWER: "0.005"}
_LABELS = {_TWICE: "softmax twice", _ONCE: "softmax once"}


@dataclass(frozen=True, kw_only=True)
class SoftmaxRow:
    """One network at one learning rate.

    Attributes:
        label: How often it takes the softmax.
        rate: The learning rate.
        runs: How many.
        diverged: How many of them met a loss that is no number, and count for no accuracy.
        early: Test accuracy after the sixth epoch, over the others; None where none is left.
        last: The same after the last epoch.
    """

    label: str
    rate: str
    runs: int
    diverged: int
    early: Summary | None
    last: Summary | None


@dataclass(frozen=True, kw_only=True)
class SoftmaxView(RowsView[SoftmaxRow]):
    """The network with its softmax taken twice and once, at two learning rates.

    Attributes:
        twice: The document's network at the smaller rate, early and in the end.
        once: The other one at the same rate.
        best: The best last accuracy of all runs at the document's rate.
        apart: Whether at the smaller rate all early runs with one softmax beat all with two.
        stuck: For how many runs the training loss of the documented network ended where one digit
            is always answered.
    """

    twice: SoftmaxRow
    once: SoftmaxRow
    best: float
    apart: bool
    stuck: int


def softmax_view(evidence: Evidence) -> SoftmaxView:
    """What the second softmax costs."""
    rows = {(name, rate): _row(evidence, name, rate) for rate in _RATES for name in _LABELS}
    twice, once = rows[_TWICE, _SLOWER], rows[_ONCE, _SLOWER]
    assert twice.early is not None
    assert once.early is not None
    at_documents = [rows[name, _DOCUMENTS].last for name in _LABELS]
    return SoftmaxView(
        rows=tuple(rows.values()),
        references=reference_accuracies(evidence, _TWICE),
        twice=twice,
        once=once,
        best=max(last.maximum for last in at_documents if last is not None),
        apart=once.early.minimum > twice.early.maximum,
        stuck=_stuck(evidence.trial(_TWICE)),
    )


def _row(evidence: Evidence, name: str, rate: str) -> SoftmaxRow:
    runs = evidence.trial(f"{name}{rate}")
    sound = [cell for cell in runs.ran.values() if cell.diverged_at is None]
    early = [point.accuracy for cell in sound for point in cell.test_curve if point.epoch == EARLY]
    last = [cell.test_curve[-1].accuracy for cell in sound]
    return SoftmaxRow(
        label=_LABELS[name],
        rate=_RATES[rate],
        runs=len(runs.ran),
        diverged=len(runs.ran) - len(sound),
        early=summarise(early) if early else None,
        last=summarise(last) if last else None,
    )


def _stuck(runs: Runs) -> int:
    last = [cell.training_curve[-1].loss for cell in runs.ran.values()]
    return sum(loss is not None and abs(loss - _ALWAYS_ONE_DIGIT) < _NEAR for loss in last)


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels(
        ["Rate 0.05, the tutorial's: nothing learns", "Rate 0.005: the second softmax delays"]
    )
    for panel, rate in zip(axes, _RATES, strict=True):
        for name, colour in ((_TWICE, ORANGE), (_ONCE, BLUE)):
            runs = evidence.trial(f"{name}{rate}")
            cells = zip(runs.ran.values(), curves(runs), strict=True)
            for number, (cell, (epochs, accuracies)) in enumerate(cells):
                label = None if number else _LABELS[name]
                if cell.diverged_at is None:
                    panel.plot(epochs, accuracies, color=colour, alpha=0.6, label=label)
                else:
                    panel.plot(0, 0, "x", color=RED, clip_on=False)
        panel.set_xlim(left=0)
    axes[0].set_ylim(bottom=0)  # of both, which share it
    axes[-1].legend(loc="lower right")
    return figure


ERROR = DocumentError(
    name="double-softmax",
    claims=("bp-cnn/softmax", "bp-cnn/cross-entropy"),
    trials=tuple(f"{name}{suffix}" for name in (_TWICE, _ONCE) for suffix in _RATES),
    probes=("baselines",),
    view=softmax_view,
    draw=_draw,
    caption="Test accuracy over epochs with the softmax taken twice and once, one line a run; "
    "crosses are runs whose loss became no number.",
)
