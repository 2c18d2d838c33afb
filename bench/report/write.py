"""The report of a comparison: markdown, CSV and figures from a run's records."""

from __future__ import annotations

import os
from pathlib import Path

from bench.records.errors import RequestError
from bench.records.owner import owner_of
from bench.records.place import replacing, write_text
from bench.records.store import MissingRunError, Store
from bench.report.accuracy import comparison
from bench.report.controls import controls as controls_section
from bench.report.costs import costs
from bench.report.figures import write_figures
from bench.report.filters import with_filters
from bench.report.looks import looks
from bench.report.method import method
from bench.report.method_page import PAGE
from bench.report.opening import opening
from bench.report.verdicts import verdicts
from bench.report.what import what
from bench.report.why import why
from bench.results.controls import controls
from bench.results.runs import Results, read
from bench.results.table import results_table
from bench.writing.templates import unwrap

COMMAND = "python -m bench.compare"


def write_report(results: Results, folder: Path) -> None:
    """Writes `results.csv`, `figures/*.svg` and `report.md` into the folder.

    Where the folder holds trained weights, `filters.json`, which they are drawn from, is written
    first.

    Raises:
        RequestError: The results are not those of a comparison; nothing has been written.
    """
    require_comparison(results.request.command, folder)
    folder.mkdir(parents=True, exist_ok=True)
    results = with_filters(results, folder)
    with replacing(folder / "results.csv") as part:
        results_table(results).to_csv(part, index=False, encoding="utf-8")
    write_text(folder / "report.md", page(results, folder, figures=folder / "figures"))


def require_comparison(command: str, folder: Path) -> None:
    """Checks that a report is one of a comparison.

    Args:
        command: The command line that makes it.
        folder: Of the report.

    Raises:
        RequestError: It is not.
    """
    if not command.startswith(COMMAND):
        raise RequestError(f"'{folder}' is no comparison; its report is written by: {command}")


def page(results: Results, folder: Path, *, figures: Path) -> str:
    """The text of `report.md`.

    Args:
        results: What was measured.
        folder: Where the report lies.
        figures: Where its figures are written.
    """
    written = write_figures(results, figures)
    link = Path(os.path.relpath(PAGE, folder.resolve())).as_posix() if PAGE.exists() else None
    return render(results, written.drawn, written.undrawn, method_link=link)


def rebuild(folder: Path) -> None:
    """Writes the report of the latest run in a folder's records.

    Raises:
        RequestError: There is none, or it is not that of a comparison.
    """
    store = Store(folder)
    try:
        results = read(store)
    except MissingRunError:
        if (owner := owner_of(store.read())) is not None:
            require_comparison(f"python -m {owner}", folder)
        raise
    write_report(results, folder)


def render(
    results: Results,
    figures: dict[str, str],
    undrawn: dict[str, str] | None = None,
    *,
    method_link: str | None = None,
) -> str:
    """The report's markdown.

    Args:
        results: What was measured.
        figures: Names of the figures that lie beside the report, with their descriptions.
        undrawn: Names of the figures that could not be drawn, and why.
        method_link: Where the page on the method lies, from the report; None where it is not there.
    """
    checked = controls(results)
    sections = (
        opening(results, figures, checked),
        what(results, figures),
        why(results, figures),
        verdicts(results, figures),
        comparison(results),
        looks(results),
        controls_section(results, checked),
        costs(results, figures),
        method(results, undrawn or {}, method_link),
    )
    return unwrap("\n\n".join(sections)) + "\n"
