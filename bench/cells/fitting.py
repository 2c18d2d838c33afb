"""All data sets by name: what they ask of a network, which fit, and where they are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zoo
from bench.cells import catalogue
from bench.records.code import code_sha256
from bench.records.errors import RequestError
from bench.records.text import one_line
from zoo import ModelSpec, Recipe

if TYPE_CHECKING:
    from bench.cells.data import Dataset

# Published sets of pictures, and how many classes they have.
PUBLISHED = {"fashion-mnist": 10, "kmnist": 10, "emnist-letters": 26, "cifar10": 10, "usps": 10}
IN_COLOUR = ("cifar10",)  # of them
NAMES = (*catalogue.NAMES, *PUBLISHED)
OWN_KINDS = {"folder": "DIR", "table": "FILE"}
VALID = ", ".join(
    (*NAMES, "pictures:DIR", *(f"{kind}:{place}" for kind, place in OWN_KINDS.items()))
)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a data set asks of a network.

    Attributes:
        classes: How many there are to tell apart.
        features: Numbers in a row; None where samples are pictures.
        shows_some: Whether a network with fewer outputs is shown the first so many classes.
    """

    classes: int
    features: int | None = None
    shows_some: bool = False


def require_known(name: str) -> None:
    """Checks that `name` names a data set.

    Raises:
        RequestError: It does not.
    """
    kind, _, place = name.partition(":")
    if name not in NAMES and not (place and kind in ("pictures", *OWN_KINDS)):
        raise RequestError(f"unknown data set '{one_line(name)[:200]}'; choose one of {VALID}")


def task_of(dataset: str) -> Task:
    """What a data set asks for; of the user's own, as its files say.

    Raises:
        RequestError: They are missing or wrong.
    """
    kind, _, place = dataset.partition(":")
    # Not at the top, here and in `read`: a request is answered before numpy is loaded.
    if dataset == "sums":
        return Task(classes=catalogue.SUMS_CLASSES, features=catalogue.SUMS_FEATURES)
    if kind == "folder":
        from bench.cells.folders import classes_in

        return Task(classes=len(classes_in(Path(place))))
    if kind == "table":
        from bench.cells.tables import open_table

        table = open_table(Path(place))
        return Task(classes=len(table.classes), features=table.features.shape[1])
    classes = PUBLISHED.get(dataset, catalogue.IMAGE_CLASSES)
    return Task(classes=classes, shows_some=classes == catalogue.IMAGE_CLASSES)


def shows_grey(dataset: str) -> bool:
    """Whether all pictures of a data set are grey, also for networks that take colour."""
    return dataset in NAMES and dataset not in IN_COLOUR


def fitted(spec: ModelSpec, task: Task) -> ModelSpec:
    """A network with as many outputs as a task has classes, where it can have them."""
    return zoo.with_classes(spec, task.classes)


def why_not(spec: ModelSpec, dataset: str, task: Task) -> str | None:
    """Why a model, fitted as far as it can be, cannot take a data set; None if it can."""
    shape, classes = spec.input_shape, spec.classes
    times = "x".join(map(str, shape))
    if task.features is not None:
        if shape != (task.features,):
            return (
                f"'{spec.name}' takes {times} input, '{dataset}' has rows of {task.features} "
                "numbers"
            )
    elif not spec.takes_images:
        return f"'{spec.name}' takes rows of {times} numbers, '{dataset}' has pictures"
    elif shape[0] not in (1, 3) or shape[1] != shape[2]:
        return f"'{spec.name}' takes {times} input; pictures are square with 1 or 3 channels"
    # Of ten digits or things, a network with fewer outputs is shown the first so many.
    takes_some = task.shows_some and 2 <= classes <= task.classes
    if classes == task.classes or takes_some:
        return None
    return f"'{spec.name}' has {classes} classes, '{dataset}' has {task.classes}"


def image_models() -> tuple[str, ...]:
    """The networks of the zoo that take pictures of ten digits, the heavy ones left out."""
    specs = map(zoo.get, zoo.names())
    fitting = (spec for spec in specs if why_not(spec, "mnist", task_of("mnist")) is None)
    return tuple(spec.name for spec in fitting if "heavy" not in spec.tags)


def twins(models: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Networks that differ, each with those that build the same one under another name."""
    same: dict[str, list[str]] = {}
    for model in models:
        same.setdefault(code_sha256(zoo.get(model).build), []).append(model)
    return {first: tuple(others) for first, *others in same.values()}


def trains_on_all(recipe: Recipe, dataset: str) -> bool:
    """Whether a recipe written for a handful of pictures gets all of the user's own data."""
    own = dataset.partition(":")[0] in OWN_KINDS
    return own and recipe.samples_per_class is not None


def is_here(name: str, data_root: Path) -> bool:
    """Whether a data set can be read without downloading it; what its files hold, `read` says."""
    files: tuple[str, ...] = ()
    if name == "mnist":
        from bench.cells.data import MNIST_MD5

        files = tuple(f"MNIST/raw/{file}" for file in MNIST_MD5)
    elif name in PUBLISHED:
        from bench.cells.published import SOURCES

        files = SOURCES[name]().files
    return all((data_root / file).is_file() for file in files)


def read(name: str, *, data_root: Path, seed: int) -> Dataset:
    """Reads a data set.

    Args:
        name: One of `VALID`.
        data_root: The folder above `MNIST/raw`.
        seed: What `sums` is drawn from; the others are the same for every seed.

    Raises:
        RequestError: The name is unknown, or the files are missing or wrong.
    """
    require_known(name)
    kind, _, place = name.partition(":")
    if kind == "folder":
        from bench.cells.folders import read_folder

        return read_folder(Path(place))
    if kind == "table":
        from bench.cells.tables import read_table

        return read_table(Path(place))
    if name in PUBLISHED:
        from bench.cells.published import read_published

        return read_published(name, data_root)
    from bench.cells.data import load

    return load(name, data_root=data_root, seed=seed)
