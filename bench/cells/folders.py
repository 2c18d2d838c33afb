"""`folder:DIR`: pictures in a folder for each class, as torchvision's `ImageFolder` has them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.cells.arrays import Integers
from bench.cells.named import NamedDataset, named_dataset, split_of
from bench.cells.pictures import read_picture
from bench.records.errors import RequestError
from bench.records.text import one_line

if TYPE_CHECKING:
    from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
PARTS = ("train", "test")
BYTES_PER_PIXEL = 4  # as Pillow keeps RGB
SHARE_OF_MEMORY = 0.5  # that all pictures together may take of what is free
_LAYOUT = "put pictures into DIR/train/CLASS and DIR/test/CLASS, or into DIR/CLASS"


def classes_in(folder: Path) -> tuple[str, ...]:
    """The classes of a folder, by name; nothing but names of folders is read.

    Raises:
        RequestError: There is no such folder, its parts differ, or it has fewer than two classes.
    """
    by_part = {part: tuple(_folders(folder / part)) for part in _parts(folder)}
    first, *others = by_part
    for other in others:
        differing = sorted(set(by_part[first]) ^ set(by_part[other]))
        if differing:
            holder = first if differing[0] in by_part[first] else other
            raise RequestError(
                f"'{folder / holder}' alone has the class '{one_line(differing[0])}'; give "
                f"{first} and {other} the same classes"
            )
    classes = by_part[first]
    if len(classes) < 2:
        found = f"one class alone, '{one_line(classes[0])}'" if classes else "no class"
        raise RequestError(f"'{folder / first}' has {found}; two are the least: {_LAYOUT}")
    return classes


def read_folder(folder: Path) -> NamedDataset:
    """The pictures of a folder with their classes.

    With the folders `train` and `test` in it the split is theirs; else one in five of each class
    is for testing, the same ones every time. One in twelve of the others is for validation.

    Raises:
        RequestError: As of `classes_in`; or a class has too few pictures, a picture cannot be
            read, all of them do not fit into memory, or a test picture is one of the others, too.
    """
    classes = classes_in(folder)
    parts = _parts(folder)
    least = 1 if len(parts) > 1 else 2
    paths: list[Path] = []
    labels: list[int] = []
    sizes = []
    for part in parts:
        for label, name in enumerate(classes):
            found = _pictures_in(folder / part / name)
            if len(found) < least:
                raise RequestError(
                    f"'{folder / part / name}' has {len(found) or 'no'} picture"
                    f"{'' if len(found) == 1 else 's'}, and {least} "
                    f"{'is' if least == 1 else 'are'} the least; a picture's name ends in "
                    f"{', '.join(ENDINGS)}"
                )
            paths += found
            labels += [label] * len(found)
        sizes.append(len(paths))
    known = np.array(labels, dtype=np.int64)
    test = np.arange(sizes[0], len(paths)) if len(parts) > 1 else None
    pictures, split = _read_all(folder, paths), split_of(known, test)
    _require_apart(paths, pictures, split)
    name = one_line(folder.resolve().name)[:60]
    return named_dataset(f"folder:{name}", pictures, known, split, classes)


def _parts(folder: Path) -> tuple[str, ...]:
    """`train` and `test`, or the folder itself."""
    inside = _folders(folder)
    there = [part for part in PARTS if part in inside]
    if len(there) == 1:
        (missing,) = {*PARTS} - {*there}
        raise RequestError(
            f"'{folder}' has a folder '{there[0]}' and none called '{missing}'; {_LAYOUT}"
        )
    if there and len(inside) > len(PARTS):
        other = next(name for name in inside if name not in PARTS)
        raise RequestError(
            f"'{folder}' has a folder '{one_line(other)}' beside train and test; take it out, or "
            f"{_LAYOUT}"
        )
    return PARTS if there else (".",)


def _folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, in their order; hidden ones are passed over."""
    try:
        with os.scandir(folder) as entries:
            return sorted(x.name for x in entries if x.is_dir() and x.name[0] != ".")
    except (OSError, ValueError) as error:
        raise RequestError(f"no folder '{one_line(folder)[:200]}'; {_LAYOUT}") from error


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder and in folders inside it, in the order of `ImageFolder`."""
    return [
        Path(place) / name
        for place, _, names in sorted(os.walk(folder, followlinks=True))
        for name in sorted(names)
        if name.lower().endswith(ENDINGS)
    ]


def _read_all(folder: Path, paths: Sequence[Path]) -> tuple[Image.Image, ...]:
    """The pictures, as far as they fit into memory."""
    import psutil

    most = SHARE_OF_MEMORY * psutil.virtual_memory().available
    taken = 0
    pictures = []
    for path in paths:
        pictures.append(_read(path))
        taken += BYTES_PER_PIXEL * pictures[-1].width * pictures[-1].height
        if taken > most:
            raise RequestError(
                f"the {len(paths):,} pictures in '{folder}' do not fit into memory: the first "
                f"{len(pictures):,} take {taken / 2**30:.1f} GiB; make them smaller or fewer"
            )
    return tuple(pictures)


def _require_apart(
    paths: Sequence[Path],
    pictures: Sequence[Image.Image],
    split: tuple[Integers, Integers, Integers],
) -> None:
    """Checks that no test picture is a training or validation picture as well."""
    train, validation, test = split
    known = dict(_digests(pictures, [*train, *validation]))
    found = [
        (known[content], place) for content, place in _digests(pictures, test) if content in known
    ]
    if found:
        first, second = (one_line(paths[place]) for place in found[0])
        raise RequestError(
            f"'{first}' and '{second}' are the same picture, one for training and one for testing; "
            f"so are {len(found)} of {len(test)} test pictures, and a network would be right on "
            "them by heart: remove one of each"
        )


def _digests(pictures: Sequence[Image.Image], places: Iterable[int]) -> list[tuple[bytes, int]]:
    """By its pixels, where each picture is."""
    return [
        (hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest(), place)
        for place in map(int, places)
        for picture in (pictures[place],)
    ]


def _read(path: Path) -> Image.Image:
    if not path.is_file():  # a pipe would be waited for without an end
        raise RequestError(f"'{one_line(path)}' is no file; remove it")
    try:
        return read_picture(path)
    except Exception as error:  # damaged files raise whatever their format's reader runs into
        raise RequestError(
            f"'{one_line(path)}' is no picture that Pillow can read ({one_line(error)}); remove or "
            "convert it"
        ) from error
