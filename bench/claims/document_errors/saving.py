"""`lenet-relu` and `dnn-cnn` save whole modules; `lenet-relu` tests one picture at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.statistics.speed import SpeedRatio, one_process, speed_ratios
from bench.writing.style import BLUE, ORANGE

_SINGLY, _TOGETHER = "one at a time", "in one batch"


@dataclass(frozen=True, kw_only=True)
class SavingView:
    """Testing pictures one by one, and in one batch.

    Attributes:
        pictures: How many.
        singly: Median seconds a picture, one by one.
        together: Median seconds a picture, in one batch.
        speed: How many times as fast one batch is.
    """

    pictures: int
    singly: float
    together: float
    speed: SpeedRatio


def saving_view(evidence: Evidence) -> SavingView:
    """What testing one by one costs."""
    (outcome,) = evidence.probe("one-at-a-time")
    seconds = {name: np.array(taken) for name, taken in outcome["seconds"].items()}
    return SavingView(
        pictures=outcome["pictures"],
        singly=float(np.median(seconds[_SINGLY])) / outcome["pictures"],
        together=float(np.median(seconds[_TOGETHER])) / outcome["pictures"],
        speed=speed_ratios({name: one_process(taken) for name, taken in seconds.items()}, _SINGLY)[
            _TOGETHER
        ],
    )


def _draw(evidence: Evidence) -> Figure:
    (outcome,) = evidence.probe("one-at-a-time")
    figure = Figure(figsize=(8, 1.8))
    axes = figure.subplots()
    for place, (name, colour) in enumerate(((_TOGETHER, BLUE), (_SINGLY, ORANGE))):
        taken = np.array(outcome["seconds"][name]).ravel() * 1e6 / outcome["pictures"]
        axes.barh(place, float(np.median(taken)), 0.55, color=colour)
        axes.plot(taken, [place] * len(taken), "|", color="black", alpha=0.4)
    axes.set_yticks([0, 1], [_TOGETHER, _SINGLY])
    axes.set_xlabel("microseconds a picture (bars: median; ticks: rounds)")
    axes.grid(visible=False, axis="y")
    return figure


ERROR = DocumentError(
    name="one-at-a-time",
    claims=("dnn-cnn/reload",),
    probes=("one-at-a-time",),
    view=saving_view,
    draw=_draw,
    caption="Time to test a picture, one at a time and in one batch.",
)
