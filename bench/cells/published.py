"""Published data sets of pictures that torchvision reads, with its checksums.

CIFAR-10's files are pickles, which torchvision loads; nothing else here loads one. Before it does,
each file must have the MD5 that torchvision knows.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cells.arrays import Integers
from bench.cells.data import DOWNLOAD_TIMEOUT_SECONDS
from bench.cells.named import NamedDataset, named_dataset, split_of
from bench.records.errors import RequestError
from bench.records.place import replacing
from bench.records.text import one_line

if TYPE_CHECKING:
    from PIL import Image

Checked = tuple[tuple[str, str], ...]  # files with their MD5


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data set lies under the data root, and who reads it.

    Attributes:
        title: For messages.
        classes: How many it has.
        make: Its class in torchvision, as `make(root, train=..., download=...)`.
        files: What torchvision reads, from the data root.
        checked: Those of them whose MD5 torchvision knows.
        archives: What the files are unpacked from, with MD5; what is downloaded.
        shape: Of one picture.
        first_label: What the labels count from.
        turned: Whether the pictures lie on their side, rows for columns.
    """

    title: str
    classes: int
    make: Callable[..., Any]
    files: tuple[str, ...]
    checked: Checked = ()
    archives: Checked = ()
    shape: tuple[int, ...] = (28, 28)
    first_label: int = 0
    turned: bool = False


def read_published(name: str, root: Path) -> NamedDataset:
    """A data set by name; one in twelve of its training pictures is for validation.

    Args:
        name: One of `fitting.PUBLISHED`.
        root: The folder that torchvision calls root.

    Raises:
        RequestError: Its files are missing and cannot be downloaded, or are not what they should
            be.
    """
    source = SOURCES[name]()
    if not all((root / file).is_file() for file in source.files):
        _fetch(source, root)
    _require_checked(root, source.checked)
    try:
        parts = [source.make(str(root), train=train, download=False) for train in (True, False)]
    except Exception as error:  # damaged files raise whatever their format's reader runs into
        raise RequestError(
            f"the files of {source.title} in '{root}' cannot be read ({one_line(error)[:200]}); "
            f"{_again(source)}"
        ) from error
    pictures = [np.asarray(part.data) for part in parts]
    labels = [np.asarray(part.targets, dtype=np.int64) - source.first_label for part in parts]
    for held, known in zip(pictures, labels, strict=True):
        _require_pictures(source, root, held, known)
    if source.turned:
        pictures = [held.transpose(0, 2, 1) for held in pictures]
    samples = np.ascontiguousarray(np.concatenate(pictures))
    everything = np.concatenate(labels)
    test = np.arange(len(labels[0]), len(everything))
    names = [str(x) for x in getattr(parts[0], "classes", ())][source.first_label :]
    return named_dataset(name, _samples(samples), everything, split_of(everything, test), names)


def _samples(pictures: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | tuple[Image.Image, ...]:
    """Grey pictures as they are; colour as pictures that a network's view turns grey if it asks."""
    if pictures.ndim == 3:
        return pictures
    from PIL import Image

    return tuple(Image.fromarray(picture) for picture in pictures)


def _require_pictures(
    source: Source, root: Path, pictures: np.ndarray[Any, Any], labels: Integers
) -> None:
    """Checks that every picture has a label, which is a class, and the size that it should have."""
    wrong = None
    if len(pictures) != len(labels):
        wrong = f"{len(labels)} labels for {len(pictures)} pictures"
    elif pictures.shape[1:] != source.shape:
        found, wanted = (" x ".join(map(str, x)) for x in (pictures.shape[1:], source.shape))
        wrong = f"pictures of {found}, not {wanted}"
    elif {*labels.tolist()} != {*range(source.classes)}:
        odd = sorted({*labels.tolist()} ^ {*range(source.classes)})[0]
        wrong = f"{len(labels)} labels, among them none or too many of the class {odd}"
    if wrong is not None:
        raise RequestError(
            f"the files of {source.title} in '{root}' have {wrong}; {_again(source)}"
        )


def _again(source: Source) -> str:
    return f"remove {', '.join(source.files)} and run again to download them anew"


def _require_checked(root: Path, files: Checked) -> None:
    """Checks files that are there by the MD5 that torchvision knows.

    Raises:
        RequestError: One is another file.
    """
    from torchvision.datasets.utils import calculate_md5

    for file, md5 in files:
        if (root / file).is_file() and (found := calculate_md5(root / file)) != md5:
            raise RequestError(
                f"'{root / file}' has the MD5 {found}, and {md5} is that of the published file; "
                "remove it and run again to download it anew"
            )


def _fetch(source: Source, root: Path) -> None:
    """Downloads and unpacks what is missing, in a place of its own until it is whole.

    Archives that lie under the root already are unpacked from there.
    """
    _require_checked(root, source.archives)
    with _quiet(), tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file, _ in (*source.archives, *source.checked):
            if (root / file).is_file():
                (place / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / file, place / file)
        try:
            for train in (True, False):
                source.make(str(place), train=train, download=True)
        except (OSError, RuntimeError) as error:
            files = [file for file, _ in source.archives] or [*source.files]
            listed = " and ".join(filter(None, (", ".join(files[:-1]), files[-1])))
            raise RequestError(
                f"{source.title} is not in '{root}' and cannot be downloaded "
                f"({one_line(error)}); put {listed} into that folder, or name another with "
                "--data-root or $BENCH_DATA_ROOT"
            ) from error
        except Exception as error:  # whatever a reader runs into
            raise RequestError(
                f"{source.title} cannot be read ({one_line(error)[:200]}); {_again(source)}"
            ) from error
        for file in source.files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            with replacing(root / file) as part:
                shutil.copyfile(place / file, part)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside it nothing is printed, and a network that does not answer is given up soon."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _like_mnist(name: str, title: str) -> Source:
    """A data set in MNIST's format, in archives of its own."""
    from torchvision import datasets

    kind = getattr(datasets, name)
    archives = tuple((f"{name}/raw/{file}", md5) for file, md5 in kind.resources)
    files = tuple(file.removesuffix(".gz") for file, _ in archives)
    return Source(title=title, classes=10, make=kind, files=files, archives=archives)


def _letters() -> Source:
    """EMNIST's letters, upper and lower case of one letter in one class."""
    from torchvision.datasets import EMNIST

    return Source(
        title="EMNIST",
        classes=26,
        make=partial(EMNIST, split="letters"),
        files=tuple(
            f"EMNIST/raw/emnist-letters-{part}-{kind}-ubyte"
            for part in ("train", "test")
            for kind in ("images-idx3", "labels-idx1")
        ),
        archives=(("EMNIST/raw/gzip.zip", EMNIST.md5),),
        first_label=1,
        turned=True,
    )


def _cifar10() -> Source:
    from torchvision.datasets import CIFAR10

    listed: Sequence[Sequence[str]] = (*CIFAR10.train_list, *CIFAR10.test_list)
    meta = (CIFAR10.meta["filename"], CIFAR10.meta["md5"])
    checked = tuple((f"{CIFAR10.base_folder}/{file}", md5) for file, md5 in (*listed, meta))
    return Source(
        title="CIFAR-10",
        classes=10,
        make=CIFAR10,
        files=tuple(file for file, _ in checked),
        checked=checked,
        archives=((CIFAR10.filename, CIFAR10.tgz_md5),),
        shape=(32, 32, 3),
    )


def _usps() -> Source:
    from torchvision.datasets import USPS

    checked = tuple((file, md5) for _, file, md5 in USPS.split_list.values())
    return Source(
        title="USPS",
        classes=10,
        make=USPS,
        files=tuple(file for file, _ in checked),
        checked=checked,
        shape=(16, 16),
    )


SOURCES: dict[str, Callable[[], Source]] = {
    "fashion-mnist": partial(_like_mnist, "FashionMNIST", "Fashion-MNIST"),
    "kmnist": partial(_like_mnist, "KMNIST", "KMNIST"),
    "emnist-letters": _letters,
    "cifar10": _cifar10,
    "usps": _usps,
}
