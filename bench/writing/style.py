"""How figures look, and how they are written: twice, for light and for dark pages.

Matplotlib draws them, and no library on top of it. Seaborn's objects and plotnine save lines in one
figure of ten, seeds over learning rates; the others are pictures of digits, matrices, layers and
names beside points, which both leave to matplotlib. Altair needs a browser or a second renderer for
SVG, and neither of the three knows of dark pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.records.place import write_text

# By light colour, its dark one. Each has a contrast of 4.5 to 1 or more with its page, #ffffff or
# #0d1117, so that text may have it. The hues are Okabe and Ito's, which people with any colour
# vision can tell apart, darker and lighter than theirs.
PAIRS = {
    "#0067a8": "#58a6ff",
    "#8a5a00": "#e3a72f",
    "#00735a": "#2fc79a",
    "#b93a00": "#ff8a5c",
    "#9c3f7c": "#e59acb",
    "#59636e": "#9aa4af",
    "#0b7285": "#4fc3d9",
    "#5f6600": "#b9c248",
    "#1f2328": "#e6edf3",
    "#d5dae0": "#30363d",  # lines of the grid alone
}
(BLUE, ORANGE, GREEN, RED, PURPLE, GREY, CYAN, OLIVE, INK, GRID) = PAIRS

STYLE: Any = {
    "svg.hashsalt": "figures",  # element ids that do not change from run to run
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "figure.titleweight": "bold",
    "grid.color": GRID,
    # No black, which SVG leaves unsaid, so that it could not be replaced.
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), GREY),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), INK),
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}
DARK = "-dark"  # what the name of the dark one of a figure ends with


class ShownFigure(Figure):
    """A figure that a notebook shows, whichever backend it has chosen, and none as well."""

    def _repr_png_(self) -> bytes:
        picture = BytesIO()
        with styled():
            self.savefig(picture, format="png", dpi=110, bbox_inches="tight", facecolor="white")
        return picture.getvalue()


@contextmanager
def styled() -> Iterator[None]:
    """Inside it matplotlib draws in the style of reports, whatever a matplotlibrc here says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def drawn(draw: Callable[[], Figure | None]) -> Figure | None:
    """A figure on white paper, for notebooks and for `savefig`; None where nothing is to draw."""
    with styled():
        figure = draw()
    if figure is not None:
        figure.set_facecolor("white")
        figure.__class__ = ShownFigure  # those who draw know matplotlib's figure alone
    return figure


def save(draw: Callable[[], Figure | None], path: Path, description: str) -> bool:
    """Draws a figure and writes it as SVG, and beside it the one for dark pages.

    Args:
        draw: Makes the figure, or None where there is nothing to draw. Colours are those above.
        path: Where it goes; the dark one goes to the same name with `-dark` at its end.
        description: What it shows, for those who cannot see it.

    Returns:
        Whether there was something to draw.
    """
    with styled():
        figure = draw()
        if figure is None:
            return False
        text = StringIO()
        metadata = {"Date": None, "Creator": None, "Title": description}
        figure.savefig(text, format="svg", metadata=metadata, bbox_inches="tight")
    light = text.getvalue()
    write_text(path, light)
    write_text(path.with_stem(path.stem + DARK), darkened(light))
    return True


def darkened(svg: str) -> str:
    """The same drawing in the colours for dark pages."""
    return re.sub("|".join(PAIRS), lambda found: PAIRS[found[0]], svg)
