"""A finished run in Python: frames, figures, and what a notebook or a terminal shows of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records.errors import RequestError
from bench.records.text import one_line
from bench.results.runs import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Outcome:
    """The result of a run: where its report is, and what it found.

    Attributes:
        folder: Of the report.
        results: All that it says, as its sections take it.
    """

    folder: Path
    results: Results

    @property
    def failed(self) -> bool:
        """Whether some cell or measurement failed; the report says which."""
        return bool(self.results.failures)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per network, as in the report's first table, unrounded; the best first."""
        from bench.report.first_table import first_table

        return first_table(self.results)

    @cached_property
    def records(self) -> pd.DataFrame:
        """One row per training run."""
        from bench.results.frames import records_table

        return records_table(self.results)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row per comparison that carries a verdict."""
        from bench.results.frames import pairs_table

        return pairs_table(self.results)

    def figure(self, name: str) -> Figure:
        """One of the report's figures, by the name of its file; a notebook shows it.

        Raises:
            RequestError: There is no figure of this name, or this run has nothing to draw in it.
        """
        from bench.report.figures import FIGURES
        from bench.writing.style import drawn

        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, n=1)
            suggestion = f"did you mean '{near[0]}'? " if near else ""
            raise RequestError(
                f"unknown figure '{one_line(name)[:80]}'; {suggestion}choose from "
                f"{', '.join(FIGURES)}"
            )
        figure = drawn(lambda: FIGURES[name][0](self.results))
        if figure is None:
            raise RequestError(
                f"'{self.folder}' has nothing to draw in '{name}' ({FIGURES[name][1]}); "
                f"choose another of {', '.join(FIGURES)}"
            )
        return figure

    def __repr__(self) -> str:
        from bench.report.opening import shown

        return shown(self.results, self.folder / "report.md")

    def _repr_html_(self) -> str:
        """What a notebook shows: the same, its table as HTML."""
        from markdown_it import MarkdownIt

        html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(repr(self))
        return html
