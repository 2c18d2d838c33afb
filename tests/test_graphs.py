"""A training step as a CUDA graph: used where it does the same; its trial leaves no trace."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

import zoo
from bench.cells import data, graphs, splits, train
from bench.cells.common_recipe import common_recipe
from bench.cells.determinism import deterministic
from bench.cells.graphs import Step, graphed
from bench.cells.losses import LOSSES

Capture = Callable[[Step, Tensor, Tensor], Step]


def itself(step: Step, _batch: Tensor, _labels: Tensor) -> Step:
    return step


def after_steps(name: str, capture: Capture | None, *, at: int) -> list[Tensor]:
    """Weights and the next random number after 4 steps; a graph is tried before one of them."""
    spec = zoo.get(name)
    network = train.first_network(spec, spec.recipe, seed=1)
    optimiser = train.make_optimiser(network.parameters(), spec.recipe.optimiser)
    step: Step = partial(train.training_step, network, optimiser, LOSSES[spec.recipe.loss])
    batch, labels = torch.rand(8, *spec.input_shape), torch.arange(8)
    for number in range(4):
        if capture is not None and number == at:
            step = graphed(step, network, optimiser, batch, labels, capture=capture)
        step(batch, labels)
    return [*network.state_dict().values(), torch.rand(1)]


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("name", ["net", "lenet", "dnn"])
def test_the_trial_leaves_weights_momentum_and_random_numbers_as_they_were(
    name: str, at: int
) -> None:
    with deterministic(), warnings.catch_warnings():
        warnings.simplefilter("error")
        plain, tried = (after_steps(name, capture, at=at) for capture in (None, itself))
    assert all(torch.equal(*pair) for pair in zip(plain, tried, strict=True))


def test_a_graph_that_computes_something_else_is_not_used() -> None:
    def other(step: Step, _batch: Tensor, _labels: Tensor) -> Step:
        return lambda batch, labels: step(batch * 0.5, labels)

    with deterministic():
        plain = after_steps("net", None, at=0)
        with pytest.warns(UserWarning, match="without a CUDA graph: its results differ in bits"):
            tried = after_steps("net", other, at=0)
    assert all(torch.equal(*pair) for pair in zip(plain, tried, strict=True))


def test_a_step_that_cannot_be_captured_is_taken_as_it_is() -> None:
    def refuse(_step: Step, _batch: Tensor, _labels: Tensor) -> Step:
        raise RuntimeError("operation not permitted when stream is capturing\nmore lines")

    with deterministic():
        plain = after_steps("net", None, at=0)
        with pytest.warns(UserWarning, match=r"graph: operation not permitted .* capturing$"):
            tried = after_steps("net", refuse, at=0)
    assert all(torch.equal(*pair) for pair in zip(plain, tried, strict=True))


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["lenet", "net", "cnn", "dnn"])
def test_a_graph_trains_to_the_same_bits_as_single_kernels(
    name: str, digits: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = zoo.get(name)
    recipe = replace(common_recipe(spec), epochs=3)
    split = splits.view(digits, spec, recipe)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_graph = train.train(spec, recipe, split, seed=1, device="cuda")
    monkeypatch.setattr(train, "graphed", lambda step, *_: step)
    single = train.train(spec, recipe, split, seed=1, device="cuda")
    assert in_graph.weights_sha256 == single.weights_sha256


@pytest.mark.cuda
def test_no_step_of_an_epoch_waits_for_the_gpu(
    digits: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = zoo.get("lenet")
    recipe = replace(common_recipe(spec), epochs=1)
    with deterministic():
        split = splits.view(digits, spec, recipe)
        training = train.Training(spec, recipe, split, seed=1, device="cuda")
        step = training.make_step()

        def watched(batch: Tensor, labels: Tensor) -> Tensor:
            torch.cuda.set_sync_debug_mode("error")
            try:
                return step(batch, labels)
            finally:
                torch.cuda.set_sync_debug_mode("default")

        monkeypatch.setattr(training, "step", watched)
        training.run(1)
    assert training.updates > 0


def test_a_captured_step_is_kept_for_batches_of_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def step(batch: Tensor, _labels: Tensor) -> Tensor:
        taken.append(len(batch))
        return batch.sum()

    class Graph:
        def replay(self) -> None:
            taken.append(-1)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda _: warnings.catch_warnings())
    captured = graphs.GraphedStep(step, torch.ones(4), torch.ones(4))
    captured(torch.zeros(4), torch.zeros(4))
    captured(torch.zeros(3), torch.zeros(3))
    assert taken == [4, -1, 3]
    assert captured.batch.sum() == 0  # the graph reads where its own batch lies
