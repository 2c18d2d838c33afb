from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from bench.cells import data
from bench.cells.weights import are_intact
from bench.claims.affine import affine_map
from bench.claims.collect import supply
from bench.claims.evidence import Probe, read
from bench.claims.probes import pixels, timing, trained
from bench.claims.trials import Trial
from bench.cli.progress import Progress
from bench.records.store import Store
from bench.timing.measure import measure
from bench.timing.steps import peak_bytes


def quick(name: str) -> Trial:
    """A network of the zoo, trained in a moment."""
    spec = replace(zoo.get(name), name="quick", aliases=())
    recipe = replace(spec.recipe, dataset="digits", train_batch=64, epochs=1, test_batch=90)
    return Trial(name="quick", spec=replace(spec, recipe=recipe), recipe=recipe, seeds=(1,))


@pytest.fixture(scope="module", params=["lenet", "lenet-sigmoid"])
def trained_trial(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Trial, Path]:
    folder = tmp_path_factory.mktemp("probes")
    trial = quick(request.param)
    store = Store(folder / "claims")
    added = supply(store, [trial], (), data_root=folder, side_by_side=1, shown=Progress())
    assert not added.failures
    return request.param, trial, store.path.parent


@pytest.fixture
def known(trained_trial: tuple[str, Trial, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    _, trial, folder = trained_trial
    monkeypatch.setattr(trained, "trials", lambda: {"quick": trial})
    return folder / "weights"


def size_of_weights(_data_root: Path, weights: Path, *, trial: str, seed: int) -> dict[str, int]:
    """A probe that looks into the weights of a trial."""
    (path,) = weights.glob(f"{trial}-*{seed}.safetensors")
    return {"bytes": path.stat().st_size}


@pytest.mark.parametrize(
    "instead", [None, b"", b"other weights" * 1_000], ids=["none", "empty", "others"]
)
def test_weights_that_are_lost_are_trained_again_before_a_probe_looks_into_them(
    tmp_path: Path, instead: bytes | None
) -> None:
    store, trial = Store(tmp_path / "claims"), quick("lenet")
    supplied = partial(supply, store, [trial], data_root=tmp_path, side_by_side=1)
    supplied((), shown=Progress())
    (path,) = (tmp_path / "claims" / "weights").iterdir()
    (digest,) = read(store.read(), [trial], ()).trial("quick").digests.values()
    size = path.stat().st_size
    path.unlink()
    if instead is not None:
        path.write_bytes(instead)
    probe = Probe(run=size_of_weights, subject={"trial": "quick", "seed": 1})
    added = supplied([probe], shown=Progress())
    assert not added.failures
    (outcome,) = read(store.read(), [trial], [probe]).probe(probe.name)
    assert outcome["bytes"] == size
    assert are_intact(path, digest)


def test_the_gap_is_between_the_recorded_test_accuracy_and_that_on_the_training_samples(
    trained_trial: tuple[str, Trial, Path], known: Path
) -> None:
    _, trial, folder = trained_trial
    runs = read(Store(folder).read(), [trial], ()).trial("quick")
    found = trained.generalisation_gap(Path(), known, trial="quick", seed=1)
    assert found["test_accuracy"] == runs.accuracy[1]
    assert found["test_loss"] == pytest.approx(runs.cells[1].test_curve[-1].loss, rel=1e-5)
    # 1,437 training samples of digits: the accuracy on them is a multiple of 1/1437.
    assert found["train_accuracy"] * 1437 == pytest.approx(round(found["train_accuracy"] * 1437))


def test_only_relu_leaves_zeros(trained_trial: tuple[str, Trial, Path], known: Path) -> None:
    name, _, _ = trained_trial
    found = trained.zero_share(Path(), known, trial="quick", seed=1)
    if name == "lenet":
        assert 0 < found["zero_share"] < 1
        # ReLUs of 360 pictures: 6x28x28, 16x10x10, 120 and 84 outputs each.
        assert found["outputs"] == 360 * (6 * 28 * 28 + 16 * 10 * 10 + 120 + 84)
    else:
        assert found["zero_share"] == 0
        assert found["outputs"] == 360 * (6 * 28 * 28 + 16 * 10 * 10)


@pytest.mark.parametrize("trained_trial", ["lenet-sigmoid"], indirect=True)
def test_three_linear_layers_answer_as_the_one_that_they_equal(known: Path) -> None:
    found = trained.linear_head(Path(), known, trial="quick", seed=1)
    assert (found["changed_answers"], found["pictures"]) == (0, 360)
    assert found["largest_difference"] < 1e-12 * max(1, found["largest_logit"])


def test_an_affine_map_is_the_product_of_its_layers() -> None:
    torch.manual_seed(0)
    first, second = torch.nn.Linear(3, 4).double(), torch.nn.Linear(4, 2).double()
    weight, bias = affine_map(torch.nn.Sequential(first, second), (3,))
    torch.testing.assert_close(weight, second.weight @ first.weight)
    torch.testing.assert_close(bias, second.weight @ first.bias + second.bias)


def test_pixel_statistics_are_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = data.load("digits", data_root=Path(), seed=0)
    assert isinstance(digits.samples, np.ndarray)
    training = len(digits.train) + len(digits.validation)
    monkeypatch.setattr(pixels, "load", lambda *_, **__: digits)
    found = pixels.mnist_pixels(Path(), Path())
    scaled = digits.samples[:training] / 255
    assert found["mean"] == pytest.approx(scaled.mean())
    assert found["deviation"] == pytest.approx(scaled.std())
    assert found["normalised_mean"] == pytest.approx((scaled.mean() - 0.1307) / 0.3081)
    assert found["commonest_share"] == (scaled == 0).mean()
    assert found["commonest_normalised"] == pytest.approx(-0.1307 / 0.3081)


def test_a_race_measures_every_step_and_the_yardstick_in_fresh_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = partial(measure, processes=2, rounds=3, block_seconds=0.001)
    monkeypatch.setattr(timing, "measure", few)
    seconds = timing.race(
        {
            "singly": timing.Answering(batch=1),
            "together": timing.Answering(batch=timing.TEST_BATCH),
        }
    )
    assert {name: np.shape(rows) for name, rows in seconds.items()} == dict.fromkeys(
        ("singly", "together", "yardstick"), (2, 3)
    )
    assert np.median(seconds["singly"]) > np.median(seconds["together"])


def test_testing_without_gradients_holds_less_memory() -> None:
    held = {kept: peak_bytes(timing.Testing(gradients=kept)()) for kept in (True, False)}
    # What a backward pass needs of one batch alone: the first convolution's 10 maps of 24x24.
    assert held[True] - held[False] > timing.TEST_BATCH * 10 * 24 * 24 * 4
