"""The data sets of the documents by name: what needs no data to be known."""

from __future__ import annotations

from bench.records.errors import RequestError
from zoo import Recipe

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


def takes_few(dataset: str, recipe: Recipe) -> bool:
    """Whether a recipe written for a handful of pictures runs here without them."""
    return recipe.samples_per_class is not None and dataset.partition(":")[0] != "pictures"
