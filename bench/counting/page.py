"""The report of the counting exercise run for real: BP and CNN side by side, measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cells.reference import MAJORITY_CLASS
from bench.counting.bars import write_bars
from bench.records.kinds import Request
from bench.records.place import write_text
from bench.report.cost import counting
from bench.report.method import Deviation, shared_deviations
from bench.results.runs import Results
from bench.results.speeds import NO_SPEED
from bench.writing.templates import render

_DEVICE = "cpu"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One thing that both networks have; None for what failed.

    Attributes:
        bp: How much of it the BP network has.
        cnn: How much the CNN has.
    """

    bp: float | None
    cnn: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as much the BP network has; None where it is not known."""
        return self.bp / self.cnn if self.bp is not None and self.cnn else None


@dataclass(frozen=True, kw_only=True)
class CountingPage:
    """What the page shows.

    Attributes:
        request: The run's own record.
        train_samples: Pictures that both are trained on.
        test_samples: Pictures that both are tested on.
        majority_class: How often always answering the most frequent class is right.
        quantities: By the name of their field in the records.
        time_ratios: By phase, how many times as long the BP network takes for a sample.
        blocks: How many blocks each measurement has.
        block_spread: The slowest over the fastest block of a measurement, at most; None where
            nothing was measured.
        failures: What failed, a line each.
        figure: What the figure shows.
        counting: The exercise in closed form, a text of its own.
        deviations: What the document leaves open, and what was chosen.
    """

    request: Request
    train_samples: int
    test_samples: int
    majority_class: float | None
    quantities: dict[str, Quantity]
    time_ratios: dict[str, float | None]
    blocks: int
    block_spread: float | None
    failures: tuple[str, ...]
    figure: str
    counting: str
    deviations: tuple[Deviation, ...]


def write_page(results: Results, folder: Path) -> None:
    """Writes `report.md` and its figure into the folder that holds the records."""
    found = quantities(results)
    figure = write_bars(bars(found), folder / "figures")
    view = page_view(results, found, figure)
    write_text(folder / "report.md", render(Path(__file__).parent, "counting", view) + "\n")


def page_view(
    results: Results,
    found: dict[str, Quantity],
    figure: str,
) -> CountingPage:
    """What the page shows of a run.

    Args:
        results: The run.
        found: Its quantities.
        figure: What the figure shows.
    """
    first, request = results.runs[0], results.request
    references = results.references.get(first.ranking_group, ())
    blocks = [
        [seconds for label in timing.block_seconds for seconds in label]
        for timing in results.timings
    ]
    cell = next(iter(first.cells.values()))
    return CountingPage(
        request=request,
        train_samples=cell.train_samples,
        test_samples=cell.test_samples,
        majority_class=next((r.mean for r in references if r.name == MAJORITY_CLASS), None),
        quantities=found,
        time_ratios={phase: time_ratio(found, phase) for phase in ("train", "inference")},
        blocks=max(map(len, blocks), default=0),
        block_spread=max((max(seconds) / min(seconds) for seconds in blocks), default=None),
        failures=results.failures,
        figure=figure,
        counting=counting(),
        deviations=shared_deviations(request.deviations),
    )


def quantities(results: Results) -> dict[str, Quantity]:
    """What both networks are made of and take, by name."""
    bp, cnn = (_measured(model, results) for model in results.request.ran)
    return {name: Quantity(bp=bp[name], cnn=cnn[name]) for name in bp}


def _measured(model: str, results: Results) -> dict[str, float | None]:
    runs = results.get(model, _DEVICE)
    sources = (
        (results.counts.get(model), ("module_parameters", "weight_bytes", "macs")),
        (
            next(iter(runs.ran.values())) if runs else None,
            ("updates", "train_seconds", "test_accuracy"),
        ),
        (
            results.speeds.get((model, _DEVICE), NO_SPEED),
            ("peak_memory_bytes", "train_samples_per_second", "inference_samples_per_second"),
        ),
    )
    return {name: getattr(source, name, None) for source, names in sources for name in names}


def time_ratio(found: dict[str, Quantity], phase: str) -> float | None:
    """How many times as long the BP network takes for a sample of a phase."""
    ratio = found[f"{phase}_samples_per_second"].ratio
    return 1 / ratio if ratio else None


def bars(found: dict[str, Quantity]) -> dict[str, float]:
    """The ratios BP over CNN that the figure shows, by what they are of; those that are known."""
    ratios = {
        "parameters": found["module_parameters"].ratio,
        "multiply-accumulates": found["macs"].ratio,
        "peak memory of a training step": found["peak_memory_bytes"].ratio,
        "training time": found["train_seconds"].ratio,
        "time per training sample": time_ratio(found, "train"),
        "time per sample, inference": time_ratio(found, "inference"),
    }
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}
