"""The names of data sets, and which networks can take them: what needs no data to be known."""

from __future__ import annotations

from collections.abc import Iterable

import zoo
from bench.records.code import code_sha256
from bench.records.errors import RequestError
from zoo import ModelSpec, Recipe

NAMES = ("digits", "mnist", "sums")
VALID = f"{', '.join(NAMES)}, pictures:DIR"
DRAWN_PER_SEED = ("sums",)  # the other data sets do not depend on the seed
IMAGE_CLASSES = 10
SUMS_FEATURES = 3
SUMS_CLASSES = 3


def validate_name(name: str) -> None:
    """Checks that `name` names a data set; whether its files are there, `load` finds out.

    Raises:
        RequestError: It does not.
    """
    kind, _, folder = name.partition(":")
    if name not in NAMES and not (kind == "pictures" and folder):
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


def takes_few(dataset: str, recipe: Recipe) -> bool:
    """Whether a recipe written for a handful of pictures runs here without them."""
    return recipe.samples_per_class is not None and dataset.partition(":")[0] != "pictures"


def image_models() -> tuple[str, ...]:
    """The networks of the zoo that take pictures of ten digits, the heavy ones left out."""
    specs = map(zoo.get, zoo.names())
    fitting = (spec for spec in specs if why_not(spec, "mnist") is None)
    return tuple(spec.name for spec in fitting if "heavy" not in spec.tags)


def twins(models: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Networks that differ, each with those that build the same one under another name."""
    same: dict[str, list[str]] = {}
    for model in models:
        same.setdefault(code_sha256(zoo.get(model).build), []).append(model)
    return {first: tuple(others) for first, *others in same.values()}
