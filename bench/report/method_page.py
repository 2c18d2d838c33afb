"""The page on the method that all reports link; `python -m bench.report.method_page` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cells import fast_recipe
from bench.cells.common_recipe import (
    COMMON,
    SEEDS,
    Candidate,
    best_for,
    common_recipe,
    read_outcome,
    winner,
)
from bench.cells.reference import TOLERANCE
from bench.report.reliability import ReliabilityView, reliability_view
from bench.statistics.error_rates import (
    FoldErrors,
    RoundingSpread,
    read_fold_errors,
    read_rounding_spread,
)
from bench.statistics.margin import MARGIN
from bench.statistics.speed import MARGINS, SpeedMargins
from bench.timing.protocol import PROCESSES, THROUGHPUT_BATCH
from bench.writing.templates import render
from zoo import get

PAGE = Path(__file__).parents[2] / "docs" / "method.md"
_TEST_SETS = (360, 10_000)  # of the digits and of MNIST


@dataclass(frozen=True, kw_only=True)
class CommonRecipe:
    """The recipe that all networks share on a data set, and those that it was chosen from.

    Attributes:
        dataset: The data set.
        words: What it is, without the loss.
        candidates: What was tried.
        chosen: The one with the best mean accuracy on validation samples.
        best: By network, the candidate of the same schedule under which it does best.
        seeds: How many seeds each was tried with.
    """

    dataset: str
    words: str
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    best: dict[str, Candidate]
    seeds: int


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
    seeds: int = len(fast_recipe.SEEDS)


@dataclass(frozen=True, kw_only=True)
class MethodPageView:
    """What the page shows.

    Attributes:
        common: The common recipe of each data set.
        fast: The fast recipe.
        margin: The smallest difference of accuracies that matters, unless a run declares another.
        speed_margins: How large a difference of speeds has to be.
        processes: How many fresh processes measure speed.
        batch: Samples in a step of training and of inference.
        tolerance: The largest entry of the gradient at which the regression's fit ends.
        accuracy: How often verdicts of accuracy err, for each of two sizes of test sets.
        speed: How often verdicts of speed err.
        rounding: What rounding alone does to networks, beside what seeds do.
        folds: One split against five folds, where pictures are few.
    """

    common: tuple[CommonRecipe, ...]
    fast: FastRecipe
    margin: float
    speed_margins: SpeedMargins
    processes: int
    batch: int
    tolerance: float
    accuracy: tuple[ReliabilityView, ...]
    speed: ReliabilityView
    rounding: tuple[RoundingSpread, ...]
    folds: tuple[FoldErrors, ...]


def method_page() -> str:
    """The page's markdown."""
    fast = fast_recipe.read_outcome()
    accuracy = tuple(reliability_view(size) for size in _TEST_SETS)
    lenet = get("lenet")
    view = MethodPageView(
        common=tuple(map(_common, COMMON)),
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
        folds=tuple(read_fold_errors()),
    )
    return render(Path(__file__).parent, "method-page", view) + "\n"


def _common(dataset: str) -> CommonRecipe:
    candidates = read_outcome(dataset)
    chosen = winner(candidates)
    return CommonRecipe(
        dataset=dataset,
        words=str(common_recipe(get("lenet"), dataset)).rpartition(",")[0],
        candidates=candidates,
        chosen=chosen,
        best={
            model: best_for(candidates, model, chosen.settings.schedule)
            for model in chosen.accuracies
        },
        seeds=len(SEEDS[dataset]),
    )


if __name__ == "__main__":
    PAGE.write_text(method_page())
