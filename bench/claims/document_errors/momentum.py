"""`net-mnist` says that momentum speeds convergence; what speeds it is the length of the steps."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.checks.experiments import losses_after
from bench.claims.document_errors.error import DocumentError, RowsView, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import draw_by_seed
from bench.statistics.basics import Summary, paired_difference, summarise

# By trial: momentum, learning rate. Arms with steps of one length stand together.
ARMS = {
    "net": (0.9, 0.01),
    "net-long-steps": (0.0, 0.1),
    "net-short-steps": (0.9, 0.001),
    "net-without-momentum": (0.0, 0.01),
}


@dataclass(frozen=True, kw_only=True)
class MomentumRow:
    """The network after one epoch.

    Attributes:
        momentum: Momentum, 0..1.
        rate: Learning rate.
        step: Rate / (1 - momentum), what a step comes to in the end.
        loss: Test loss over seeds.
    """

    momentum: float
    rate: float
    step: float
    loss: Summary


@dataclass(frozen=True, kw_only=True)
class MomentumView(RowsView[MomentumRow]):
    """Four arms, and their differences.

    Attributes:
        at_equal_rates: Loss with momentum 0 minus 0.9, both at rate 0.01.
        at_equal_steps: The same where steps are equally long: long ones, short ones.
    """

    at_equal_rates: Summary
    at_equal_steps: tuple[Summary, Summary]


def momentum_view(evidence: Evidence) -> MomentumView:
    """What momentum does at equal rates, and at equal steps."""
    losses = {name: losses_after(evidence.trial(name), 1) for name in ARMS}
    fast, long, short, slow = losses.values()
    return MomentumView(
        rows=tuple(
            MomentumRow(
                momentum=momentum,
                rate=rate,
                step=rate / (1 - momentum),
                loss=summarise(losses[name]),
            )
            for name, (momentum, rate) in ARMS.items()
        ),
        references=reference_accuracies(evidence, "dnn"),
        at_equal_rates=paired_difference(slow, fast),
        at_equal_steps=(paired_difference(long, fast), paired_difference(slow, short)),
    )


def _draw(evidence: Evidence) -> Figure:
    return draw_by_seed(
        "Steps of equal length give equal losses, with or without momentum",
        [
            (
                f"momentum {momentum:g}, rate {rate:g}: step {rate / (1 - momentum):g}",
                losses_after(evidence.trial(name), 1),
            )
            for name, (momentum, rate) in ARMS.items()
        ],
        "test loss after one epoch (dots: runs, bars: means)",
    )


ERROR = DocumentError(
    name="momentum",
    claims=("net-mnist/momentum",),
    trials=tuple(ARMS),
    probes=("baselines",),
    view=momentum_view,
    draw=_draw,
    caption="Test loss after one epoch of four arms, a dot a run: two with steps of 0.1, two with "
    "steps of 0.01.",
)
