"""What will run, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import zoo
from bench.cells.catalogue import DRAWN_PER_SEED
from bench.cells.common_recipe import common_recipe
from bench.cells.fast_recipe import fast_recipe
from bench.cells.fitting import (
    Task,
    fitted,
    require_known,
    task_of,
    trains_on_all,
    why_not,
)
from bench.cells.own_recipe import OwnRecipe, called, changed, from_file, is_file, read_recipe
from bench.records.errors import RequestError, require_one
from bench.records.kinds import LeftOut
from bench.records.owner import validate_folder
from bench.records.store import digest
from bench.records.text import one_line
from bench.statistics.margin import MARGIN
from zoo import ModelSpec, Recipe

RECIPES = ("common", "document", "fast")
DEVICES = ("cpu", "cuda")
ENGINES = ("sequential", "batched")
MOST_SEEDS = 10_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks for; checked and completed by `plan`.

    Attributes:
        models: Names, aliases, globs or `all`.
        dataset: One of `fitting.VALID`.
        recipe: `common`, `document` or `fast`; or a file that ends in `.toml`.
        settings: Fields set over the recipe, as `optimiser.learning_rate=0.01`.
        seeds: The seeds that every model runs on; where there are looks, at most.
        looks: After how many seeds the verdicts are looked at, so that what is settled stops; empty
            for a fixed number of seeds.
        devices: Where to run: `cpu`, `cuda`.
        epochs: Epochs instead of the recipe's, or None.
        jobs: CPU cells trained side by side.
        baseline: The model that the others are compared with; None takes the first.
        name: Name of the report; None makes it `local-DATASET-RECIPE`.
        reports: The folder that reports are written to.
        data_root: The folder above `MNIST/raw`.
        fresh: Sets an earlier run's records aside instead of building on them.
        engine: `sequential` trains each cell by itself; `batched` the seeds of a network at once.
        margin: The smallest difference of accuracies that matters, a fraction.
        command: The command line that makes it, where that is not one of `bench.compare`.
        zoo: The file or module that the user's own networks were added from; None without one.
        cell_timeout: Seconds after which a cell is ended; None lets it take as long as it takes.
        cluster: Address of the scheduler whose workers train; None trains on this machine.
        rounds: How often each speed is measured in every process; 0 measures none, and None takes
            `bench.timing.protocol.ROUNDS`. Heavy networks have a number of their own, unless it
            is 0.
    """

    models: tuple[str, ...]
    dataset: str = "digits"
    recipe: str = "common"
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    looks: tuple[int, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    epochs: int | None = None
    jobs: int = 1
    baseline: str | None = None
    name: str | None = None
    reports: Path = Path("reports")
    data_root: Path = Path("data")
    fresh: bool = False
    engine: str = "sequential"
    margin: float = MARGIN
    command: str | None = None
    zoo: str | None = None
    cell_timeout: float | None = None
    cluster: str | None = None
    rounds: int | None = None

    @property
    def report_name(self) -> str:
        """The report's name, given or made."""
        if self.name is not None:
            return self.name
        return default_name(self.dataset, called(self.recipe, self.settings))

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        return self.reports / self.report_name


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training run: a network on a data set, under a recipe, a seed and a device.

    Attributes:
        spec: The network, which need not be registered.
        recipe: How it is trained, every value filled in.
        dataset: What it is trained on, by name.
        recipe_name: Where the recipe comes from.
        seed: What initialisation, order and dropout are drawn from.
        device: Where it is trained.
        epochs: Epochs that the request asked for instead of the recipe's, or None.
        permuted: Whether all pictures have their pixels in one other, fixed order.
        together: The seeds that are trained at once, this one included, with stacked weights; None
            where it is trained by itself.
    """

    spec: ModelSpec
    recipe: Recipe
    dataset: str
    recipe_name: str
    seed: int
    device: str
    epochs: int | None = None
    permuted: bool = False
    together: tuple[int, ...] | None = None

    @property
    def model(self) -> str:
        """The network's name."""
        return self.spec.name

    @property
    def is_heavy(self) -> bool:
        """Whether nothing else fits beside it: it is trained and measured alone."""
        return "heavy" in self.spec.tags

    @property
    def identity(self) -> dict[str, object]:
        """What tells it from other cells, in words and numbers."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "recipe": self.recipe_name,
            "seed": self.seed,
            "device": self.device,
            "epochs": self.epochs,
            **({} if self.together is None else {"together": self.together}),
        }

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed} {self.device}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a request, seed by seed, what it leaves out, its baseline and its recipe."""

    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]
    baseline: str
    recipe: OwnRecipe

    @property
    def first_cells(self) -> dict[str, Cell]:
        """By model, in the order asked for, its first cell: spec and recipe are those of all."""
        first: dict[str, Cell] = {}
        for cell in self.cells:
            first.setdefault(cell.model, cell)
        return first

    @property
    def models(self) -> tuple[str, ...]:
        """The models that run, each once, in the order asked for."""
        return tuple(self.first_cells)


def plan(request: Request) -> Plan:
    """The cells that a request comes to.

    Raises:
        RequestError: Something in it is unknown, empty, doubled or out of range, or a model that
            is named outright cannot take the data set.
    """
    _validate(request)
    own = read_recipe(request.recipe, request.settings)
    specs, left_out = _models(request)
    _require_batchable(request, specs)
    recipes = {
        spec.name: resolve(spec, request.recipe, request.dataset, request.epochs, own)
        for spec in specs
    }
    cells = tuple(
        Cell(
            spec=spec,
            recipe=recipes[spec.name],
            dataset=request.dataset,
            recipe_name=own.name,
            seed=seed,
            device=device,
            epochs=request.epochs,
            together=_together(request, seed),
        )
        for device in request.devices
        for seed in request.seeds
        for spec in specs
    )
    baseline = _baseline(request, tuple(recipes))
    return Plan(cells=cells, left_out=left_out, baseline=baseline, recipe=own)


def _together(request: Request, seed: int) -> tuple[int, ...] | None:
    """The seeds that are trained at once with a seed; None where each is trained by itself."""
    if request.engine != "batched":
        return None
    for before, look in pairwise((0, *request.looks)):
        if before < seed <= look:
            return tuple(range(before + 1, look + 1))
    return request.seeds


def _require_batchable(request: Request, specs: Sequence[ModelSpec]) -> None:
    """Checks that the seeds of every network can be trained at once, if that is asked for."""
    if request.engine != "batched":
        return
    if request.dataset in DRAWN_PER_SEED:
        raise RequestError(
            f"--engine batched trains all seeds on the same samples, and '{request.dataset}' is "
            "drawn anew for each; leave --engine out"
        )
    heavy = next((spec.name for spec in specs if "heavy" in spec.tags), None)
    if heavy is not None:
        raise RequestError(
            f"--engine batched holds every seed's weights at once, too many for '{heavy}'; leave "
            "one of them out"
        )


def resolve(
    spec: ModelSpec, name: str, dataset: str, epochs: int | None, own: OwnRecipe | None = None
) -> Recipe:
    """The recipe that a network is trained with, every value filled in.

    Args:
        spec: The network.
        name: `common`, `document` or `fast`; or the file that `own` was read from.
        dataset: What it is trained on, by name; the common recipe depends on it.
        epochs: Instead of the recipe's, or None.
        own: What the user says of the recipe.
    """
    if own is not None and own.file is not None:
        recipe = from_file(spec, own.file)
    elif name == "document":
        recipe = spec.recipe
        if trains_on_all(recipe, dataset):
            recipe = replace(recipe, samples_per_class=None)
    else:
        recipe = fast_recipe(spec) if name == "fast" else common_recipe(spec, dataset)
    recipe = recipe if own is None else changed(spec, recipe, own.changes)
    return recipe if epochs is None else replace(recipe, epochs=epochs)


def default_name(dataset: str, recipe: str) -> str:
    """The name of a report that is given none; the user's own data and recipes are in it."""
    kind, _, place = dataset.partition(":")
    if kind in ("folder", "table"):
        kind = f"{kind}-{Path(place).stem}"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{kind}-{recipe.replace('.toml', '')}").strip("-")
    if len(plain) > 80:  # two that differ at their end only must not share a report
        plain = f"{plain[:60]}-{digest({'dataset': dataset, 'recipe': recipe})[:8]}"
    return f"local-{plain}"


def _validate(request: Request) -> None:
    require_known(request.dataset)
    if not is_file(request.recipe) and request.recipe not in RECIPES:
        raise RequestError(
            f"unknown recipe '{one_line(request.recipe)[:200]}'; choose from {', '.join(RECIPES)}, "
            "or name a file such as my_recipe.toml"
        )
    _choice("engine", request.engine, ENGINES)
    for device in request.devices:
        _choice("device", device, DEVICES)
    _distinct("seed", request.seeds)
    _distinct("device", request.devices)
    if any(seed < 0 or seed >= 2**32 for seed in request.seeds):
        raise RequestError(f"seeds {request.seeds} must lie between 0 and 2^32 - 1")
    require_one("--epochs", request.epochs)
    if request.epochs and any(
        text.partition("=")[0].strip() == "epochs" for text in request.settings
    ):
        raise RequestError(f"--epochs {request.epochs} and --set epochs both; leave one out")
    require_one("--jobs", request.jobs)
    if request.cell_timeout is not None and not 0 < request.cell_timeout < 1e9:
        raise RequestError(
            f"--cell-timeout {request.cell_timeout:g} is no number of seconds above 0"
        )
    if request.rounds is not None and request.rounds < 0:
        raise RequestError(f"--rounds {request.rounds} must be 0, which measures no speed, or more")
    validate_folder(request.report_name, request.reports)


def _distinct(what: str, values: Sequence[object]) -> None:
    if not values:
        raise RequestError(f"no {what}s; at least one is needed")
    if len(set(values)) < len(values):
        raise RequestError(f"a {what} stands twice in {','.join(map(str, values))}")


def _choice(what: str, value: str, valid: Sequence[str]) -> None:
    if value not in valid:
        raise RequestError(f"unknown {what} '{value}'; choose from {', '.join(valid)}")


def _models(request: Request) -> tuple[tuple[ModelSpec, ...], tuple[LeftOut, ...]]:
    patterns = request.models
    chosen: dict[str, ModelSpec] = {}
    left_out: dict[str, str] = {}
    task = task_of(request.dataset)
    if not patterns:
        raise RequestError("no models; name some, or 'all' (python -m zoo lists them)")
    for pattern in patterns:
        try:
            specs = zoo.select(pattern)
        except zoo.UnknownModelError as error:
            raise RequestError(str(error)) from error
        for spec in (fitted(spec, task) for spec in specs):
            reason = _group_reason(spec, request, task) if zoo.is_group(pattern) else None
            if reason is not None:
                left_out.setdefault(spec.name, reason)
            elif (obstacle := why_not(spec, request.dataset, task)) is not None:
                raise RequestError(f"{obstacle}; leave it out or choose another --dataset")
            elif (obstacle := _no_recipe(spec, request)) is not None:
                raise RequestError(f"{obstacle}; give it one, or leave --recipe document out")
            else:
                chosen[spec.name] = spec
    if not chosen:
        raise RequestError(
            f"no model of '{','.join(patterns)}' can run: "
            + "; ".join(dict.fromkeys(left_out.values()))
        )
    return tuple(chosen.values()), tuple(
        LeftOut(model=model, reason=reason)
        for model, reason in left_out.items()
        if model not in chosen
    )


def _baseline(request: Request, models: tuple[str, ...]) -> str:
    if request.baseline is None:
        return models[0]
    try:
        name = zoo.get(request.baseline).name
    except zoo.UnknownModelError as error:
        raise RequestError(str(error)) from error
    if name not in models:
        raise RequestError(
            f"--baseline '{request.baseline}' does not run; choose from {', '.join(models)}"
        )
    return name


def _no_recipe(spec: ModelSpec, request: Request) -> str | None:
    missing = request.recipe == "document" and not spec.has_recipe
    return f"'{spec.name}' has no recipe of its own" if missing else None


def _group_reason(spec: ModelSpec, request: Request, task: Task) -> str | None:
    obstacle = why_not(spec, request.dataset, task) or _no_recipe(spec, request)
    if obstacle is None and "heavy" in spec.tags:
        return f"'{spec.name}' is heavy and runs only when named outright"
    return obstacle
