"""`lenet-sigmoid` has no activation after C5 and F6, so its last three layers are one."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.cells.reference import MAJORITY_CLASS
from bench.claims.document_errors.error import (
    ContrastsView,
    DocumentError,
    contrasts,
    reference_accuracies,
)
from bench.claims.evidence import Evidence
from bench.claims.figures import draw_by_seed

_LABELS = {
    "lenet-sigmoid": "linear head, average pooling: the code",
    "lenet-sigmoid-max": "linear head, max pooling: the prose",
    "lenet-sigmoid-all-avg": "sigmoid after C5 and F6, average pooling",
    "lenet-sigmoid-all-max": "sigmoid after C5 and F6, max pooling",
}


@dataclass(frozen=True, kw_only=True)
class HeadView(ContrastsView):
    """Four networks under one recipe, and what the trained linear heads multiply out to.

    Attributes:
        active_untrained: Whether no network with a sigmoid after every layer beats the majority
            class.
        answers: How often a trained head and the one layer that it equals answered a test picture.
        changed: How many of the answers differ.
        apart: The largest difference of a logit.
    """

    active_untrained: bool
    answers: int
    changed: int
    apart: float


def head_view(evidence: Evidence) -> HeadView:
    """What the linear head costs, and that it is linear."""
    linear, linear_max, active, active_max = runs = [evidence.trial(name) for name in _LABELS]
    references = reference_accuracies(evidence, "dnn")
    best = max(max(found.accuracy.values()) for found in (active, active_max))
    outcomes = evidence.probe("linear-head")
    return HeadView(
        accuracies=tuple(
            (label, found.summary) for label, found in zip(_LABELS.values(), runs, strict=True)
        ),
        references=references,
        contrasts=contrasts(
            [
                ("sigmoids after C5 and F6 - none, average pooling", active, linear),
                ("sigmoids after C5 and F6 - none, max pooling", active_max, linear_max),
                ("max - average pooling, linear head", linear_max, linear),
            ]
        ),
        active_untrained=best <= references[MAJORITY_CLASS],
        seeds=len(outcomes),
        answers=sum(outcome["pictures"] for outcome in outcomes),
        changed=sum(outcome["changed_answers"] for outcome in outcomes),
        apart=max(outcome["largest_difference"] for outcome in outcomes),
    )


def _draw(evidence: Evidence) -> Figure:
    rows = [
        (label, [100 * (1 - right) for right in evidence.trial(name).accuracy.values()])
        for name, label in _LABELS.items()
    ]
    return draw_by_seed(
        "The networks with the sigmoids that are missing do not learn under this recipe",
        rows,
        "test error after 10 epochs, % (log scale; dots: runs, bars: means)",
        log=True,
    )


ERROR = DocumentError(
    name="linear-head",
    claims=("dnn-cnn/linear-collapse", "lenet-sigmoid/pooling", "lenet-sigmoid/scheduler"),
    trials=tuple(_LABELS),
    probes=("linear-head", "baselines"),
    view=head_view,
    draw=_draw,
    caption="Test error of four networks under one recipe, a dot a run, on a logarithmic scale.",
)
