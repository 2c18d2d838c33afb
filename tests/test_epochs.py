"""Epochs: after which a network is tested, what a test gives, and what of it is kept."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import zoo
from bench.cells import data, splits
from bench.cells.common_recipe import common_recipe
from bench.cells.curves import Curves
from bench.cells.train import (
    Training,
    draw_order,
    is_tested,
    make_optimiser,
    order_of,
    outcome,
    place,
    train,
)
from bench.records import kinds
from tests.factories import RECIPE
from zoo.spec import ModelSpec, Optimiser, Recipe


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits", data_root=Path("nowhere"), seed=0)


def small(digits: data.Dataset, spec: ModelSpec, recipe: Recipe) -> splits.Split:
    """64 training samples, and all 360 test samples, which are more than one batch."""
    return splits.view(
        replace(digits, train=digits.train[:64], validation=digits.validation[:20]), spec, recipe
    )


@pytest.mark.parametrize(
    ("epochs", "tested"),
    [
        (5, [1, 2, 3, 4, 5]),
        (10, [*range(1, 11)]),
        (11, [2, 4, 6, 8, 10, 11]),  # ten points at most: every second one, and the last
        (30, [*range(3, 31, 3)]),
        (31, [*range(4, 31, 4), 31]),
    ],
)
def test_a_network_is_tested_about_ten_times_and_after_its_last_epoch(
    epochs: int, tested: list[int]
) -> None:
    recipe = replace(RECIPE, epochs=epochs)
    assert [epoch for epoch in range(1, epochs + 1) if is_tested(epoch, recipe)] == tested
    chosen = replace(recipe, selects_on_test=True)
    assert all(is_tested(epoch, chosen) for epoch in range(1, epochs + 1))


def test_a_run_leaves_a_point_for_every_test_and_one_where_it_stops(digits: data.Dataset) -> None:
    spec = zoo.get("dnn")
    recipe = replace(common_recipe(spec), epochs=11)
    training = Training(spec, recipe, small(digits, spec, recipe), seed=1, device="cpu")
    training.run(3)  # not due, but the last that was asked for
    training.run(11)
    assert [point.epoch for point in training.curves.test] == [0, 2, 3, 4, 6, 8, 10, 11]
    assert training.epoch == training.result().epochs == 11


def test_the_loss_of_a_test_is_the_mean_over_all_samples_and_draws_nothing(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("net")  # dropout, which a test leaves out
    recipe = replace(common_recipe(spec), epochs=1)
    split = small(digits, spec, recipe)
    training = Training(spec, recipe, split, seed=1, device="cpu")
    before = torch.get_rng_state()
    loss, answers = training.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before)
    inputs, labels = training.parts["test"]
    assert len(inputs) == 360
    [(pictures, right)] = training.batches.ahead(inputs, labels, torch.arange(360), 360)
    training.network.eval()
    with torch.inference_mode():
        outputs = training.network(pictures)  # log probabilities
        expected = functional.nll_loss(outputs.double(), right)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert answers.tolist() == outputs.argmax(dim=1).tolist()


def test_an_order_is_drawn_from_the_seeds_own_stream_or_is_that_of_the_file() -> None:
    assert draw_order(5, None).tolist() == [0, 1, 2, 3, 4]
    one, again, other = order_of(1), order_of(1), order_of(2)
    first = draw_order(50, one)
    assert sorted(first.tolist()) == [*range(50)]
    assert torch.equal(first, draw_order(50, again))
    assert not torch.equal(first, draw_order(50, one))  # the next epoch has another
    assert not torch.equal(first, draw_order(50, other))


def test_the_best_epoch_is_one_of_those_that_were_trained(digits: data.Dataset) -> None:
    spec = zoo.get("dnn")
    recipe = replace(common_recipe(spec), selects_on_test=True)
    curves = Curves(recipe, small(digits, spec, recipe), 64, 64)
    for epoch, accuracy in enumerate((0.9, 0.5, 0.4)):
        curves.test.append(
            kinds.TestPoint(
                epoch=epoch,
                examples_seen=64 * epoch,
                loss=1.0,
                accuracy=accuracy,
                validation_accuracy=None,
            )
        )
    asked: dict[str, Any] = {
        "epochs": 2,
        "updates": 2,
        "train_seconds": 1.0,
        "predictions": np.zeros(360, dtype=np.int64),
        "diverged_at": None,
        "weights": {"w": torch.zeros(2)},
    }
    found = outcome(curves, **asked)
    assert (found.test_accuracy_selected, found.test_accuracy) == (0.5, 0.4)
    curves.recipe = replace(recipe, selects_on_test=False)
    assert outcome(curves, **asked).test_accuracy_selected is None


def test_seconds_of_training_are_those_of_its_steps(digits: data.Dataset) -> None:
    spec = zoo.get("dnn")
    recipe = replace(common_recipe(spec), epochs=2)
    split = small(digits, spec, recipe)
    started = time.perf_counter()
    trained = train(spec, recipe, split, seed=1, device="cpu")
    assert 0 < trained.train_seconds < time.perf_counter() - started


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_an_optimiser_updates_all_parameters_in_one_call(name: Any) -> None:
    parameters = [torch.zeros(2, requires_grad=True), torch.zeros(3, requires_grad=True)]
    made = make_optimiser(parameters, Optimiser(name=name, learning_rate=0.25, momentum=0.5))
    assert made.defaults["fused"]
    assert made.defaults["lr"] == 0.25
    assert made.defaults.get("momentum", 0.5) == 0.5
    assert not made.defaults.get("capturable")
    assert made.param_groups[0]["params"] == parameters


def test_a_network_that_was_placed_has_its_channels_last() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Linear(2, 2))
    place(network, torch.device("cpu"))
    kernels = network[0].weight
    assert isinstance(kernels, torch.Tensor)
    assert kernels.is_contiguous(memory_format=torch.channels_last)
