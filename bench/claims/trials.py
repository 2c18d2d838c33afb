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
FEW_SEEDS = SEEDS[:5]  # of what takes long and whose effects are plain
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
            *map(as_documented, (zoo.get("dnn-sums"), zoo.get("dnn"), cnn, net, lenet)),
            _sums_that_learns(),
            *(_permuted(zoo.get("dnn")), _permuted(cnn)),
            *_slower_cnn(),
            _ablated(net, "net-without-dropout", "d2", "d3"),
            *_steps(net),
            _ablated(lenet, "lenet-without-activations", "a1", "a3", "a5"),
            *_double_softmax(),
            *_linear_head(),
        )
    }


def _slower_cnn() -> Iterable[Trial]:
    """`cnn` at 0.1 instead of 0.9, on pictures as they are and on permuted ones.

    `cnn` and `dnn` have different recipes. If permuting hurt `cnn` only because 0.9 is too high a
    rate for pictures without shape, it would not at 0.1.
    """
    cnn = zoo.get("cnn")
    slower = _with(cnn.recipe, Optimiser(name="sgd", learning_rate=0.1))
    yield Trial(name="cnn-slower", spec=cnn, recipe=slower)
    yield Trial(name="cnn-slower-permuted", spec=cnn, recipe=slower, permuted=True)


def _steps(net: ModelSpec) -> Iterable[Trial]:
    """One epoch of `net` with and without momentum, at equal rates and with equal steps.

    Momentum m makes steps 1/(1 - m) times as long (Sutskever et al. 2013, ICML, section 2), with
    0.9 ten times. The document's own arm, momentum 0.9 at rate 0.01, is `net` after its first
    epoch; momentum 0 at 0.01 has the same rate, momentum 0 at 0.1 the same steps, and momentum 0.9
    at 0.001 the steps of momentum 0 at 0.01.
    """
    for name, momentum, rate in (
        ("net-without-momentum", 0.0, 0.01),
        ("net-long-steps", 0.0, 0.1),
        ("net-short-steps", 0.9, 0.001),
    ):
        optimiser = replace(net.recipe.optimiser, momentum=momentum, learning_rate=rate)
        recipe = replace(_with(net.recipe, optimiser), epochs=1)
        yield Trial(name=name, spec=net, recipe=recipe)


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
    return Trial(name=name, spec=without(spec, *layers, called=name), recipe=spec.recipe)


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
