"""`bp-cnn` takes the softmax twice."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError, contrasts, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import curves, panels
from bench.results.runs import Runs
from bench.statistics.accuracy import Comparison
from bench.statistics.basics import Summary
from bench.writing.style import BLUE, ORANGE

_ALWAYS_ONE_DIGIT = 2.4612 - 0.1  # nats: the greatest loss, less 1 for one answer in ten
_NEAR = 0.01
_TWICE, _ONCE = "lenet-rgb-two-softmaxes", "lenet-rgb-one-softmax"
_RATES = {"": "learning rate 0.05, the document's", "-slower": "learning rate 0.005"}
_LABELS = {_TWICE: "softmax twice, as documented", _ONCE: "softmax once"}


@dataclass(frozen=True, kw_only=True)
class SoftmaxView:
    """The network with its softmax taken twice and once, at two learning rates.

    Attributes:
        accuracies: A label and the accuracy over seeds for each network and rate.
        references: By reference predictor, its accuracy on the same samples.
        contrasts: Once minus twice, for each rate.
        seeds: How many.
        stuck: For how many of them the training loss of the documented network ended where one
            digit is always answered.
    """

    accuracies: tuple[tuple[str, Summary | None], ...]
    references: dict[str, float]
    contrasts: tuple[tuple[str, Comparison], ...]
    seeds: int
    stuck: int


def softmax_view(evidence: Evidence) -> SoftmaxView:
    """What the second softmax costs."""
    runs = {(n, s): evidence.trial(f"{n}{s}") for n in (_TWICE, _ONCE) for s in _RATES}
    compared = contrasts(
        [
            (f"once - twice, {rate}", runs[_ONCE, suffix], runs[_TWICE, suffix])
            for suffix, rate in _RATES.items()
        ]
    )
    return SoftmaxView(
        accuracies=tuple(
            (f"{_LABELS[n]}, {_RATES[s]}", found.summary) for (n, s), found in runs.items()
        ),
        references=reference_accuracies(evidence, _TWICE),
        contrasts=tuple((comparison.name, comparison) for comparison in compared),
        seeds=len(runs[_TWICE, ""].ran),
        stuck=_stuck(runs[_TWICE, ""]),
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
