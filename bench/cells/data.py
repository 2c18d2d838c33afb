"""Data sets as arrays in memory, fixed splits, and each model's own view of them.

A `Dataset` is read once. A `Split` is what one model sees of it: its picture size, its channels,
its classes. Pixels stay `uint8` until a batch is made of them. Splits are written as `.npy` files
named by their checksum, so that worker processes map them into memory instead of copying them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import socket
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bench.records.errors import RequestError
from zoo import ModelSpec, Recipe
from zoo.layers import Shape

Integers = NDArray[np.int64]

IMAGE_CLASSES = 10
SUMS_ROWS = 10_000
SUMS_TRAIN_ROWS = 7_000  # "first 70% train"; the last 1,000 of them are for validation
SUMS_FEATURES = 3
SUMS_CLASSES = 3
SPLIT_SEED = 0  # splits are the same for every seed of every run
DRAWN_PER_SEED = ("sums",)  # the other data sets do not depend on the seed
DOWNLOAD_TIMEOUT_SECONDS = 5.0

VALID = "digits, mnist, sums, pictures:DIR"


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        name: `digits`, `mnist`, `sums` or `pictures`.
        samples: uint8 pictures of one size (N, height, width); float32 rows (N, features); or
            RGB pictures of any sizes.
        labels: Class of each sample, (N,).
        train: Positions of the training samples, ascending.
        validation: Positions of the validation samples, ascending; may be empty.
        test: Positions of the test samples, ascending.
        checksum: SHA-256 over samples, labels and positions.
    """

    name: str
    samples: NDArray[Any] | tuple[Image.Image, ...]
    labels: Integers
    train: Integers
    validation: Integers
    test: Integers
    checksum: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """One model's view of a data set.

    Attributes:
        inputs: uint8 (N, channels, height, width), or float32 (N, features); the training samples
            first, then validation, then test.
        labels: Class of each sample, (N,).
        sizes: Number of training, validation and test samples.
        classes: The classes among the samples that the model is asked to tell apart.
        checksum: SHA-256 over everything above.
        test_checksum: SHA-256 over the identity of the test samples, whatever their shape. Only
            models with equal `test_checksum` may be ranked against each other: their test samples
            are the same, in the same order, and so are the classes to choose from.
    """

    inputs: NDArray[Any]
    labels: Integers
    sizes: tuple[int, int, int]
    classes: tuple[int, ...]
    checksum: str
    test_checksum: str

    def part(self, name: Literal["train", "validation", "test"]) -> tuple[NDArray[Any], Integers]:
        """Inputs and labels of one part, as views."""
        which = ("train", "validation", "test").index(name)
        start = sum(self.sizes[:which])
        stop = start + self.sizes[which]
        return self.inputs[start:stop], self.labels[start:stop]


def validate_name(name: str) -> None:
    """Checks that `name` names a data set; whether its files are there, `load` finds out.

    Raises:
        RequestError: It does not.
    """
    kind, _, folder = name.partition(":")
    if name not in ("digits", "mnist", "sums") and not (kind == "pictures" and folder):
        raise RequestError(f"unknown data set '{name}'; choose one of {VALID}")


def why_not(spec: ModelSpec, dataset: str) -> str | None:
    """Why a model cannot take a data set, or None if it can."""
    shape, classes = spec.input_shape, spec.classes
    times = "x".join(map(str, shape))
    if dataset == "sums":
        if shape == (SUMS_FEATURES,) and classes == SUMS_CLASSES:
            return None
        return f"'{spec.name}' takes {times} input, 'sums' has rows of {SUMS_FEATURES} numbers"
    if not spec.takes_images:
        return f"'{spec.name}' takes rows of {times} numbers, '{dataset}' has pictures"
    if shape[0] not in (1, 3) or shape[1] != shape[2]:
        return f"'{spec.name}' takes {times} input; pictures are square with 1 or 3 channels"
    if not 2 <= classes <= IMAGE_CLASSES:
        return f"'{spec.name}' has {classes} classes, '{dataset}' has {IMAGE_CLASSES}"
    return None


def load(name: str, *, data_root: Path, seed: int) -> Dataset:
    """Reads a data set.

    Args:
        name: `digits`, `mnist`, `sums` or `pictures:DIR`.
        data_root: The folder above `MNIST/raw`.
        seed: What `sums` is drawn from; the others are the same for every seed.

    Raises:
        RequestError: The name is unknown, or the files are missing or unreadable.
    """
    validate_name(name)
    if name == "digits":
        return _digits()
    if name == "mnist":
        return _mnist(data_root)
    if name == "sums":
        return _sums(seed)
    return _pictures(Path(name.partition(":")[2]))


class Datasets:
    """Data sets by name and seed, each read once."""

    def __init__(self, data_root: Path) -> None:
        self.data_root = data_root
        self._read: dict[tuple[str, int], Dataset] = {}

    def get(self, name: str, seed: int) -> Dataset:
        """A data set as a cell of this seed sees it.

        Raises:
            RequestError: The name is unknown, or the files are missing or unreadable.
        """
        drawn = seed if name in DRAWN_PER_SEED else 0
        if (name, drawn) not in self._read:
            self._read[name, drawn] = load(name, data_root=self.data_root, seed=drawn)
        return self._read[name, drawn]


def view(dataset: Dataset, spec: ModelSpec, recipe: Recipe) -> Split:
    """What a model sees of a data set under a recipe.

    Classes beyond the model's are left out, pictures are resized (bilinear) to the model's side,
    and validation samples join the training samples unless the recipe holds them out. A recipe
    made for a few pictures of its own takes the first so many of each class instead.
    """
    train, validation, test = (
        part[dataset.labels[part] < spec.classes]
        for part in (dataset.train, dataset.validation, dataset.test)
    )
    if not recipe.holds_out_validation:
        train, validation = np.sort(np.concatenate([train, validation])), validation[:0]
    if takes_few(dataset.name, recipe):
        assert recipe.samples_per_class is not None
        train_per_class, test_per_class = recipe.samples_per_class
        train = _first_of_each_class(train, dataset.labels, train_per_class)
        test = _first_of_each_class(test, dataset.labels, test_per_class)
    chosen = np.concatenate([train, validation, test])
    inputs = _shaped(dataset.samples, chosen, spec.input_shape)
    labels = dataset.labels[chosen]
    sizes = (len(train), len(validation), len(test))
    classes = tuple(range(spec.classes))
    return Split(
        inputs=inputs,
        labels=labels,
        sizes=sizes,
        classes=classes,
        checksum=_checksum([inputs, labels, np.array(sizes)]),
        test_checksum=_checksum([dataset.checksum, test, np.array(classes)]),
    )


def with_permuted_pixels(split: Split) -> Split:
    """The same pictures with their pixels in another order, the same for all of them.

    No pixel is lost, so a network that knows nothing of neighbourhood has the same task as before.
    """
    count, *shape = split.inputs.shape
    order = np.random.default_rng(SPLIT_SEED).permutation(math.prod(shape))
    inputs = split.inputs.reshape(count, -1)[:, order].reshape(split.inputs.shape)
    return replace(
        split,
        inputs=inputs,
        checksum=_checksum([inputs, split.labels, np.array(split.sizes)]),
        test_checksum=_checksum([split.test_checksum, order]),
    )


def first_test_pictures(
    dataset: Dataset, count: int = 10, side: int = 28
) -> tuple[NDArray[np.uint8], Integers]:
    """The first test pictures, for a reader to look at.

    Returns:
        uint8 pixels (count, side, side), and their labels.
    """
    chosen = dataset.test[:count]
    return _shaped(dataset.samples, chosen, (1, side, side))[:, 0], dataset.labels[chosen]


def takes_few(dataset: str, recipe: Recipe) -> bool:
    """Whether a recipe written for a handful of pictures runs here without them."""
    return recipe.samples_per_class is not None and dataset.partition(":")[0] != "pictures"


@dataclass(frozen=True, kw_only=True)
class StoredSplit:
    """A split on disk: small enough to send to a worker, which maps its arrays into memory."""

    folder: Path
    checksum: str
    sizes: tuple[int, int, int]
    classes: tuple[int, ...]
    test_checksum: str


def store(split: Split, folder: Path) -> StoredSplit:
    """Writes a split's arrays under their checksum, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("inputs", "labels"):
        path = _array_path(folder, split.checksum, name)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
                np.save(part, getattr(split, name))
            Path(part.name).replace(path)
    return StoredSplit(
        folder=folder,
        checksum=split.checksum,
        sizes=split.sizes,
        classes=split.classes,
        test_checksum=split.test_checksum,
    )


@lru_cache(maxsize=8)
def open_stored(stored: StoredSplit) -> Split:
    """The split, its arrays mapped copy-on-write; once per process."""
    inputs, labels = (
        np.load(_array_path(stored.folder, stored.checksum, name), mmap_mode="c")
        for name in ("inputs", "labels")
    )
    return Split(
        inputs=inputs,
        labels=labels,
        sizes=stored.sizes,
        classes=stored.classes,
        checksum=stored.checksum,
        test_checksum=stored.test_checksum,
    )


def _array_path(folder: Path, checksum: str, name: str) -> Path:
    return folder / f"{checksum[:32]}-{name}.npy"


def _digits() -> Dataset:
    """The 1,797 handwritten digits of scikit-learn (UCI, test half), 8x8 scaled to 28x28."""
    from sklearn.datasets import load_digits  # not at the top: workers read stored splits only

    bunch = load_digits()
    small = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    images = np.stack([_resized(Image.fromarray(image), 28) for image in small])
    labels = bunch.target.astype(np.int64)
    rest, test = _stratified(np.arange(len(labels)), labels, 0.2)
    train, validation = _stratified(rest, labels, 0.2)
    return _dataset("digits", images, labels, train, validation, test)


def _mnist(root: Path) -> Dataset:
    """MNIST through torchvision; its training pictures split 11 to 1 for validation."""
    from torchvision.datasets import MNIST

    folder = root / "MNIST" / "raw"
    files = [
        f"{part}-{kind}-ubyte"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    if not all((folder / file).is_file() for file in files):
        _download_mnist(root, files)
    try:
        parts = [MNIST(str(root), train=train, download=False) for train in (True, False)]
    except (RuntimeError, ValueError, AssertionError, EOFError) as error:
        raise RequestError(
            f"the MNIST files in '{folder}' cannot be read ({error}); remove them and run again "
            "to download them anew"
        ) from error
    images = np.concatenate([part.data.numpy() for part in parts])
    labels = np.concatenate([part.targets.numpy() for part in parts]).astype(np.int64)
    train_size = len(parts[0])
    train, validation = _stratified(np.arange(train_size), labels, 1 / 12)
    return _dataset("mnist", images, labels, train, validation, np.arange(train_size, len(labels)))


def _download_mnist(root: Path, files: list[str]) -> None:
    """Downloads MNIST with torchvision's checksums, into a place of its own until it is whole."""
    from torchvision.datasets import MNIST

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        with (
            tempfile.TemporaryDirectory() as place,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            MNIST(place, train=True, download=True)
            target = root / "MNIST" / "raw"
            target.mkdir(parents=True, exist_ok=True)
            for file in files:
                content = (Path(place) / "MNIST" / "raw" / file).read_bytes()
                (target / file).write_bytes(content)
    except (OSError, RuntimeError) as error:
        raise RequestError(
            f"MNIST is not in '{root / 'MNIST' / 'raw'}' and cannot be downloaded "
            f"({' '.join(str(error).split())}); put {', '.join(files[:-1])} and {files[-1]} into "
            "that folder, or name the folder above MNIST/raw with --data-root or $BENCH_DATA_ROOT"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _sums(seed: int) -> Dataset:
    """10,000 rows of three numbers in [0, 1), classed by their sum: below 1, up to 2, above 2.

    Independent draws are in random order already, so the document's permutation is left out.
    """
    rows = np.random.default_rng(seed).random((SUMS_ROWS, SUMS_FEATURES), dtype=np.float32)
    sums = rows.sum(axis=1, dtype=np.float64)
    labels = (sums >= 1).astype(np.int64) + (sums > 2)
    order = np.arange(SUMS_ROWS)
    return _dataset(
        "sums",
        rows,
        labels,
        order[: SUMS_TRAIN_ROWS - 1_000],
        order[SUMS_TRAIN_ROWS - 1_000 : SUMS_TRAIN_ROWS],
        order[SUMS_TRAIN_ROWS:],
    )


def _pictures(folder: Path) -> Dataset:
    """A folder with `train/` and `test/`; a picture's label is its name's second character."""
    images: list[Image.Image] = []
    labels: list[int] = []
    sizes = []
    for part in ("train", "test"):
        paths = _picture_paths(folder, part)
        sizes.append(len(paths))
        labels += [_label(path) for path in paths]
        images += [_picture(path) for path in paths]
    positions = np.arange(sum(sizes))
    return _dataset(
        "pictures",
        tuple(images),
        np.array(labels, dtype=np.int64),
        positions[: sizes[0]],
        positions[:0],
        positions[sizes[0] :],
    )


def _picture_paths(folder: Path, part: str) -> list[Path]:
    inside = folder / part
    if not inside.is_dir():
        raise RequestError(
            f"no folder '{inside}'; pictures:DIR needs DIR/train and DIR/test with pictures in them"
        )
    paths = sorted(path for path in inside.iterdir() if path.name[0] != ".")
    if not paths:
        raise RequestError(
            f"no pictures in '{inside}'; put some there, named so that the second character is "
            "the digit shown, as in a7.png"
        )
    return paths


def _label(path: Path) -> int:
    digit = path.name[1:2]
    if digit not in tuple("0123456789"):
        raise RequestError(
            f"the second character of the picture name '{path}' is not a digit; name it after "
            "the digit it shows, as in a7.png"
        )
    return int(digit)


def _picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise RequestError(
            f"'{path}' is no picture that Pillow can read ({error}); remove or convert it"
        ) from error


def _dataset(
    name: str,
    samples: NDArray[Any] | tuple[Image.Image, ...],
    labels: Integers,
    train: Integers,
    validation: Integers,
    test: Integers,
) -> Dataset:
    arrays = [samples] if isinstance(samples, np.ndarray) else [np.asarray(s) for s in samples]
    return Dataset(
        name=name,
        samples=samples,
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        checksum=_checksum([*arrays, labels, train, validation, test]),
    )


def _stratified(positions: Integers, labels: Integers, share: float) -> tuple[Integers, Integers]:
    """The positions in two parts with equal class shares, the second of the given share."""
    from sklearn.model_selection import train_test_split

    first, second = train_test_split(
        positions, test_size=share, stratify=labels[positions], random_state=SPLIT_SEED
    )
    return np.sort(first), np.sort(second)


def _first_of_each_class(positions: Integers, labels: Integers, count: int) -> Integers:
    chosen = [positions[labels[positions] == label][:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def _shaped(
    samples: NDArray[Any] | tuple[Image.Image, ...], chosen: Integers, shape: Shape
) -> NDArray[Any]:
    """The chosen samples in a model's shape; grey pictures keep one channel whatever it takes."""
    if len(shape) == 1:
        assert isinstance(samples, np.ndarray)
        return samples[chosen]
    side = shape[1]
    if isinstance(samples, np.ndarray):
        grey = samples[chosen]
        if grey.shape[1:] != (side, side):
            grey = np.stack([_resized(Image.fromarray(image), side) for image in grey])
        return grey[:, None]
    mode = "RGB" if shape[0] == 3 else "L"
    pictures: Sequence[Image.Image] = [samples[i].convert(mode) for i in chosen]
    shaped = np.stack([_resized(picture, side) for picture in pictures])
    return shaped.transpose(0, 3, 1, 2).copy() if mode == "RGB" else shaped[:, None]


def _resized(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """Bilinear, as torchvision's Resize; Pillow's integer arithmetic is the same everywhere."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))


def _checksum(parts: Iterable[NDArray[Any] | str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
