"""`net-mnist` makes a continued network and goes on training the first one."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError, RowsView, reference_accuracies
from bench.claims.evidence import Evidence
from bench.claims.figures import draw_by_seed
from bench.statistics.basics import Summary, paired_difference, summarise

_FIFTH = 5
_RIGHT, _ALONE = "resumed", "alone"
_LABELS = {
    _RIGHT: "resumed rightly: 3 + 5 epochs",
    "stale": "the files as they are, then 5 epochs",
    _ALONE: "a new network, 5 epochs",
    "loaded": "the network that loads the files",
}


@dataclass(frozen=True, kw_only=True)
class ResumeRow:
    """One way to go on.

    Attributes:
        label: Which.
        accuracy: Mean over seeds.
        lost: The way minus resuming rightly, paired by seed.
    """

    label: str
    accuracy: float
    lost: Summary


def resume_view(evidence: Evidence) -> RowsView[ResumeRow]:
    """What each way loses against resuming rightly; the right way is the first row."""
    accuracies = _accuracies(evidence)
    return RowsView(
        rows=tuple(
            ResumeRow(
                label=_LABELS[way],
                accuracy=summarise(values).mean,
                lost=paired_difference(values, accuracies[_RIGHT]),
            )
            for way, values in accuracies.items()
        ),
        references=reference_accuracies(evidence, "dnn"),
    )


def _accuracies(evidence: Evidence) -> dict[str, list[float]]:
    """By way, the accuracy of each seed."""
    outcomes = evidence.probe("resume")
    cells = evidence.trial("net").ran
    fifth = [
        next(p.accuracy for p in cells[outcome["seed"]].test_curve if p.epoch == _FIFTH)
        for outcome in outcomes
    ]
    return {
        way: fifth if way == _ALONE else [outcome[way] for outcome in outcomes] for way in _LABELS
    }


def _draw(evidence: Evidence) -> Figure:
    accuracies = _accuracies(evidence)
    right = accuracies.pop(_RIGHT)
    return draw_by_seed(
        "What each way loses against resuming rightly",
        [
            (_LABELS[way], [100 * (a - b) for a, b in zip(values, right, strict=True)])
            for way, values in accuracies.items()
        ],
        "points of test accuracy, paired by seed (dots: runs, bars: means)",
    )


ERROR = DocumentError(
    name="resuming",
    claims=("net-mnist/resume", "net-mnist/resume-done-right"),
    trials=("net",),
    probes=("resume", "baselines"),
    view=resume_view,
    draw=_draw,
    caption="What three wrong ways to go on lose against resuming rightly, a dot a seed.",
)
