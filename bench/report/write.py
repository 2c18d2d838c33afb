"""The report of a comparison: markdown, CSV and figures from a run's records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.records.errors import RequestError
from bench.records.place import replacing, write_text
from bench.records.store import Store
from bench.report.accuracy import best, comparison
from bench.report.controls import controls as controls_section
from bench.report.cost import counting, parameters
from bench.report.decided import decided
from bench.report.design import activation_and_pooling
from bench.report.figures import write_figures
from bench.report.instruments import instruments
from bench.report.looks import looks
from bench.report.method import method
from bench.report.profiles import profiles
from bench.report.speed import speed
from bench.report.verdicts import verdicts
from bench.results.controls import Controls, controls
from bench.results.runs import Results, read
from bench.results.table import results_table
from bench.writing.templates import render as write
from bench.writing.templates import unwrap

COMMAND = "python -m bench.compare"
_ROOM = Path(__file__).parent


def write_report(results: Results, folder: Path) -> None:
    """Writes `results.csv`, `figures/*.svg` and `report.md` into the folder.

    Raises:
        RequestError: The results are not those of a comparison; nothing has been written.
    """
    command = results.request.command
    if not command.startswith(COMMAND):
        raise RequestError(f"'{folder}' is no comparison; its report is written by: {command}")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "results.csv") as part:
        results_table(results).to_csv(part, index=False, encoding="utf-8")
    figures = write_figures(results, folder / "figures")
    write_text(folder / "report.md", render(results, figures.drawn, figures.undrawn))


def rebuild(folder: Path) -> None:
    """Writes the report of the latest run in a folder's records.

    Raises:
        RequestError: There is none, or it is not that of a comparison.
    """
    write_report(read(Store(folder)), folder)


def render(results: Results, figures: dict[str, str], undrawn: dict[str, str] | None = None) -> str:
    """The report's markdown.

    Args:
        results: What was measured.
        figures: Names of the figures that lie beside the report, with their descriptions.
        undrawn: Names of the figures that could not be drawn, and why.
    """
    checked = controls(results)
    sections = (
        write(_ROOM, "title", title_view(results, checked)),
        best(results, figures),
        comparison(results),
        verdicts(results),
        looks(results),
        activation_and_pooling(results, figures),
        speed(results),
        instruments(results),
        profiles(results),
        parameters(results, figures),
        counting(),
        decided(results),
        write(_ROOM, "curves", curves_view(figures)),
        controls_section(results, checked),
        method(results, undrawn or {}),
    )
    return unwrap("\n\n".join(sections)) + "\n"


@dataclass(frozen=True, kw_only=True)
class TitleView:
    """What a run is.

    Attributes:
        networks: How many networks ran.
        dataset: On which data.
        recipe: `common`, `document` or `fast`.
        seeds: How many seeds each, or at most.
        until_settled: Whether networks stopped where their comparisons were decided.
        devices: Where they ran.
        processor: The CPU's name.
        gpu: The GPU's name; None where there is none.
        failures: How many cells, counts and measurements failed.
        controls: How many controls the run has.
        failed_controls: How many of them failed.
    """

    networks: int
    dataset: str
    recipe: str
    seeds: int
    until_settled: bool
    devices: tuple[str, ...]
    processor: str
    gpu: str | None
    failures: int
    controls: int
    failed_controls: int


def title_view(results: Results, checked: Sequence[Controls]) -> TitleView:
    """What the first lines say of a run."""
    request = results.request
    return TitleView(
        networks=len(request.ran),
        dataset=request.dataset,
        recipe=request.recipe,
        seeds=len(request.seeds),
        until_settled=request.until_settled is not None,
        devices=tuple(request.devices),
        processor=request.environment.processor,
        gpu=request.environment.gpu,
        failures=len(results.failures),
        controls=sum(found.made for found in checked),
        failed_controls=sum(found.failed for found in checked),
    )


@dataclass(frozen=True, kw_only=True)
class CurvesView:
    """What the figures of curves and of test pictures show; None where there is no figure."""

    curves: str | None
    pictures: str | None


def curves_view(figures: dict[str, str]) -> CurvesView:
    """The figures of the section on curves."""
    return CurvesView(curves=figures.get("learning-curves"), pictures=figures.get("test-pictures"))
