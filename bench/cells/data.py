"""Data sets as arrays in memory, with fixed splits, each read once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.cells.arrays import Integers, checksum, resized
from bench.cells.catalogue import DRAWN_PER_SEED, SUMS_FEATURES, validate_name
from bench.cells.pictures import read_picture
from bench.records.errors import RequestError
from bench.records.place import replacing
from bench.records.text import one_line

if TYPE_CHECKING:
    from PIL import Image

SUMS_ROWS = 10_000
SUMS_TRAIN_ROWS = 7_000  # "first 70% train"; the last 1,000 of them are for validation
SPLIT_SEED = 0  # splits are the same for every seed of every run
DIGITS_SPLIT = Path(__file__).with_name("digits.txt")  # t: training, v: validation, e: test
DOWNLOAD_TIMEOUT_SECONDS = 5.0
OTHER_MNIST = "mnist (not the published files)"
# Of the unpacked files, as torchvision unpacks those whose checksums it publishes.
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set as it was read.

    Attributes:
        name: `digits`, `mnist`, `sums` or `pictures`; `OTHER_MNIST` for files in MNIST's format
            that are not the published ones.
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
            from bench.cells.fitting import read  # not at the top: it knows the sets of this module

            self._read[name, drawn] = read(name, data_root=self.data_root, seed=drawn)
        return self._read[name, drawn]


def _digits() -> Dataset:
    """The 1,797 handwritten digits of scikit-learn (UCI, test half), 8x8 scaled to 28x28.

    Its file is read without importing it, which would take half a second of every start; so its
    stratified split is written down beside this file, a letter for each digit.
    """
    from PIL import Image  # not at the top: workers read stored splits only

    sklearn = find_spec("sklearn")
    assert sklearn is not None
    assert sklearn.origin is not None
    rows = np.loadtxt(Path(sklearn.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    small = np.rint(rows[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    images = np.stack([resized(Image.fromarray(image), 28) for image in small])
    letters = np.array([*DIGITS_SPLIT.read_text().replace("\n", "")])
    parts = ((letters == letter).nonzero()[0] for letter in "tve")
    return _dataset("digits", images, rows[:, -1].astype(np.int64), *parts)


def _mnist(root: Path) -> Dataset:
    """MNIST through torchvision; its training pictures split 11 to 1 for validation."""
    from torchvision.datasets import MNIST

    folder = root / "MNIST" / "raw"
    if not all((folder / file).is_file() for file in MNIST_MD5):
        _download_mnist(root, [*MNIST_MD5])
    try:
        parts = [MNIST(str(root), train=train, download=False) for train in (True, False)]
    except (OSError, LookupError, RuntimeError, ValueError, AssertionError, EOFError) as error:
        raise RequestError(
            f"the MNIST files in '{folder}' cannot be read ({one_line(error)}); remove them and "
            "run again to download them anew"
        ) from error
    _require_pairs(folder, parts)
    images = np.concatenate([part.data.numpy() for part in parts])
    labels = np.concatenate([part.targets.numpy() for part in parts]).astype(np.int64)
    train_size = len(parts[0])
    try:
        train, validation = _stratified(np.arange(train_size), labels, 1 / 12)
    except ValueError as error:
        raise RequestError(
            f"the MNIST files in '{folder}' have too few pictures of a digit to hold some out "
            f"({error}); remove them and run again to download them anew"
        ) from error
    name = "mnist" if _is_published(folder) else OTHER_MNIST
    return _dataset(name, images, labels, train, validation, np.arange(train_size, len(labels)))


def _require_pairs(folder: Path, parts: Sequence[Any]) -> None:
    """Checks that every picture of MNIST's parts has a label, which is a digit, and a size of 28.

    A label too few in the first part would shift all labels of the second.
    """
    for name, part in zip(("train", "t10k"), parts, strict=True):
        pictures, labels = part.data.numpy(), part.targets.numpy()
        wrong = None
        if len(pictures) != len(labels):
            wrong = f"{len(labels)} labels for {len(pictures)} pictures"
        elif pictures.shape[1:] != (28, 28):
            wrong = f"pictures of {' x '.join(map(str, pictures.shape[1:]))} pixels, not 28 x 28"
        elif not len(labels) or labels.max() > 9:
            wrong = f"the label {labels.max()}, which is no digit" if len(labels) else "no pictures"
        if wrong is not None:
            raise RequestError(
                f"the files '{name}-*' in '{folder}' have {wrong}; remove them and run again to "
                "download them anew"
            )


def _is_published(folder: Path) -> bool:
    """Whether all files are the published ones, byte by byte."""
    return all(
        hashlib.md5((folder / file).read_bytes(), usedforsecurity=False).hexdigest() == md5
        for file, md5 in MNIST_MD5.items()
    )


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
                with replacing(target / file) as part:
                    part.write_bytes(content)
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
    if not path.is_file():  # a pipe would be waited for without an end
        raise RequestError(f"'{path}' is no picture that Pillow can read (no file); remove it")
    try:
        return read_picture(path)
    except Exception as error:  # damaged files raise whatever their format's reader runs into
        raise RequestError(
            f"'{path}' is no picture that Pillow can read ({one_line(error)}); remove or convert it"
        ) from error


def _dataset(
    name: str,
    samples: NDArray[Any] | tuple[Image.Image, ...],
    labels: Integers,
    train: Integers,
    validation: Integers,
    test: Integers,
) -> Dataset:
    # One by one: as arrays all at once, pictures would need their memory twice.
    arrays = (
        np.asarray(part) for part in ([samples] if isinstance(samples, np.ndarray) else samples)
    )
    return Dataset(
        name=name,
        samples=samples,
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        checksum=checksum(chain(arrays, (labels, train, validation, test))),
    )


def _stratified(positions: Integers, labels: Integers, share: float) -> tuple[Integers, Integers]:
    """The positions in two parts with equal class shares, the second of the given share."""
    from sklearn.model_selection import train_test_split

    first, second = train_test_split(
        positions, test_size=share, stratify=labels[positions], random_state=SPLIT_SEED
    )
    return np.sort(first), np.sort(second)
