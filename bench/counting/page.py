"""The report of the counting exercise run for real: BP and CNN side by side, measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.cells.counting_recipe import LEARNED, RATES, learned_after
from bench.cells.reference import MAJORITY_CLASS
from bench.counting.bars import TITLE, write_bars
from bench.records.kinds import Request
from bench.records.place import write_text
from bench.report.cost import counting
from bench.report.method import Deviation, shared_deviations
from bench.results.runs import Results, Runs
from bench.results.speeds import NO_SPEED
from bench.statistics.basics import Summary
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
class Learning:
    """How a network has learned.

    Attributes:
        seeds: How many ran.
        learned: How many of them reached the target on the validation samples.
        samples: Median over seeds of the training samples seen until then; infinite where most
            never reached it; None where none ran.
        accuracy: Test accuracies after the last epoch; None where none ran.
        learning_rate: Of its recipe.
    """

    seeds: int
    learned: int
    samples: float | None
    accuracy: Summary | None
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class CountingPage:
    """What the page shows.

    Attributes:
        request: The run's own record.
        train_samples: Pictures that both are trained on.
        test_samples: Pictures that both are tested on.
        target: The share of validation pictures right at which a network has learned, in 0..1.
        rates: The learning rates that were tried for each network.
        majority_class: How often always answering the most frequent class is right.
        bp: How the BP network has learned.
        cnn: How the CNN has.
        quantities: By name; fields of the records, and `samples` and `seconds` until a network has
            learned.
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
    target: float
    rates: tuple[float, ...]
    majority_class: float | None
    bp: Learning
    cnn: Learning
    quantities: dict[str, Quantity]
    time_ratios: dict[str, float | None]
    blocks: int
    block_spread: float | None
    failures: tuple[str, ...]
    figure: str
    counting: str
    deviations: tuple[Deviation, ...]


def write_page(results: Results, cnn: Runs | None, folder: Path) -> None:
    """Writes `report.md` and its figure into the folder that holds the records.

    Args:
        results: Both networks with the first seed, and what was measured.
        cnn: The CNN with all its seeds; None where none ran.
        folder: Of the report.
    """
    view = page_view(results, cnn)
    write_bars(bars(view.quantities), folder / "figures")
    write_text(folder / "report.md", render(Path(__file__).parent, "counting", view) + "\n")


def page_view(results: Results, cnn: Runs | None) -> CountingPage:
    """What the page shows of a run.

    Args:
        results: Both networks with the first seed, and what was measured.
        cnn: The CNN with all its seeds; None where none ran.
    """
    first, request = results.runs[0], results.request
    references = results.references.get(first.ranking_group, ())
    blocks = [
        [seconds for label in timing.block_seconds for seconds in label]
        for timing in results.timings
    ]
    cell = next(iter(first.cells.values()))
    bp_name, cnn_name = request.ran
    learning = {
        name: learning_of(runs, request.recipes[name].optimiser.learning_rate)
        for name, runs in ((bp_name, results.get(bp_name, _DEVICE)), (cnn_name, cnn))
    }
    found = quantities(results, {name: of.samples for name, of in learning.items()})
    return CountingPage(
        request=request,
        train_samples=cell.train_samples,
        test_samples=cell.test_samples,
        target=LEARNED,
        rates=RATES,
        majority_class=next((r.mean for r in references if r.name == MAJORITY_CLASS), None),
        bp=learning[bp_name],
        cnn=learning[cnn_name],
        quantities=found,
        time_ratios={phase: time_ratio(found, phase) for phase in ("train", "inference")},
        blocks=max(map(len, blocks), default=0),
        block_spread=max((max(seconds) / min(seconds) for seconds in blocks), default=None),
        failures=results.failures,
        figure=TITLE,
        counting=counting(),
        deviations=shared_deviations(request.deviations),
    )


def learning_of(runs: Runs | None, learning_rate: float) -> Learning:
    """How a network has learned.

    Args:
        runs: Its seeds; None where none ran.
        learning_rate: Of its recipe.
    """
    ran = list(runs.ran.values()) if runs else []
    reached = [learned_after(cell.test_curve) for cell in ran]
    return Learning(
        seeds=len(ran),
        learned=sum(samples is not None for samples in reached),
        samples=median(math.inf if n is None else n for n in reached) if reached else None,
        accuracy=runs.summary if runs else None,
        learning_rate=learning_rate,
    )


def quantities(results: Results, samples: dict[str, float | None]) -> dict[str, Quantity]:
    """What both networks are made of and take, by name.

    Args:
        results: Both networks, counted and measured.
        samples: By network, training samples until it has learned.
    """
    bp, cnn = (_measured(model, results, samples[model]) for model in results.request.ran)
    return {name: Quantity(bp=bp[name], cnn=cnn[name]) for name in bp}


def _measured(model: str, results: Results, samples: float | None) -> dict[str, float | None]:
    sources = (
        (results.counts.get(model), ("module_parameters", "weight_bytes", "macs")),
        (
            results.speeds.get((model, _DEVICE), NO_SPEED),
            ("peak_memory_bytes", "train_samples_per_second", "inference_samples_per_second"),
        ),
    )
    found = {name: getattr(source, name, None) for source, names in sources for name in names}
    speed = found["train_samples_per_second"]
    learned = samples if samples is not None and math.isfinite(samples) else None
    seconds = learned / speed if learned and speed else None
    return {**found, "samples": learned, "seconds": seconds}


def time_ratio(found: dict[str, Quantity], phase: str) -> float | None:
    """How many times as long the BP network takes for a sample of a phase."""
    ratio = found[f"{phase}_samples_per_second"].ratio
    return 1 / ratio if ratio else None


def bars(found: dict[str, Quantity]) -> dict[str, float]:
    """The ratios BP over CNN that the figure shows, by what they are of; those that are known."""
    ratios = {
        "parameters": found["module_parameters"].ratio,
        "peak memory of a training step": found["peak_memory_bytes"].ratio,
        "multiply-accumulates": found["macs"].ratio,
        "time per training sample": time_ratio(found, "train"),
        "time per sample, inference": time_ratio(found, "inference"),
        "samples until it has learned": found["samples"].ratio,
        "training time until then": found["seconds"].ratio,
    }
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}
