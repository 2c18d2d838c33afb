"""`lenet-relu` and `dnn-cnn` save whole modules; `lenet-relu` tests one picture at a time."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.claims.document_errors.entry import Entry
from bench.claims.evidence import Evidence
from bench.statistics import speed as ratios
from bench.writing.markdown import decimal, table
from bench.writing.style import BLUE, ORANGE

_SINGLY, _TOGETHER = "one at a time", "in one batch"


def _show(evidence: Evidence) -> list[str]:
    (outcome,) = evidence.probe("one-at-a-time")
    seconds = {name: np.array(taken) for name, taken in outcome["seconds"].items()}
    found = ratios.speed_ratios(seconds, _SINGLY)[_TOGETHER]
    rows = [
        [
            f"{outcome['pictures']:,} pictures {name}",
            decimal(1e6 * float(np.median(seconds[name])) / outcome["pictures"], 1),
            "" if name == _SINGLY else f"{found.ratio:.1f} [{found.low:.1f}, {found.high:.1f}]",
            "" if name == _SINGLY else found.verdict,
        ]
        for name in (_SINGLY, _TOGETHER)
    ]
    return [
        *table(
            (
                *("`lenet` tests", "microseconds a picture >"),
                *("times as fast, 95% interval >", "verdict"),
            ),
            rows,
        ),
        "",
        "On one thread of a processor.",
    ]


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


ENTRY = Entry(
    name="one-at-a-time",
    title="Whole pickled modules, and pictures tested one by one",
    claims=("dnn-cnn/reload",),
    explanation=(
        "`lenet-relu` and `dnn-cnn` save the whole module. Such a file is a pickle: loading it "
        "runs whatever code it names, it breaks when the class is moved or changed, and current "
        "PyTorch refuses it unless told otherwise. *Instead:* save `network.state_dict()`.",
        "`lenet-relu` also tests with a batch of one: the same answers in much more time. "
        "*Instead:* test in batches as large as memory allows.",
    ),
    probes=("one-at-a-time",),
    show=_show,
    draw=_draw,
    caption="Time to test a picture, one at a time and in one batch.",
)
