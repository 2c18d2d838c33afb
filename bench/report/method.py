"""How a run was made: command, data, recipes, deviations, failures, environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import zoo
from bench.records.environment import Environment
from bench.records.kinds import Request, Train
from bench.results.runs import Results
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class DocumentRecipe:
    """How a document trains its network, in words."""

    model: str
    document: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """What networks do other than their documents, and why."""

    models: tuple[str, ...]
    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TrainedOn:
    """A machine, what was trained there, and how long that took.

    Attributes:
        host: Its name; None where it is not known.
        environment: The first of its workers'.
        runs: How many of the run's trainings.
        median_seconds: Of one of them.
    """

    host: str | None
    environment: Environment
    runs: int
    median_seconds: float


@dataclass(frozen=True, kw_only=True)
class MethodView:
    """What the chapter on making a run again shows.

    Attributes:
        command: The command that makes the run.
        seconds: What all training runs took together.
        jobs: Runs trained side by side at most.
        dataset: Name of the data.
        sizes: Samples for training, validation and testing.
        trained_on: How many samples networks were trained on; several where recipes differ.
        holds_out: Whether validation samples were kept from training.
        digest: Of the data, as long as a reader compares.
        drawn_per_seed: Whether every seed has data of its own.
        recipe_words: The recipe that all networks share; None where each has its document's.
        recipe: Its name.
        is_chosen: Whether it was chosen on validation samples.
        settings: By field, what the user says of the recipe, as in a file.
        seeds: All of them, in words.
        trained_together: Whether a network's seeds were trained at once, their weights stacked.
        document_recipes: One for each network where documents' recipes were used, else none.
        margin: The smallest difference of accuracies that matters.
        left_out: Why networks were left out.
        deviations: From the documents; none where no document's recipe was used.
        lost: The runs whose process ended before it had answered, and which were trained again.
        failures: What failed, a line each.
        undrawn: By the name of a figure that could not be drawn, why.
        environment: What the run was made with.
        machines: Where its runs were trained, if not all on the run's own machine.
        link: Where the page on the method lies; None where it is not there.
    """

    command: str
    seconds: float
    jobs: int
    dataset: str
    sizes: tuple[int, int, int]
    trained_on: tuple[int, ...]
    holds_out: bool
    digest: str
    drawn_per_seed: bool
    recipe_words: str | None
    recipe: str
    is_chosen: bool
    settings: dict[str, str]
    seeds: str
    trained_together: bool
    document_recipes: tuple[DocumentRecipe, ...]
    margin: float
    left_out: tuple[str, ...]
    deviations: tuple[Deviation, ...]
    lost: tuple[str, ...]
    failures: tuple[str, ...]
    undrawn: Mapping[str, str]
    environment: Environment
    machines: tuple[TrainedOn, ...]
    link: str | None


def method(results: Results, undrawn: Mapping[str, str], link: str | None = None) -> str:
    """Everything that another needs to make the same report.

    Args:
        results: What was measured.
        undrawn: By the name of a figure that could not be drawn, why.
        link: Where the page on the method lies, from the report.
    """
    return render(Path(__file__).parent, "method", method_view(results, undrawn, link))


def method_view(
    results: Results, undrawn: Mapping[str, str], link: str | None = None
) -> MethodView:
    """How the run was made, from its request and its cells."""
    request = results.request
    documents = request.recipe.partition(" with ")[0] == "document"
    cells = [cell for runs in results.runs for cell in runs.ran.values()]
    return MethodView(
        command=request.command,
        seconds=sum(cell.train_seconds or 0 for cell in cells),
        jobs=max((cell.jobs for cell in cells), default=1),
        dataset=request.dataset,
        sizes=request.dataset_sizes,
        trained_on=tuple(dict.fromkeys(cell.train_samples for cell in cells)),
        holds_out=any(recipe.holds_out_validation for recipe in request.recipes.values()),
        digest=request.dataset_sha256[:16],
        drawn_per_seed=request.dataset == "sums",
        recipe_words=None if documents else shared_words(request),
        recipe=request.recipe,
        is_chosen=not request.settings,
        settings={name: json.dumps(value) for name, value in request.settings.items()},
        seeds=_seeds_in_words(request.seeds),
        trained_together=any(cell.together for cell in cells),
        document_recipes=_document_recipes(request) if documents else (),
        margin=request.margin,
        left_out=tuple(item.reason for item in request.left_out),
        deviations=shared_deviations(request.deviations) if documents else (),
        lost=tuple(f"`{c.model}` seed {c.seed} on {c.device}" for c in cells if c.lost_workers),
        failures=results.failures,
        undrawn=undrawn,
        environment=request.environment,
        machines=_machines(cells, request.environment),
        link=link,
    )


def _machines(cells: Sequence[Train], own: Environment) -> tuple[TrainedOn, ...]:
    """Where cells were trained, by machine; nothing where all were on the run's own."""
    there: dict[tuple[str | None, str, int], list[Train]] = {}
    for cell in cells:
        environment = cell.worker.environment if cell.worker else own
        host = cell.worker.host if cell.worker else "the run's own machine"
        there.setdefault((host, environment.processor, environment.cores), []).append(cell)
    if all(cell.worker is None for cell in cells):
        return ()
    return tuple(
        TrainedOn(
            host=host,
            environment=trained[0].worker.environment if trained[0].worker else own,
            runs=len(trained),
            median_seconds=median(cell.train_seconds or 0.0 for cell in trained),
        )
        for (host, _, _), trained in there.items()
    )


def _seeds_in_words(seeds: Sequence[int]) -> str:
    """`1 to 20`, or all of them."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _document_recipes(request: Request) -> tuple[DocumentRecipe, ...]:
    return tuple(
        DocumentRecipe(
            model=model,
            document=request.documents[model],
            words=str(request.recipes[model]),
        )
        for model in request.ran
    )


def shared_words(request: Request) -> str:
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
