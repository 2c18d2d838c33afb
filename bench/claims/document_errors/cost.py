"""`bp-cnn` tells its parameter argument as if it were one about cost."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.claims.document_errors.entry import Entry
from bench.claims.evidence import Evidence
from bench.writing.markdown import integer, table
from bench.writing.style import BLUE, ORANGE
from zoo.counting import CountingRow, counting_exercise


def _cnns() -> tuple[CountingRow, ...]:
    return counting_exercise()[1:]


def _show(_evidence: Evidence) -> list[str]:
    return [
        *table(
            (
                *("CNN", "parameters >", "BP has times as many >"),
                *("multiply-accumulates >", "BP needs times as many >"),
            ),
            [
                [
                    row.network.removeprefix("CNN, "),
                    integer(row.parameters),
                    f"{row.bp_parameters_ratio:.1f}",
                    integer(row.macs),
                    f"{row.bp_macs_ratio:.1f}",
                ]
                for row in _cnns()
            ],
        ),
        "",
        "`python -m zoo.counting --side 64` redoes the exercise for another picture, and "
        "`python3 -m nox -s counting` trains both networks and measures time and memory.",
    ]


def _draw(_evidence: Evidence) -> Figure:
    rows = _cnns()[::-1]
    figure = Figure(figsize=(8, 2.8))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        for shift, ratio, colour, label in (
            (0.2, row.bp_parameters_ratio, BLUE, "parameters"),
            (-0.2, row.bp_macs_ratio, ORANGE, "multiply-accumulates"),
        ):
            axes.barh(place + shift, ratio, 0.38, color=colour, label=label if not place else None)
            axes.text(ratio * 1.05, place + shift, f"{ratio:.0f}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(1, 2000)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(range(len(rows)), [row.network.removeprefix("CNN, ") for row in rows])
    axes.set_xlabel("times as many in the BP network")
    axes.grid(visible=False, axis="y")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=2, loc="upper center")
    return figure


ENTRY = Entry(
    name="parameters-and-work",
    title="Parameters counted, cost concluded",
    claims=("bp-cnn/bp-parameters", "bp-cnn/cnn-smaller", "net-mnist/sharing-cuts-work"),
    explanation=(
        "`bp-cnn` shows that a CNN has hundreds of times fewer parameters than a BP network and "
        "lets the reader conclude that it is as much cheaper. In work done it saves far less: each "
        "of a convolution's few weights is used at every place of the picture. The document's "
        "figures are lost with its pictures, so kernel size and the halving of odd sizes are open; "
        "all four readings stand here.",
        "*Instead:* count multiply-accumulates for work, parameters for memory, and measure time.",
    ),
    show=_show,
    draw=_draw,
    caption="How many times as many parameters, and as many multiply-accumulates, the BP network "
    "has; a logarithmic axis.",
)
