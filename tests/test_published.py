"""Published sets of pictures: how their files are read, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import pickle
import socket
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from bench.cells.common_recipe import common_recipe
from bench.cells.plan import Request, plan
from bench.cells.splits import view
from bench.records.errors import RequestError
from tests.test_own_data import named

LENET = zoo.get("lenet")


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An array in MNIST's format: a magic number with the dimensions, sizes, bytes."""
    header = np.array([2048 + array.ndim, *array.shape], dtype=">i4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


PICTURES = np.random.default_rng(0).integers(0, 256, (312, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "kind"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")]
)
def test_sets_in_mnists_format_are_unpacked_from_their_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    from torchvision import datasets

    labels = np.arange(312) % 10
    contents: dict[str, np.ndarray[Any, Any]] = {
        "train-images-idx3-ubyte.gz": PICTURES[:240],
        "train-labels-idx1-ubyte.gz": labels[:240],
        "t10k-images-idx3-ubyte.gz": PICTURES[240:300],
        "t10k-labels-idx1-ubyte.gz": labels[240:300],
    }
    folder = tmp_path / kind / "raw"
    folder.mkdir(parents=True)
    resources = []
    for file, array in contents.items():
        packed = gzip.compress(idx(array))
        (folder / file).write_bytes(packed)
        resources.append((file, md5(packed)))
    monkeypatch.setattr(getattr(datasets, kind), "resources", resources)
    found = named(name, tmp_path)
    assert np.array_equal(np.asarray(found.samples), PICTURES[:300])
    assert found.labels.tolist() == labels[:300].tolist()
    assert (len(found.train), len(found.validation), len(found.test)) == (220, 20, 60)
    assert len(found.class_names) == 10
    assert view(found, LENET, common_recipe(LENET)).inputs.shape == (300, 1, 28, 28)
    (folder / "train-images-idx3-ubyte").unlink()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"other")
    with pytest.raises(RequestError, match=r"t10k-labels-idx1-ubyte\.gz' has the MD5"):
        named(name, tmp_path)


def test_letters_stand_upright_and_count_from_a(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import EMNIST

    labels = np.arange(312) % 26 + 1
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part, where in (("train", slice(0, 260)), ("test", slice(260, 312))):
            for kind, array in (("images-idx3", PICTURES[where]), ("labels-idx1", labels[where])):
                file = f"gzip/emnist-letters-{part}-{kind}-ubyte.gz"
                archive.writestr(file, gzip.compress(idx(array)))
    (tmp_path / "EMNIST" / "raw").mkdir(parents=True)
    (tmp_path / "EMNIST" / "raw" / "gzip.zip").write_bytes(packed.getvalue())
    monkeypatch.setattr(EMNIST, "md5", md5(packed.getvalue()))
    found = named("emnist-letters", tmp_path)
    assert np.array_equal(np.asarray(found.samples)[0], PICTURES[0].T)
    assert found.labels.tolist() == (labels - 1).tolist()
    assert found.class_names[0] == "a"
    with pytest.raises(RequestError, match="'lenet' has 10 classes, 'emnist-letters' has 26"):
        plan(Request(models=("lenet",), dataset="emnist-letters"))


def write_cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray[Any, Any]:
    """CIFAR-10's batches as its authors pickle them: rows of 1,024 reds, greens and blues."""
    from torchvision.datasets import CIFAR10

    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    rows = np.random.default_rng(0).integers(0, 256, (6, 20, 3_072), dtype=np.uint8)
    listed = []
    for file, batch in zip(
        [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"], rows, strict=True
    ):
        content = pickle.dumps({"data": batch, "labels": [n % 10 for n in range(20)]})
        (folder / file).write_bytes(content)
        listed.append([file, md5(content)])
    meta = pickle.dumps({"label_names": [f"thing {n}" for n in range(10)]})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(CIFAR10, "train_list", listed[:5])
    monkeypatch.setattr(CIFAR10, "test_list", listed[5:])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(meta)})
    return rows


def test_cifar10_is_seen_in_colour_or_in_grey_as_a_network_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write_cifar(tmp_path, monkeypatch)
    found = named("cifar10", tmp_path)
    assert found.class_names[3] == "thing 3"
    rgb = zoo.get("lenet-rgb")
    colour = view(found, rgb, common_recipe(rgb))
    first = rows[0, found.train[0]]
    assert colour.inputs.shape == (120, 3, 32, 32)
    assert np.array_equal(colour.inputs[0].ravel(), first)
    assert view(found, LENET, common_recipe(LENET)).inputs.shape == (120, 1, 28, 28)


class Opened:
    """What, unpickled, would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickle_that_is_not_cifars_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path, monkeypatch)
    trap = tmp_path / "opened"
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_2"
    batch.write_bytes(pickle.dumps(Opened(trap)))
    with pytest.raises(RequestError, match=r"data_batch_2' has the MD5 .* published file"):
        named("cifar10", tmp_path)
    assert not trap.exists()


def test_usps_is_read_from_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import USPS

    listed = {}
    for part, file, count in (("train", "usps.bz2", 120), ("test", "usps.t.bz2", 20)):
        # Classes from 1 on, then the place and value of each of 256 pixels, between -1 and 1.
        lines = [
            f"{n % 10 + 1} " + " ".join(f"{i + 1}:{1 if i == n else -1}" for i in range(256))
            for n in range(count)
        ]
        content = bz2.compress("\n".join(lines).encode())
        (tmp_path / file).write_bytes(content)
        listed[part] = ["https://nowhere", file, md5(content)]
    monkeypatch.setattr(USPS, "split_list", listed)
    found = named("usps", tmp_path)
    samples = np.asarray(found.samples)
    assert samples.shape == (140, 16, 16)
    assert samples[5].ravel().nonzero()[0].tolist() == [5]
    assert samples[5].max() == 255
    assert found.labels[:11].tolist() == [*range(10), 0]
    (tmp_path / "usps.bz2").write_bytes(b"other")
    with pytest.raises(RequestError, match=r"usps\.bz2' has the MD5"):
        named("usps", tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("fashion-mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz"),
        ("kmnist", "KMNIST/raw/t10k-labels-idx1-ubyte.gz"),
        ("emnist-letters", "EMNIST/raw/gzip.zip"),
        ("cifar10", "cifar-10-python.tar.gz"),
        ("usps", "usps.t.bz2"),
    ],
)
def test_what_is_absent_and_offline_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    root = tmp_path / "root"
    with pytest.raises(RequestError, match="cannot be downloaded") as error:
        named(name, root)
    message = str(error.value)
    assert "\n" not in message
    assert str(root) in message
    assert file in message
    assert "--data-root" in message
    assert not root.exists()
