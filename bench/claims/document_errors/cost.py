"""`bp-cnn` tells its parameter argument as if it were one about cost."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.writing.style import BLUE, ORANGE
from zoo.counting import CountingRow, counting_exercise


@dataclass(frozen=True, kw_only=True)
class CostView:
    """The counting exercise's CNNs.

    Attributes:
        rows: One for each reading of the exercise.
    """

    rows: tuple[CountingRow, ...]


def cost_view(_evidence: Evidence) -> CostView:
    """The CNNs beside the BP network, at the document's picture size."""
    return CostView(rows=counting_exercise()[1:])


def _draw(_evidence: Evidence) -> Figure:
    rows = counting_exercise()[:0:-1]
    figure = Figure(figsize=(8, 3.0), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        for shift, ratio, colour, label in (
            (0.2, row.bp_parameters_ratio, BLUE, "parameters"),
            (-0.2, row.bp_macs_ratio, ORANGE, "multiply-accumulates"),
        ):
            axes.barh(place + shift, ratio, 0.38, color=colour, label=label if not place else None)
            axes.text(ratio * 1.05, place + shift, f"{ratio:.1f}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(1, 2000)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(range(len(rows)), [row.network.removeprefix("CNN, ") for row in rows])
    axes.set_xlabel("times as many in the BP network")
    axes.grid(visible=False, axis="y")
    handles, labels = axes.get_legend_handles_labels()
    work = [row.bp_macs_ratio for row in rows]
    axes.set_title(
        "Hundreds of times fewer parameters, "
        f"but only {min(work):.0f} to {max(work):.0f} times less work"
    )
    figure.legend(handles, labels, ncols=2, loc="outside lower center")
    return figure


ERROR = DocumentError(
    name="parameters-and-work",
    claims=(
        "bp-cnn/bp-parameters",
        "bp-cnn/cnn-smaller",
        "net-mnist/sharing-cuts-parameters",
        "net-mnist/sharing-cuts-work",
    ),
    view=cost_view,
    draw=_draw,
    caption="How many times as many parameters, and as many multiply-accumulates, the BP network "
    "has; a logarithmic axis.",
)
