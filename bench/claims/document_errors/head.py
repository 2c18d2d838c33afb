"""`lenet-sigmoid` has no activation after C5 and F6, so its last three layers are one."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.cells.reference import MAJORITY_CLASS
from bench.claims.document_errors.error import DocumentError, contrasts, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import draw_by_seed
from bench.statistics.accuracy import Comparison
from bench.statistics.basics import Summary

_LABELS = {
    "lenet-sigmoid": "linear head, average pooling: the code",
    "lenet-sigmoid-max": "linear head, max pooling: the prose",
    "lenet-sigmoid-all-avg": "sigmoid after C5 and F6, average pooling",
    "lenet-sigmoid-all-max": "sigmoid after C5 and F6, max pooling",
}


@dataclass(frozen=True, kw_only=True)
class HeadView:
    """Four networks under one recipe, and what the trained linear heads multiply out to.

    Attributes:
        accuracies: A label and the accuracy over seeds for each network.
        references: By reference predictor, its accuracy on the same samples.
        contrasts: Sigmoids after C5 and F6 minus none, with average and with max pooling; max minus
            average pooling with a linear head.
        active_untrained: Whether no network with a sigmoid after every layer beats the majority
            class.
        seeds: Of the trained linear heads.
        answers: How often they and the one layer that they equal answered a test picture.
        changed: How many of the answers differ.
        apart: The largest difference of a logit.
    """

    accuracies: tuple[tuple[str, Summary | None], ...]
    references: dict[str, float]
    contrasts: tuple[Comparison, ...]
    active_untrained: bool
    seeds: int
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
                ("average", active, linear),
                ("max", active_max, linear_max),
                ("pooling", linear_max, linear),
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
        (label, list(evidence.trial(name).accuracy.values())) for name, label in _LABELS.items()
    ]
    return draw_by_seed(rows, "test accuracy after 10 epochs")


ERROR = DocumentError(
    name="linear-head",
    claims=("dnn-cnn/linear-collapse", "lenet-sigmoid/pooling", "lenet-sigmoid/scheduler"),
    trials=tuple(_LABELS),
    probes=("linear-head", "baselines"),
    view=head_view,
    draw=_draw,
    caption="Test accuracy of four networks under one recipe, a dot a seed, the same seeds joined; "
    "diamonds are means.",
)
