from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import zoo
from bench.cells import data, splits
from bench.cells.batches import Batches
from bench.cells.common_recipe import (
    common_recipe,
)
from bench.cells.determinism import Stream, deterministic, stream_seed
from bench.cells.losses import LOSSES
from bench.cells.train import (
    Training,
    first_not_finite,
    initialise,
    make_optimiser,
    train,
    training_step,
)
from bench.cells.weights import weights_sha256
from zoo.spec import (
    IMAGENET_STATISTICS,
    MNIST_STATISTICS,
    Augmentation,
    Loss,
    ModelSpec,
    Normalisation,
    Optimiser,
    Recipe,
)

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits", data_root=Path("nowhere"), seed=0)


def short(spec: ModelSpec, **changes: Any) -> Recipe:
    """The common recipe, one epoch unless said otherwise."""
    return replace(common_recipe(spec), **{"epochs": 1, **changes})


def few(digits: data.Dataset, spec: ModelSpec, recipe: Recipe) -> splits.Split:
    """The first 160 training and 40 test samples, as the entry sees them."""
    smaller = replace(
        digits, train=digits.train[:160], validation=digits.validation[:20], test=digits.test[:40]
    )
    return splits.view(smaller, spec, recipe)


class HandWrittenNetwork:
    """`dnn-sums` in float64 numpy: forward, backward and updates, written out."""

    def __init__(self, network: nn.Module) -> None:
        self.parameters: list[Floats] = [
            parameter.detach().double().numpy().copy() for parameter in network.parameters()
        ]
        self.moments: dict[str, list[Floats]] = {
            name: [np.zeros_like(parameter) for parameter in self.parameters]
            for name in ("velocity", "first", "second")
        }
        self.steps = 0

    def gradients(self, inputs: Floats, labels: NDArray[np.int64], loss: Loss) -> list[Floats]:
        activations = [inputs]
        weights, biases = self.parameters[0::2], self.parameters[1::2]
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            sums = activations[-1] @ weight.T + bias
            activations.append(sums if layer == len(weights) - 1 else np.maximum(sums, 0))
        outputs, one_hot = activations[-1], np.eye(3)[labels]
        if loss == "cross-entropy":
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            error = exponentials / exponentials.sum(axis=1, keepdims=True) - one_hot
            error /= len(inputs)
        else:
            error = 2 * (outputs - one_hot) / outputs.size
        found: list[Floats] = []
        for layer in reversed(range(len(weights))):
            found = [error.T @ activations[layer], error.sum(axis=0), *found]
            error = (error @ weights[layer]) * (activations[layer] > 0)
        return found

    def update(self, gradients: list[Floats], optimiser: Optimiser) -> None:
        self.steps += 1
        rate = optimiser.learning_rate
        for index, gradient in enumerate(gradients):
            if optimiser.name == "sgd":
                velocity = optimiser.momentum * self.moments["velocity"][index] + gradient
                self.moments["velocity"][index] = velocity
                self.parameters[index] -= rate * velocity
            else:  # Kingma and Ba 2015, algorithm 1, beta 0.9 and 0.999, epsilon 1e-8
                first = 0.9 * self.moments["first"][index] + 0.1 * gradient
                second = 0.999 * self.moments["second"][index] + 0.001 * gradient**2
                self.moments["first"][index], self.moments["second"][index] = first, second
                first = first / (1 - 0.9**self.steps)
                second = second / (1 - 0.999**self.steps)
                self.parameters[index] -= rate * first / (np.sqrt(second) + 1e-8)


@pytest.mark.parametrize("loss", ["cross-entropy", "mse-one-hot"])
@pytest.mark.parametrize(
    "optimiser",
    [
        Optimiser(name="sgd", learning_rate=0.1),
        Optimiser(name="sgd", learning_rate=0.1, momentum=0.9),
        Optimiser(name="adam", learning_rate=0.01),
    ],
    ids=str,
)
def test_updates_equal_those_written_out_by_hand_in_float64(
    optimiser: Optimiser, loss: Loss
) -> None:
    torch.manual_seed(0)
    network = zoo.get("dnn-sums").build()
    by_hand = HandWrittenNetwork(network)
    torch_optimiser = make_optimiser(network.parameters(), optimiser)
    for _ in range(3):  # momentum and moments differ from plain steps from the second on
        inputs, labels = torch.rand(8, 3), torch.randint(3, (8,))
        training_step(network, torch_optimiser, LOSSES[loss], inputs, labels)
        gradients = by_hand.gradients(inputs.double().numpy(), labels.numpy(), loss)
        by_hand.update(gradients, optimiser)
    for parameter, expected in zip(network.parameters(), by_hand.parameters, strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", zoo.names())
def test_every_entry_learns_one_batch_by_heart(name: str, digits: data.Dataset) -> None:
    spec = shrunk_bp() if name == "bp-100" else zoo.get(name)
    recipe = common_recipe(spec)
    torch.manual_seed(0)
    network = spec.build()
    if spec.takes_images:
        inputs, targets = few(digits, spec, recipe).part("train")
        batches = Batches(recipe.normalisation, spec.input_shape[0])
        batch, labels = batches(torch.from_numpy(inputs[:16])), torch.from_numpy(targets[:16])
    else:
        batch = torch.rand(12, 3)
        labels = (batch.sum(dim=1) > 1).long() + (batch.sum(dim=1) > 2).long()
    optimiser = make_optimiser(network.parameters(), recipe.optimiser)
    for _ in range(60):
        network.train()
        for _ in range(20):
            training_step(network, optimiser, LOSSES[recipe.loss], batch, labels)
        network.eval()
        if bool((network(batch).argmax(dim=1) == labels).all()):
            return
    pytest.fail("did not reach 100% in evaluation mode within 1,200 steps")


def shrunk_bp() -> ModelSpec:
    """`bp-100` on pictures of 16x16: 200,000 parameters instead of 300 million."""
    return replace(
        zoo.get("bp-100"),
        input_shape=(1, 16, 16),
        layers=zoo.counting.bp_layers(16),
        build=partial(zoo.counting.bp, 16),
    )


def test_the_same_cell_ends_in_the_same_weights_and_another_seed_in_others(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("net")
    recipe = short(spec)
    split = few(digits, spec, recipe)
    first, again, other = (
        train(spec, recipe, split, seed=seed, device="cpu") for seed in (1, 1, 2)
    )
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert np.array_equal(first.predictions, again.predictions)
    assert first.training_curve == again.training_curve
    assert first.test_curve == again.test_curve


@pytest.mark.parametrize(("twin", "variant"), [("lenet", "relu-max"), ("cnn", "tanh-avg")])
def test_twins_end_in_the_same_weights_under_the_common_recipe(
    twin: str, variant: str, digits: data.Dataset
) -> None:
    digests = {
        train(
            spec, short(spec), few(digits, spec, short(spec)), seed=3, device="cpu"
        ).weights_sha256
        for spec in (zoo.get(twin), zoo.get(f"lenet5-{variant}"))
    }
    assert len(digests) == 1


CONTINUE = """
import sys, json
from pathlib import Path
import zoo
from bench.cells import data, splits
from bench.cells.determinism import deterministic
from bench.cells.train import Training
from tests.test_train import few, short
checkpoint = Path(sys.argv[1])
spec = zoo.get("net")
recipe = short(spec, epochs=8)
digits = data.load("digits", data_root=Path("nowhere"), seed=0)
with deterministic():
    training = Training(spec, recipe, few(digits, spec, recipe), seed=999, device="cpu")
    training.load(checkpoint)
    training.run(8)
    result = training.result()
print(json.dumps([result.weights_sha256, result.epochs, result.updates, len(result.test_curve)]))
"""


def test_three_epochs_and_five_more_in_a_new_process_equal_eight(
    tmp_path: Path, digits: data.Dataset
) -> None:
    spec = zoo.get("net")  # dropout: the global random state matters, too
    recipe = short(spec, epochs=8)
    split = few(digits, spec, recipe)
    whole = train(spec, recipe, split, seed=1, device="cpu")
    with deterministic():
        training = Training(spec, recipe, split, seed=1, device="cpu")
        training.run(3)
        training.save(tmp_path / "checkpoint.pt")
        assert training.result().weights_sha256 != whole.weights_sha256
    command = [sys.executable, "-c", CONTINUE, str(tmp_path / "checkpoint.pt")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == [whole.weights_sha256, 8, whole.updates, len(whole.test_curve)]


def test_one_seed_gives_every_stream_a_seed_of_its_own() -> None:
    streams: tuple[Stream, ...] = ("initialisation", "dropout", "order", "measurement")
    seeds = {stream_seed(seed, stream) for seed in (1, 2) for stream in streams}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**64 for seed in seeds)


def test_every_model_sees_the_samples_in_the_same_order(digits: data.Dataset) -> None:
    orders = []
    for name in ("dnn", "net"):
        spec = zoo.get(name)
        recipe = short(spec)
        training = Training(spec, recipe, few(digits, spec, recipe), seed=5, device="cpu")
        orders.append(torch.randperm(160, generator=training.order))
    assert torch.equal(*orders)


def test_torchs_flags_and_threads_come_back_after_a_cell() -> None:
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    with deterministic():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cuda.matmul.allow_tf32
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_a_digest_is_of_values_and_shapes_and_not_of_names() -> None:
    weights = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}
    renamed = {"x": weights["a"], "y": weights["b"]}
    assert weights_sha256(weights) == weights_sha256(renamed)
    others = (
        {**weights, "b": torch.tensor([1.0, np.nextafter(np.float32(1), np.float32(2))])},
        {**weights, "a": weights["a"].reshape(3, 2)},
        {**weights, "a": weights["a"].double()},
        {"b": weights["b"], "a": weights["a"]},
    )
    digests = [weights_sha256(weights), *map(weights_sha256, others)]
    assert len(set(digests)) == 5


def test_pixels_are_scaled_normalised_and_spread_over_channels() -> None:
    black_and_white = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1)
    grey = Batches(MNIST_STATISTICS, 1)(black_and_white).flatten()
    torch.testing.assert_close(grey, torch.tensor([-0.1307 / 0.3081, 0.8693 / 0.3081]))
    rgb = Batches(IMAGENET_STATISTICS, 3)(black_and_white)[1].flatten()
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    torch.testing.assert_close(rgb, torch.tensor(expected))
    rows = torch.rand(4, 3)
    assert Batches(Normalisation(mean=(0.5,), std=(0.5,)), 1)(rows) is rows


def test_xavier_initialisation_is_that_of_the_document() -> None:
    torch.manual_seed(0)
    network = zoo.get("lenet-rgb").build()
    initialise(network, "xavier-normal")
    convolution, linear = network.get_submodule("c3"), network.get_submodule("f5")
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(linear, nn.Linear)
    # Glorot and Bengio 2010: variance 2 / (fan in + fan out)
    deviation = (2 / (6 * 25 + 16 * 25)) ** 0.5
    assert convolution.weight.std().item() == pytest.approx(deviation, rel=0.1)
    assert linear.weight.std().item() == pytest.approx(0.1, rel=0.02)
    assert all(not b.any() for name, b in network.named_parameters() if name.endswith("bias"))


def test_the_last_partial_batch_is_dropped_where_the_document_drops_it() -> None:
    spec = zoo.get("lenet")
    blank = splits.Split(
        inputs=np.zeros((60_001, 1, 28, 28), dtype=np.uint8),
        labels=np.zeros(60_001, dtype=np.int64),
        sizes=(60_000, 0, 1),
        classes=tuple(range(10)),
        checksum="blank",
        test_checksum="blank",
    )
    training = Training(spec, spec.recipe, blank, seed=1, device="cpu")
    # 937 full batches of 64 are 59,968 of 60,000 pictures
    assert training.examples_per_epoch == 937 * 64 == 59_968


def test_too_few_samples_for_one_full_batch_are_an_error_and_not_an_untrained_network(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("lenet")
    split = splits.view(replace(digits, train=digits.train[:20]), spec, common_recipe(spec))
    with pytest.raises(ValueError, match="20 training samples fill no batch of 64"):
        train(spec, spec.recipe, split, seed=1, device="cpu")


def test_sixty_epochs_of_thirty_pictures_one_by_one_are_1800_updates(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("lenet-rgb")
    split = splits.view(digits, spec, spec.recipe)
    trained = train(spec, spec.recipe, split, seed=1, device="cpu")
    assert (trained.epochs, trained.updates) == (60, 1_800)


def test_curves_begin_with_the_untrained_network_and_end_with_the_result(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("lenet-sigmoid")
    recipe = replace(spec.recipe, epochs=3, optimiser=Optimiser(name="adam", learning_rate=3e-3))
    split = few(digits, spec, recipe)
    trained = train(spec, recipe, split, seed=1, device="cpu")
    examples = len(split.part("train")[0])
    assert [p.epoch for p in trained.test_curve] == [0, 1, 2, 3]
    assert [p.examples_seen for p in trained.test_curve] == [n * examples for n in range(4)]
    assert trained.training_curve[-1].examples_seen == 3 * examples
    assert trained.test_curve[-1].accuracy == trained.test_accuracy
    assert trained.test_accuracy == np.mean(trained.predictions == split.part("test")[1])
    best = max(point.accuracy for point in trained.test_curve[1:])
    assert trained.test_accuracy_selected == best
    assert trained.validation_accuracy is None


def test_full_batch_training_takes_one_step_an_epoch_and_is_watched_now_and_then() -> None:
    spec = zoo.get("dnn-sums")
    sums = data.load("sums", data_root=Path("nowhere"), seed=1)
    recipe = replace(spec.recipe, epochs=50)
    trained = train(spec, recipe, splits.view(sums, spec, recipe), seed=1, device="cpu")
    assert trained.updates == 50
    assert trained.test_curve[-1].epoch == 50
    assert len(trained.test_curve) <= 12
    assert len(trained.training_curve) <= 20


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["lenet", "net", "cnn", "dnn", "lenet-rgb"])
def test_cuda_gives_the_same_weights_twice_and_the_cpus_accuracy_within_a_few_points(
    name: str, digits: data.Dataset
) -> None:
    spec = zoo.get(name)
    recipe = short(spec, epochs=10)
    split = splits.view(digits, spec, recipe)
    first, again = (train(spec, recipe, split, seed=1, device="cuda") for _ in range(2))
    on_cpu = train(spec, recipe, split, seed=1, device="cpu")
    assert first.weights_sha256 == again.weights_sha256
    assert abs(first.test_accuracy - on_cpu.test_accuracy) < 0.05


def test_a_linear_schedule_falls_to_zero_after_the_last_update(digits: data.Dataset) -> None:
    spec = zoo.get("dnn")
    recipe = short(spec, epochs=2, schedule="linear")
    split = few(digits, spec, recipe)
    with deterministic():
        training = Training(spec, recipe, split, seed=1, device="cpu")
        rates = []
        training.optimiser.register_step_pre_hook(
            lambda optimiser, *_: rates.append(optimiser.param_groups[0]["lr"])
        )
        training.run(2)
    assert recipe.train_batch is not None
    updates = 2 * math.ceil(160 / recipe.train_batch)
    first = recipe.optimiser.learning_rate
    assert rates == pytest.approx([first * (updates - n) / updates for n in range(updates)])
    assert "falling linearly to 0" in str(recipe)


def test_a_step_schedule_falls_tenfold_after_every_tenth_epoch(digits: data.Dataset) -> None:
    spec = zoo.get("lenet")
    optimiser = Optimiser(name="sgd", learning_rate=1e-3)
    recipe = short(spec, epochs=21, schedule="step", optimiser=optimiser)
    training = Training(spec, recipe, few(digits, spec, recipe), seed=1, device="cpu")
    schedule, per_epoch = training._schedule, 5  # 160 samples in batches of 32
    rates = {}
    for epoch, update in ((1, 0), (10, 50 - 1), (11, 50), (20, 100 - 1), (21, 100)):
        schedule.before(update)
        rates[epoch] = training.optimiser.param_groups[0]["lr"]
    torchs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    steps = torch.optim.lr_scheduler.StepLR(torchs, step_size=10, gamma=0.1)
    expected = {}
    for epoch in range(1, 22):
        expected[epoch] = torchs.param_groups[0]["lr"]
        torchs.step()
        steps.step()
    assert per_epoch == training.examples_per_epoch // 32
    assert rates == pytest.approx({epoch: expected[epoch] for epoch in rates})


def test_each_training_picture_is_augmented_on_its_own_and_test_pictures_are_not(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("net")
    turned = (Augmentation(name="RandomHorizontalFlip", settings=(("p", 0.5),)),)
    recipe = short(spec, augmentation=turned)
    split = few(digits, spec, recipe)
    training = Training(spec, recipe, split, seed=1, device="cpu")
    plain = Training(spec, replace(recipe, augmentation=()), split, seed=1, device="cpu")
    everything = torch.arange(160)
    inputs, labels = training.parts["train"]
    [(seen, _)] = training.batches.ahead(inputs, labels, everything, 160, training.change)
    as_they_are = plain.parts["train"][0]
    same = (seen == as_they_are).flatten(1).all(dim=1)
    flipped = (seen == as_they_are.flip(-1)).flatten(1).all(dim=1)
    assert (same | flipped).all()
    assert 50 < same.sum() < 110  # half of 160, give or take five standard deviations
    assert torch.equal(training.parts["test"][0], plain.parts["test"][0])


def test_an_augmented_run_ends_in_the_same_weights_again_and_in_others_than_a_plain_one(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("net")
    recipe = short(spec, augmentation=(Augmentation(name="RandomHorizontalFlip"),))
    split = few(digits, spec, recipe)
    first, again = (train(spec, recipe, split, seed=1, device="cpu") for _ in range(2))
    plain = train(spec, replace(recipe, augmentation=()), split, seed=1, device="cpu")
    assert first.weights_sha256 == again.weights_sha256 != plain.weights_sha256


def test_a_run_that_diverges_names_the_step_and_ends_with_its_epoch(
    digits: data.Dataset,
) -> None:
    spec = zoo.get("lenet")
    # After a first step of this length the second loss is not finite: weights squared overflow.
    optimiser = Optimiser(name="sgd", learning_rate=1e30)
    recipe = short(spec, epochs=3, optimiser=optimiser)
    split = few(digits, spec, recipe)
    training = Training(spec, recipe, split, seed=1, device="cpu")
    training.run(recipe.epochs)
    found = training.result()
    assert found.diverged_at == 2
    assert (found.epochs, found.updates) == (1, 5)
    assert found.test_curve[-1].epoch == 1
    assert train(spec, short(spec), split, seed=1, device="cpu").diverged_at is None


def test_weights_that_the_last_step_left_infinite_are_noticed_though_no_loss_was() -> None:
    losses = np.array([1.0, 2.0])
    assert first_not_finite(losses, [torch.ones(2)], 10) is None
    assert first_not_finite(losses, [torch.tensor([1.0, torch.inf])], 10) == 10
    assert first_not_finite(np.array([1.0, np.nan, np.inf]), [torch.ones(2)], 10) == 9


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_weight_decay_pulls_weights_whose_gradient_is_zero_towards_zero(name: Any) -> None:
    weights = torch.ones(3, requires_grad=True)
    weights.grad = torch.zeros(3)
    optimiser = Optimiser(name=name, learning_rate=0.1, weight_decay=0.5)
    make_optimiser([weights], optimiser).step()
    # AdamW and SGD take lr * decay of the weight; Adam's first step has length lr.
    expected = 0.9 if name == "adam" else 0.95
    assert weights.tolist() == pytest.approx([expected] * 3)
