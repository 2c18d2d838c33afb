"""Several seeds trained at once: the same weights, orders and gradients as one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import zoo
from bench.cells import data, splits
from bench.cells.batched import Together, train_together
from bench.cells.common_recipe import common_recipe
from bench.cells.determinism import deterministic
from bench.cells.fitting import task_of, why_not
from bench.cells.losses import LOSSES
from bench.cells.plan import Request, plan
from bench.cells.train import Training, draw_order, train
from bench.compare import main
from bench.records.errors import RequestError
from bench.verify.__main__ import main as verify
from zoo import ModelSpec, Recipe
from zoo.ablations import without

SEEDS = (1, 5, 2)
# Dropout draws for all seeds at once, so that a network is compared without it.
NETWORKS = [
    without(spec, "d2", "d3", called="net-without-dropout") if spec.name == "net" else spec
    for spec in map(zoo.get, zoo.names())
    if why_not(spec, "digits", task_of("digits")) is None and "heavy" not in spec.tags
]


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits", data_root=Path("nowhere"), seed=0)


def short(spec: ModelSpec) -> Recipe:
    return replace(common_recipe(spec), epochs=1)


def few(digits: data.Dataset, spec: ModelSpec) -> splits.Split:
    fewer = replace(digits, train=digits.train[:80], test=digits.test[:40])
    return splits.view(fewer, spec, short(spec))


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.name)
def test_first_weights_orders_and_gradients_are_those_of_each_seed_alone(
    spec: ModelSpec, digits: data.Dataset
) -> None:
    recipe, split = short(spec), few(digits, spec)
    size = recipe.train_batch or 0
    with deterministic():
        together = Together(spec, recipe, split, seeds=SEEDS, device="cpu")
        alone = [Training(spec, recipe, split, seed=seed, device="cpu") for seed in SEEDS]
        samples = len(together.parts["train"][0])
        for parameter, stacked in together.parameters.items():
            for index, training in enumerate(alone):
                own = dict(training.network.named_parameters())[parameter]
                assert torch.equal(own, stacked[index])
        orders = [draw_order(samples, order) for order in together.orders]
        assert [order.tolist() for order in orders] == [
            draw_order(samples, training.order).tolist() for training in alone
        ]
        inputs, labels = together.parts["train"]
        chosen = torch.stack([order[:size] for order in orders])
        batch = together.batches(inputs[chosen.flatten()])
        stacked_batch = batch.reshape(*chosen.shape, *batch.shape[1:])
        together.network.train()
        losses = together.losses(stacked_batch, labels[chosen])
        losses.sum().backward()  # type: ignore[no-untyped-call]
        for index, training in enumerate(alone):
            training.network.train()
            outputs = training.network(stacked_batch[index])
            loss = LOSSES[recipe.loss](outputs, labels[chosen[index]])
            loss.backward()  # type: ignore[no-untyped-call]
            torch.testing.assert_close(losses[index], loss)
            for name, weights in training.network.named_parameters():
                gradient = together.parameters[name].grad
                assert gradient is not None
                torch.testing.assert_close(gradient[index], weights.grad, rtol=1e-4, atol=1e-5)


def test_together_ends_in_the_same_bits_each_time_and_alone_within_rounding(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("dnn")
    recipe, split = short(spec), few(digits, spec)
    first, again = (
        train_together(spec, recipe, split, seeds=SEEDS, device="cpu") for _ in range(2)
    )
    assert [t.weights_sha256 for t in first] == [t.weights_sha256 for t in again]
    assert len({t.weights_sha256 for t in first}) == len(SEEDS)
    for seed, trained in zip(SEEDS, first, strict=True):
        alone = train(spec, recipe, split, seed=seed, device="cpu")
        assert list(trained.weights) == list(alone.weights)
        for name, weights in alone.weights.items():
            torch.testing.assert_close(trained.weights[name], weights, rtol=1e-3, atol=1e-4)
        assert [point.examples_seen for point in trained.training_curve] == [
            point.examples_seen for point in alone.training_curve
        ]
        assert trained.updates == alone.updates


def test_dropout_draws_another_mask_for_each_seed(digits: data.Dataset) -> None:
    spec = zoo.get("net")
    with deterministic():
        together = Together(spec, short(spec), few(digits, spec), seeds=(1, 1), device="cpu")
        together.network.train()
        picture = together.parts["train"][0][:8]
        both = together.losses(
            torch.stack([picture, picture]), together.parts["train"][1][:8].expand(2, -1)
        )
    assert both[0] != both[1]


def test_a_batched_comparison_is_reported_and_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--models", "dnn", "--seeds", "2", "--epochs", "1", "--engine", "batched"]
    arguments += ["--rounds", "0"]
    place = ["--reports", str(tmp_path)]
    assert main([*arguments, *place, "--devices", "cpu", "--name", "both"]) == 0
    report = (tmp_path / "both" / "report.md").read_text()
    assert "--engine batched" in report
    assert "All seeds of a network were trained at once, with stacked weights." in report
    capsys.readouterr()
    assert verify(["both", *place, "--cells", "1"]) == 0
    out = capsys.readouterr().out
    assert "1 of 2 cells trained" in out
    assert "no difference found" in out


@pytest.mark.parametrize(
    ("models", "dataset", "message"),
    [("dnn-sums", "sums", "'sums' is drawn anew"), ("bp-100", "digits", "too many for 'bp-100'")],
)
def test_what_cannot_be_batched_is_refused(models: str, dataset: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(Request(models=(models,), dataset=dataset, engine="batched"))
