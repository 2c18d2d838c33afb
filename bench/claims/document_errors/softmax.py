"""`bp-cnn` takes the softmax twice."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.document_errors.error import (
    ContrastsView,
    DocumentError,
    contrasts,
    reference_accuracies,
)
from bench.claims.evidence import Evidence
from bench.claims.figures import curves, panels
from bench.results.runs import Runs
from bench.writing.style import BLUE, ORANGE

_ALWAYS_ONE_DIGIT = 2.4612 - 0.1  # nats: the greatest loss, less 1 for one answer in ten
_NEAR = 0.01
_TWICE, _ONCE = "lenet-rgb-two-softmaxes", "lenet-rgb-one-softmax"
_RATES = {"": "learning rate 0.05, the document's", "-slower": "learning rate 0.005"}
_LABELS = {_TWICE: "softmax twice, as documented", _ONCE: "softmax once"}


@dataclass(frozen=True, kw_only=True)
class SoftmaxView(ContrastsView):
    """The network with its softmax taken twice and once, at two learning rates.

    Attributes:
        stuck: For how many seeds the training loss of the documented network ended where one digit
            is always answered.
    """

    stuck: int


def softmax_view(evidence: Evidence) -> SoftmaxView:
    """What the second softmax costs."""
    runs = {(n, s): evidence.trial(f"{n}{s}") for n in (_TWICE, _ONCE) for s in _RATES}
    documented = runs[_TWICE, ""]
    return SoftmaxView(
        accuracies=tuple(
            (f"{_LABELS[n]}, {_RATES[s]}", found.summary) for (n, s), found in runs.items()
        ),
        references=reference_accuracies(evidence, _TWICE),
        contrasts=contrasts(
            [
                (f"once - twice, {rate}", runs[_ONCE, suffix], runs[_TWICE, suffix])
                for suffix, rate in _RATES.items()
            ]
        ),
        seeds=len(documented.ran),
        stuck=_stuck(documented),
    )


def _stuck(runs: Runs) -> int:
    last = [cell.training_curve[-1].loss for cell in runs.ran.values()]
    return sum(loss is not None and abs(loss - _ALWAYS_ONE_DIGIT) < _NEAR for loss in last)


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels(list(_RATES.values()))
    for panel, suffix in zip(axes, _RATES, strict=True):
        for name, colour in ((_TWICE, ORANGE), (_ONCE, BLUE)):
            for epochs, accuracies in curves(evidence.trial(f"{name}{suffix}")):
                (line,) = panel.plot(epochs, accuracies, color=colour, alpha=0.6, linewidth=1)
            line.set_label(_LABELS[name])
    axes[-1].legend(frameon=False, loc="lower right")
    return figure


ERROR = DocumentError(
    name="double-softmax",
    claims=("bp-cnn/softmax", "bp-cnn/cross-entropy"),
    trials=tuple(f"{name}{suffix}" for name in (_TWICE, _ONCE) for suffix in _RATES),
    probes=("baselines",),
    view=softmax_view,
    draw=_draw,
    caption="Test accuracy over epochs with the softmax taken twice and once, one line a seed.",
)
