from __future__ import annotations

import hashlib
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from bench.cells import catalogue, data, splits
from bench.cells.common_recipe import common_recipe
from bench.cells.fitting import task_of, why_not
from bench.records.errors import RequestError

LENET = zoo.get("lenet")
LENET_RGB = zoo.get("lenet-rgb")
HELD_OUT = common_recipe(LENET)


def load(name: str, root: Path = Path("nowhere"), seed: int = 0) -> data.Dataset:
    return data.load(name, data_root=root, seed=seed)


def test_digits_are_split_once_and_for_all_with_equal_class_shares() -> None:
    digits = load("digits")
    parts = (digits.train, digits.validation, digits.test)
    # 1,797 pictures; a fifth for testing, a fifth of the rest for validation, rounded up
    assert [len(part) for part in parts] == [1_149, 288, 360]
    assert sorted(np.concatenate(parts)) == list(range(1_797))
    whole = Counter(digits.labels.tolist())
    for part in parts:
        share = len(part) / 1_797
        for label, count in Counter(digits.labels[part].tolist()).items():
            assert abs(count - share * whole[label]) <= 1.5
    assert load("digits", seed=7).checksum == digits.checksum


def test_the_split_of_digits_that_is_written_down_is_scikit_learns() -> None:
    digits = load("digits")
    rest, test = data._stratified(np.arange(1_797), digits.labels, 0.2)
    train, validation = data._stratified(rest, digits.labels, 0.2)
    for written, drawn in (
        (digits.train, train),
        (digits.validation, validation),
        (digits.test, test),
    ):
        assert np.array_equal(written, drawn)


def test_digits_are_scikit_learns_enlarged_from_8_to_28_and_from_16_to_255() -> None:
    from sklearn.datasets import load_digits

    small = load_digits()
    digits = load("digits")
    assert isinstance(digits.samples, np.ndarray)
    assert digits.samples.shape == (1_797, 28, 28)
    assert digits.samples.dtype == np.uint8
    assert np.array_equal(digits.labels, small.target)
    # Enlarging moves no ink: the mean brightness stays within a grey level or two.
    means = digits.samples.mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(means, small.images.mean(axis=(1, 2)) / 16, atol=0.02)


def test_sums_are_classed_by_their_sum_and_drawn_anew_for_every_seed() -> None:
    sums = load("sums", seed=1)
    assert isinstance(sums.samples, np.ndarray)
    totals = sums.samples.astype(np.float64).sum(axis=1)
    expected = np.where(totals < 1, 0, np.where(totals <= 2, 1, 2))
    assert np.array_equal(sums.labels, expected)
    assert (len(sums.train) + len(sums.validation), len(sums.test)) == (7_000, 3_000)
    # Irwin-Hall: P(s < 1) = 1/6, P(1 < s < 2) = 2/3; five standard deviations of 10,000 draws
    shares = np.bincount(sums.labels) / 10_000
    np.testing.assert_allclose(shares, [1 / 6, 2 / 3, 1 / 6], atol=5 * np.sqrt(2 / 9 / 10_000))
    assert load("sums", seed=1).checksum == sums.checksum != load("sums", seed=2).checksum


def test_a_model_sees_pictures_in_its_own_shape() -> None:
    digits = load("digits")
    recipe = HELD_OUT
    grey = splits.view(digits, LENET, recipe)
    rgb = splits.view(digits, LENET_RGB, recipe)
    counting = splits.view(digits, zoo.get("cnn-100"), recipe)
    assert grey.inputs.shape == (1_797, 1, 28, 28)
    assert rgb.inputs.shape == (1_797, 1, 32, 32)  # three equal channels are made of one per batch
    assert counting.inputs.shape[1:] == (1, 100, 100)
    assert set(counting.labels.tolist()) == {0, 1, 2}
    assert all(view.inputs.dtype == np.uint8 for view in (grey, rgb, counting))


def test_the_parts_of_a_view_are_the_data_sets_parts() -> None:
    digits = load("digits")
    split = splits.view(digits, LENET, HELD_OUT)
    assert isinstance(digits.samples, np.ndarray)
    for name in ("train", "validation", "test"):
        inputs, labels = split.part(name)
        positions = getattr(digits, name)
        assert np.array_equal(inputs[:, 0], digits.samples[positions])
        assert np.array_equal(labels, digits.labels[positions])


def test_document_recipes_train_on_the_validation_samples_too() -> None:
    digits = load("digits")
    assert splits.view(digits, LENET, LENET.recipe).sizes == (1_149 + 288, 0, 360)


def test_only_models_with_the_same_test_samples_and_classes_share_a_test_checksum() -> None:
    digits = load("digits")
    checksums = {
        name: splits.view(digits, zoo.get(name), recipe).test_checksum
        for name, recipe in {
            "lenet": HELD_OUT,
            "lenet-rgb": HELD_OUT,
            "cnn-100": HELD_OUT,
            "dnn": zoo.get("dnn").recipe,
        }.items()
    }
    assert checksums["lenet"] == checksums["lenet-rgb"] == checksums["dnn"]
    assert checksums["lenet"] != checksums["cnn-100"]
    few = splits.view(digits, LENET_RGB, LENET_RGB.recipe)
    assert few.test_checksum != checksums["lenet"]


def test_sixty_pictures_stand_in_where_the_documents_own_are_missing() -> None:
    digits = load("digits")
    few = splits.view(digits, LENET_RGB, LENET_RGB.recipe)
    assert few.sizes == (30, 0, 30)
    for part in ("train", "test"):
        assert set(Counter(few.part(part)[1].tolist()).values()) == {3}
    # The first of each digit: no other of the same digit comes before them.
    assert isinstance(digits.samples, np.ndarray)
    for digit in range(10):
        first = digits.test[digits.labels[digits.test] == digit][:3]
        chosen = few.part("test")[0][few.part("test")[1] == digit]
        enlarged = [
            np.asarray(
                Image.fromarray(digits.samples[i]).resize((32, 32), Image.Resampling.BILINEAR)
            )
            for i in first
        ]
        assert np.array_equal(chosen[:, 0], enlarged)


def test_a_stored_split_comes_back_and_writing_to_it_leaves_the_file_alone(tmp_path: Path) -> None:
    split = splits.view(load("digits"), LENET, HELD_OUT)
    stored = splits.store(split, tmp_path)
    opened = splits.open_stored(stored)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert all(path.name.startswith(split.checksum[:32]) for path in before)
    assert np.array_equal(opened.inputs, split.inputs)
    assert np.array_equal(opened.labels, split.labels)
    opened.inputs[:] = 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    splits.store(split, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(before)


def write_idx(root: Path, train: int, test: int) -> dict[str, np.ndarray]:
    """A tiny data set in MNIST's own format: big-endian magic number, sizes, bytes."""
    random = np.random.default_rng(0)
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    arrays = {}
    for part, count in (("train", train), ("t10k", test)):
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        for kind, array, magic in (("images-idx3", images, 2051), ("labels-idx1", labels, 2049)):
            header = np.array([magic, *array.shape], dtype=">i4").tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
        arrays[part] = images
    return arrays


def test_mnist_is_read_from_its_own_files(tmp_path: Path) -> None:
    arrays = write_idx(tmp_path, train=240, test=40)
    mnist = load("mnist", tmp_path)
    assert isinstance(mnist.samples, np.ndarray)
    assert np.array_equal(mnist.samples, np.concatenate([arrays["train"], arrays["t10k"]]))
    assert np.array_equal(mnist.test, np.arange(240, 280))
    assert len(mnist.validation) == 240 / 12
    assert sorted(np.concatenate([mnist.train, mnist.validation])) == list(range(240))
    whole = splits.view(mnist, LENET, LENET.recipe)
    assert np.array_equal(whole.part("train")[0][:, 0], arrays["train"])


def test_a_damaged_mnist_file_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path, train=240, test=40)
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1_000])
    with pytest.raises(RequestError, match=str(path.parent)):
        load("mnist", tmp_path)


def test_mnist_absent_and_offline_is_one_clear_error_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    root = tmp_path / "root"
    started = time.monotonic()
    with pytest.raises(RequestError) as error:
        load("mnist", root)
    assert time.monotonic() - started < 10
    message = str(error.value)
    assert "\n" not in message
    assert str(root / "MNIST" / "raw") in message
    for file in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        assert f"{file}-ubyte" in message
    assert "--data-root" in message
    assert not root.exists()
    assert socket.getdefaulttimeout() is None


@pytest.mark.mnist
def test_real_mnist_is_what_the_documents_describe(mnist_root: Path) -> None:
    raw = (mnist_root / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes()
    assert hashlib.md5(raw).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
    mnist = load("mnist", mnist_root)
    assert isinstance(mnist.samples, np.ndarray)
    train = mnist.samples[:60_000] / 255
    assert (len(mnist.train) + len(mnist.validation), len(mnist.test)) == (60_000, 10_000)
    assert round(float(train.mean()), 4) == 0.1307
    assert round(float(train.std()), 4) == 0.3081


def write_pictures(folder: Path) -> None:
    for part, names in {
        "train": ["a0.png", "b1.jpg", "c2.bmp", ".hidden"],
        "test": ["x3.gif", "y4.tiff"],
    }.items():
        (folder / part).mkdir(parents=True)
        for number, name in enumerate(names):
            if name == ".hidden":
                (folder / part / name).write_text("not a picture")
            else:
                colour = (250, 40 * number, 10)
                Image.new("RGB", (40 + number, 50), colour).save(folder / part / name)


def test_pictures_of_any_size_and_format_are_labelled_by_their_second_character(
    tmp_path: Path,
) -> None:
    write_pictures(tmp_path)
    pictures = load(f"pictures:{tmp_path}")
    assert pictures.labels.tolist() == [0, 1, 2, 3, 4]
    assert (len(pictures.train), len(pictures.validation), len(pictures.test)) == (3, 0, 2)
    rgb = splits.view(pictures, LENET_RGB, LENET_RGB.recipe)
    assert rgb.inputs.shape == (5, 3, 32, 32)
    assert rgb.inputs[0, :, 0, 0].tolist() == [250, 0, 10]  # red, green, blue of a0.png
    grey = splits.view(pictures, LENET, HELD_OUT)
    assert grey.inputs.shape == (5, 1, 28, 28)
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue
    assert abs(int(grey.inputs[0, 0, 5, 5]) - round(0.299 * 250 + 0.114 * 10)) <= 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "test").rename(folder / "other"), "no folder"),
        (lambda folder: [path.unlink() for path in (folder / "test").iterdir()], "no pictures in"),
        (lambda folder: (folder / "test" / "x3.gif").rename(folder / "test" / "xx.gif"), "digit"),
        (lambda folder: (folder / "test" / "x3.gif").write_text("no"), "no picture that Pillow"),
    ],
)
def test_a_pictures_folder_that_is_not_right_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    write_pictures(tmp_path)
    spoil(tmp_path)
    with pytest.raises(RequestError, match=says):
        load(f"pictures:{tmp_path}")


@pytest.mark.parametrize("name", ["", "cifar", "pictures", "pictures:", "MNIST", "digits:x"])
def test_an_unknown_data_set_is_refused_with_those_that_are_there(name: str) -> None:
    with pytest.raises(RequestError, match="digits, mnist, sums, pictures:DIR"):
        load(name)


@pytest.mark.parametrize(
    ("model", "dataset", "fits"),
    [
        ("lenet", "digits", True),
        ("lenet-rgb", "mnist", True),
        ("cnn-100", "digits", True),
        ("lenet", "sums", False),
        ("dnn-sums", "sums", True),
        ("dnn-sums", "digits", False),
    ],
)
def test_models_take_the_data_sets_that_fit_their_input(
    model: str, dataset: str, fits: bool
) -> None:
    assert (why_not(zoo.get(model), dataset, task_of(dataset)) is None) == fits


def test_a_recipe_of_few_pictures_takes_all_of_a_pictures_folder() -> None:
    assert catalogue.takes_few("digits", LENET_RGB.recipe)
    assert not catalogue.takes_few("pictures:some/where", LENET_RGB.recipe)
    assert not catalogue.takes_few("digits", replace(LENET_RGB.recipe, samples_per_class=None))
