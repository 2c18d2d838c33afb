"""Figures of a report, as SVG, drawn from records alone, the same way each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from bench.records.place import own_folder
from bench.report.figures import (
    answers,
    batches,
    blocks,
    curves,
    differences,
    factors,
    kernels,
    speeds,
)
from bench.results.runs import Results
from bench.writing.style import DARK, save

FIGURES: dict[str, tuple[Callable[[Results], Figure | None], str]] = {
    "accuracy": (differences.accuracy, "Test accuracy of every network, best first"),
    "error-time": (curves.error_over_time, "Test error over seconds of training"),
    "networks": (blocks.networks, "The layers of every network"),
    "activation-pooling": (factors.design, "Test error by activation and pooling, every seed"),
    "learning-rates": (factors.learning_rates, "Test error by learning rate, every seed"),
    "learning-curves": (curves.error_over_epochs, "Test error after every epoch"),
    "filters": (kernels.filters, "The filters of the first layer before and after training"),
    "confusions": (answers.confusions, "Which digit is read as which"),
    "hardest-pictures": (answers.hardest, "The test pictures that most networks misread"),
    "differences": (differences.forest, "Differences from the baseline, with verdicts"),
    "speed": (speeds.bars, "Speed of training and inference beside the baseline"),
    "batch-sizes": (batches.throughput, "Pictures per second of inference by size of batch"),
    "losses": (curves.losses, "Training and test loss over the examples seen"),
}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The result of drawing the figures of a report.

    Attributes:
        drawn: By the name of a figure that lies beside the report, the sentence that describes it.
        undrawn: By the name of a figure that could not be drawn, why.
    """

    drawn: dict[str, str]
    undrawn: dict[str, str]


def write_figures(results: Results, folder: Path) -> Figures:
    """Draws what the results hold; a figure that fails is left out."""
    own_folder(folder)
    drawn: dict[str, str] = {}
    undrawn: dict[str, str] = {}
    for name, (draw, description) in FIGURES.items():
        try:
            if save(partial(draw, results), folder / f"{name}.svg", description):
                drawn[name] = description
        except Exception as error:  # numbers of days of training must not be lost for a picture
            undrawn[name] = f"{type(error).__name__}: {error}"
    for old in folder.glob("*.svg"):
        if old.stem.removesuffix(DARK) not in drawn:
            old.unlink()  # of an earlier run
    return Figures(drawn=drawn, undrawn=undrawn)
