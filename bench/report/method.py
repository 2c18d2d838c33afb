"""How a run was made: command, data, recipes, deviations, failures, environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import zoo
from bench.cells import fast_recipe
from bench.cells.common_recipe import SEEDS, Candidate, read_outcome
from bench.cells.reference import TOLERANCE
from bench.records.environment import Environment
from bench.records.kinds import Request
from bench.report.reliability import reliability
from bench.results.runs import Results
from bench.statistics.error_rates import RoundingSpread, read_rounding_spread
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class DocumentRecipe:
    """How a document trains its network, in words."""

    model: str
    document: str
    words: str


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
class Deviation:
    """What networks do other than their documents, and why."""

    models: tuple[str, ...]
    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MethodView:
    """What the section on how a run was made shows.

    Attributes:
        command: The command that makes the run.
        dataset: Name of the data.
        sizes: Samples for training, validation and testing.
        digest: Of the data, as long as a reader compares.
        drawn_per_seed: Whether every seed has data of its own.
        seeds: All of them.
        trained_together: Whether a network's seeds were trained at once, their weights stacked.
        document_recipes: One for each network where documents' recipes were used, else none.
        common: The common recipe where that was used.
        fast: The fast recipe where that was used.
        has_references: Whether predictors that are no networks were fitted.
        margin: The smallest difference of accuracies that matters.
        tolerance: The largest entry of the gradient at which the regression's fit ends.
        reliability: How often verdicts are wrong, a text of its own.
        deviations: From the documents; none where no document's recipe was used.
        failures: What failed, a line each.
        undrawn: By the name of a figure that could not be drawn, why.
        environment: What the run was made with.
        rounding: What rounding alone does to networks, beside what seeds do.
    """

    command: str
    dataset: str
    sizes: tuple[int, int, int]
    digest: str
    drawn_per_seed: bool
    seeds: tuple[int, ...]
    trained_together: bool
    document_recipes: tuple[DocumentRecipe, ...]
    common: CommonRecipe | None
    fast: FastRecipe | None
    has_references: bool
    margin: float
    tolerance: float
    reliability: str
    deviations: tuple[Deviation, ...]
    failures: tuple[str, ...]
    undrawn: Mapping[str, str]
    environment: Environment
    rounding: tuple[RoundingSpread, ...]


def method(results: Results, undrawn: Mapping[str, str]) -> str:
    """Everything that another needs to make the same report.

    Args:
        results: What was measured.
        undrawn: By the name of a figure that could not be drawn, why.
    """
    return render(Path(__file__).parent, "method", method_view(results, undrawn))


def method_view(results: Results, undrawn: Mapping[str, str]) -> MethodView:
    """How the run was made, from its request."""
    request = results.request
    train, validation, test = request.dataset_sizes
    documents = request.recipe == "document"
    return MethodView(
        command=request.command,
        dataset=request.dataset,
        sizes=(train, validation, test),
        digest=request.dataset_sha256[:16],
        drawn_per_seed=request.dataset == "sums",
        seeds=tuple(request.seeds),
        trained_together=any(cell.together for runs in results.runs for cell in runs.ran.values()),
        document_recipes=_document_recipes(request) if documents else (),
        common=_common_recipe(request) if request.recipe == "common" else None,
        fast=_fast_recipe(request) if request.recipe == "fast" else None,
        has_references=any(results.references.values()),
        margin=request.margin,
        tolerance=TOLERANCE,
        reliability=reliability(test),
        deviations=shared_deviations(request.deviations) if documents else (),
        failures=results.failures,
        undrawn=undrawn,
        environment=request.environment,
        rounding=tuple(read_rounding_spread()),
    )


def _document_recipes(request: Request) -> tuple[DocumentRecipe, ...]:
    return tuple(
        DocumentRecipe(
            model=model,
            document=request.documents[model],
            words=str(request.recipes[model]),
        )
        for model in request.ran
    )


def _common_recipe(request: Request) -> CommonRecipe:
    candidates = tuple(read_outcome())
    return CommonRecipe(
        words=_shared_words(request),
        candidates=candidates,
        chosen=max(candidates, key=lambda candidate: candidate.mean),
    )


def _fast_recipe(request: Request) -> FastRecipe:
    candidates = fast_recipe.read_outcome()
    return FastRecipe(
        words=_shared_words(request),
        candidates=candidates,
        chosen=fast_recipe.winner(candidates),
    )


def _shared_words(request: Request) -> str:
    """The recipe that all networks share: all but the loss."""
    return str(request.recipes[request.ran[0]]).rpartition(",")[0]


def shared_deviations(by_model: Mapping[str, Sequence[zoo.Deviation]]) -> tuple[Deviation, ...]:
    """Deviations with the networks that share them."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for model, deviations in by_model.items():
        for deviation in deviations:
            grouped.setdefault((deviation.what, deviation.reason), []).append(model)
    return tuple(
        Deviation(models=tuple(models), what=what, reason=reason)
        for (what, reason), models in grouped.items()
    )
