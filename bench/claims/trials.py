"""What the claims need trained: each document's own recipe, and the same with one thing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import zoo
from bench.cells.plan import Cell
from zoo import ModelSpec, Recipe
from zoo.ablations import without
from zoo.spec import Optimiser

DEVICE = "cpu"
SEEDS = tuple(range(1, 11))  # a prediction interval for one more run asks for ten at least
FEW_SEEDS = SEEDS[:5]  # of what takes long
WHOLE_TEST_SET = 10_000  # more per class than there are: all of them


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A network trained under one recipe on several seeds.

    Attributes:
        name: What claims and records know it by; a document's own recipe has its model's name.
        spec: The network.
        recipe: How it is trained.
        seeds: On which seeds.
        permuted: Whether all pictures have their pixels in one other, fixed order.
    """

    name: str
    spec: ModelSpec
    recipe: Recipe
    seeds: tuple[int, ...] = SEEDS
    permuted: bool = False

    @property
    def dataset(self) -> str:
        """What it is trained on; MNIST where a document's own pictures are missing."""
        return "mnist" if self.recipe.dataset == "pictures" else self.recipe.dataset

    def cell(self, seed: int) -> Cell:
        """What is trained for one seed."""
        return Cell(
            spec=replace(self.spec, name=self.name),
            recipe=self.recipe,
            dataset=self.dataset,
            recipe_name="document",
            seed=seed,
            device=DEVICE,
            permuted=self.permuted,
        )


def as_documented(spec: ModelSpec, seeds: tuple[int, ...] = SEEDS) -> Trial:
    """A network as its document trains it."""
    return Trial(name=spec.name, spec=spec, recipe=spec.recipe, seeds=seeds)


def trials() -> dict[str, Trial]:
    """All trials that the project's own claims may ask for, by name."""
    cnn, net, lenet = zoo.get("cnn"), zoo.get("net"), zoo.get("lenet")
    return {
        trial.name: trial
        for trial in (
            *map(as_documented, (zoo.get("dnn-sums"), zoo.get("dnn"), cnn)),
            as_documented(net, FEW_SEEDS),
            _sums_that_learns(),
            *(_permuted(zoo.get("dnn")), _permuted(cnn)),
            Trial(
                name="cnn-slower",
                spec=cnn,
                recipe=_with(cnn.recipe, Optimiser(name="sgd", learning_rate=0.1)),
                seeds=FEW_SEEDS,
            ),
            _ablated(net, "net-without-dropout", "d2", "d3"),
            Trial(
                name="net-without-momentum",
                spec=net,
                recipe=replace(
                    _with(net.recipe, replace(net.recipe.optimiser, momentum=0.0)), epochs=1
                ),
                seeds=FEW_SEEDS,
            ),
            as_documented(lenet, FEW_SEEDS),
            _ablated(lenet, "lenet-without-activations", "a1", "a3", "a5"),
            *_double_softmax(),
            *_linear_head(),
        )
    }


def _with(recipe: Recipe, optimiser: Optimiser) -> Recipe:
    return replace(recipe, optimiser=optimiser)


def _sums_that_learns() -> Trial:
    """`dnn-sums` under a recipe that uses all three classes: smaller batches, Adam, a fitting loss.

    Squared error, even under Adam, leaves some seeds answering one class only.
    """
    spec = zoo.get("dnn-sums")
    recipe = replace(
        spec.recipe,
        train_batch=64,
        shuffle=True,
        loss="cross-entropy",
        optimiser=Optimiser(name="adam", learning_rate=0.01),
        epochs=30,
    )
    return Trial(name="dnn-sums-that-learns", spec=spec, recipe=recipe)


def _permuted(spec: ModelSpec) -> Trial:
    return Trial(name=f"{spec.name}-permuted", spec=spec, recipe=spec.recipe, permuted=True)


def _ablated(spec: ModelSpec, name: str, *layers: str) -> Trial:
    return Trial(
        name=name, spec=without(spec, *layers, called=name), recipe=spec.recipe, seeds=FEW_SEEDS
    )


def _double_softmax() -> Iterable[Trial]:
    """`lenet-rgb` with and without its softmax, at the document's learning rate and a tenth of it.

    All are tested on all test pictures. At the document's own rate neither learns.
    """
    spec = zoo.get("lenet-rgb")
    once = without(spec, "softmax", called="lenet-rgb-one-softmax", output="logits")
    assert spec.recipe.samples_per_class is not None
    train_per_class, _ = spec.recipe.samples_per_class
    recipe = replace(spec.recipe, samples_per_class=(train_per_class, WHOLE_TEST_SET))
    slower = _with(recipe, replace(recipe.optimiser, learning_rate=0.005))
    for name, network in (("lenet-rgb-two-softmaxes", spec), (once.name, once)):
        yield Trial(name=name, spec=network, recipe=recipe)
        yield Trial(name=f"{name}-slower", spec=network, recipe=slower)


def _linear_head() -> Iterable[Trial]:
    """`lenet-sigmoid` with and without activations after C5 and F6, average and max pooling."""
    spec = zoo.get("lenet-sigmoid")
    yield as_documented(spec, FEW_SEEDS)
    yield as_documented(zoo.get("lenet-sigmoid-max"), FEW_SEEDS)
    for pooling in ("avg", "max"):
        name = f"lenet-sigmoid-all-{pooling}"
        active = replace(zoo.get(f"lenet5-sigmoid-{pooling}"), name=name, aliases=())
        yield Trial(name=name, spec=active, recipe=spec.recipe, seeds=FEW_SEEDS)
