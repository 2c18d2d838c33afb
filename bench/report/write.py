"""The report of a comparison: markdown, CSV and figures from a run's records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.report.accuracy import best, comparison
from bench.report.cost import counting, parameters
from bench.report.decided import decided
from bench.report.design import activation_and_pooling
from bench.report.figures import write_figures
from bench.report.instruments import instruments
from bench.report.method import method
from bench.report.profiles import profiles
from bench.report.speed import speed
from bench.report.verdicts import verdicts
from bench.results.runs import Results, results_table
from bench.writing.markdown import figure, plural


def write_report(results: Results, folder: Path) -> None:
    """Writes `results.csv`, `figures/*.svg` and `report.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    results_table(results).to_csv(folder / "results.csv", index=False)
    figures = write_figures(results, folder / "figures")
    (folder / "report.md").write_text(render(results, figures.drawn, figures.undrawn))


def render(results: Results, figures: dict[str, str], undrawn: dict[str, str] | None = None) -> str:
    """The report's markdown.

    Args:
        results: What was measured.
        figures: Names of the figures that lie beside the report, with their descriptions.
        undrawn: Names of the figures that could not be drawn, and why.
    """
    sections = (
        _title(results),
        best(results, figures),
        comparison(results),
        verdicts(results),
        activation_and_pooling(results, figures),
        speed(results),
        instruments(results),
        profiles(results),
        parameters(results, figures),
        counting(),
        decided(results),
        _curves(figures),
        method(results, undrawn or {}),
    )
    lines = [line for section in sections for line in (*section, "")]
    return "\n".join(_without_doubled_blanks(lines)).strip() + "\n"


def _title(results: Results) -> list[str]:
    request = results.request
    seeds = plural(len(request["seeds"]), "seed")
    recipe = {
        "common": "one recipe for all, so that a difference is the architecture's under this "
        "recipe",
        "document": "each trained as its document trains it, so that the document's numbers can be "
        "checked",
    }[request["recipe"]]
    failed = [
        "",
        f"> **{plural(len(results.failures), 'failure')}.** What failed stands under "
        "[How it was made](#how-it-was-made); the numbers below are of what ran.",
    ]
    return [
        f"# {plural(len(request['ran']), 'network')} on {request['dataset']}, "
        f"{request['recipe']} recipe",
        "",
        f"{seeds} each, on {' and '.join(_device_name(results, d) for d in request['devices'])}; "
        f"{recipe}.",
        *(failed if results.failures else []),
    ]


def _curves(figures: dict[str, str]) -> list[str]:
    lines = ["## Learning curves"]
    if "learning-curves" in figures:
        lines += [
            "",
            figure("learning-curves", figures),
            "",
            "Lines: mean training loss since the point before or the epoch's beginning, taken "
            "while the weights move and with dropout on. Dots: test loss in evaluation mode, the "
            "first one of the untrained network. Bands: from the lowest to the highest seed. "
            "Losses of different kinds (squared error, cross-entropy) do not compare across "
            "panels.",
        ]
    if "test-pictures" in figures:
        lines += ["", figure("test-pictures", figures)]
    return lines


def _device_name(results: Results, device: str) -> str:
    environment = results.request["environment"]
    if device == "cuda":
        return f"CUDA ({environment['gpu']})"
    return f"CPU ({environment['processor']})"


def _without_doubled_blanks(lines: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return kept
