"""The page on the method that all reports link; `python -m bench.report.method_page` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cells import fast_recipe
from bench.cells.common_recipe import SEEDS, Candidate, common_recipe, read_outcome
from bench.cells.reference import TOLERANCE
from bench.report.reliability import ReliabilityView, reliability_view
from bench.statistics.error_rates import RoundingSpread, read_rounding_spread
from bench.statistics.margin import MARGIN
from bench.statistics.speed import MARGINS, SpeedMargins
from bench.timing.protocol import PROCESSES, THROUGHPUT_BATCH
from bench.writing.templates import render
from zoo import get

PAGE = Path(__file__).parents[2] / "docs" / "method.md"
_TEST_SETS = (360, 10_000)  # of the digits and of MNIST


@dataclass(frozen=True, kw_only=True)
class CommonRecipe:
    """The recipe that all networks share, and those that it was chosen from.

    Attributes:
        words: What it is, without the loss.
        candidates: What was tried.
        chosen: The one with the best mean accuracy on validation samples.
        seeds: How many seeds each was tried with.
    """

    words: str
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    seeds: int = len(SEEDS)


@dataclass(frozen=True, kw_only=True)
class FastRecipe:
    """The recipe for little time, and those that it was chosen from.

    Attributes:
        words: What it is, without the loss.
        candidates: What was tried.
        chosen: The fastest whose mean validation accuracy reaches the target, if one does.
        model: The network that it was chosen for.
        target: A fraction right.
        seeds: How many seeds each was tried with.
    """

    words: str
    candidates: tuple[fast_recipe.Candidate, ...]
    chosen: fast_recipe.Candidate
    model: str = fast_recipe.MODEL
    target: float = fast_recipe.TARGET
    seeds: int = len(SEEDS)


@dataclass(frozen=True, kw_only=True)
class MethodPageView:
    """What the page shows.

    Attributes:
        common: The common recipe.
        fast: The fast recipe.
        margin: The smallest difference of accuracies that matters, unless a run declares another.
        speed_margins: How large a difference of speeds has to be.
        processes: How many fresh processes measure speed.
        batch: Samples in a step of training and of inference.
        tolerance: The largest entry of the gradient at which the regression's fit ends.
        accuracy: How often verdicts of accuracy err, for each of two sizes of test sets.
        speed: How often verdicts of speed err.
        rounding: What rounding alone does to networks, beside what seeds do.
    """

    common: CommonRecipe
    fast: FastRecipe
    margin: float
    speed_margins: SpeedMargins
    processes: int
    batch: int
    tolerance: float
    accuracy: tuple[ReliabilityView, ...]
    speed: ReliabilityView
    rounding: tuple[RoundingSpread, ...]


def method_page() -> str:
    """The page's markdown."""
    common, fast = tuple(read_outcome()), fast_recipe.read_outcome()
    accuracy = tuple(reliability_view(size) for size in _TEST_SETS)
    lenet = get("lenet")
    view = MethodPageView(
        common=CommonRecipe(
            words=str(common_recipe(lenet)).rpartition(",")[0],
            candidates=common,
            chosen=max(common, key=lambda candidate: candidate.mean),
        ),
        fast=FastRecipe(
            words=str(fast_recipe.fast_recipe(lenet)).rpartition(",")[0],
            candidates=fast,
            chosen=fast_recipe.winner(fast),
        ),
        margin=MARGIN,
        speed_margins=MARGINS,
        processes=PROCESSES,
        batch=THROUGHPUT_BATCH,
        tolerance=TOLERANCE,
        accuracy=accuracy,
        speed=accuracy[0],
        rounding=tuple(read_rounding_spread()),
    )
    return render(Path(__file__).parent, "method-page", view) + "\n"


if __name__ == "__main__":
    PAGE.write_text(method_page())
