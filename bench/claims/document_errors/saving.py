"""`lenet-relu` and `dnn-cnn` save whole modules; `lenet-relu` tests one picture at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from bench.claims.checks.speeds import race_ratio
from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.claims.figures import WIDTH
from bench.statistics.speed import SpeedRatio
from bench.writing.style import BLUE

_SINGLY = "1"


@dataclass(frozen=True, kw_only=True)
class SavingView:
    """Testing pictures one by one, and in larger and larger batches.

    Attributes:
        pictures: How many.
        microseconds: By batch size, the median time of a picture.
        speed: By batch size, how many times as fast as one by one it is.
    """

    pictures: int
    microseconds: dict[str, float]
    speed: dict[str, SpeedRatio]


def saving_view(evidence: Evidence) -> SavingView:
    """What testing one by one costs."""
    (outcome,) = evidence.probe("one-at-a-time")
    seconds = {name: taken for name, taken in outcome["seconds"].items() if name.isdecimal()}
    return SavingView(
        pictures=outcome["pictures"],
        microseconds={
            batch: 1e6 * float(np.median(taken)) / outcome["pictures"]
            for batch, taken in seconds.items()
        },
        speed={
            batch: race_ratio(outcome["seconds"], batch, _SINGLY)
            for batch in seconds
            if batch != _SINGLY
        },
    )


def _draw(evidence: Evidence) -> Figure:
    found = saving_view(evidence)
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    sizes = list(map(int, found.microseconds))
    speeds = [1e6 / taken for taken in found.microseconds.values()]
    axes.plot(sizes, speeds, "o-", color=BLUE)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_title("A batch of one is the slowest way to test")
    axes.set_xlabel("pictures in a batch (log scale)")
    axes.set_ylabel("pictures a second")
    return figure


ERROR = DocumentError(
    name="one-at-a-time",
    claims=("dnn-cnn/reload",),
    probes=("one-at-a-time",),
    view=saving_view,
    draw=_draw,
    caption="Pictures that lenet tests in a second, over the pictures in a batch.",
)
