"""How figures look, and how they are written: the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.records.place import replacing

STYLE: Any = {
    "svg.hashsalt": "figures",  # element ids that do not change from run to run
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "figure.facecolor": "white",
}
# Okabe and Ito's colours, which people with any colour vision can tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00"),
    *("#CC79A7", "#666666"),
)


def save(draw: Callable[[], Figure | None], path: Path, description: str) -> bool:
    """Draws a figure and writes it as SVG.

    Args:
        draw: Makes the figure, or None where there is nothing to draw.
        path: Where it goes.
        description: What it shows, for those who cannot see it.

    Returns:
        Whether there was something to draw.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever a matplotlibrc around here says
        mpl.rcParams.update(STYLE)
        figure = draw()
        if figure is None:
            return False
        metadata = {"Date": None, "Creator": None, "Title": description}
        with replacing(path) as part:
            figure.savefig(part, format="svg", metadata=metadata, bbox_inches="tight")
    return True
