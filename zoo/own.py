"""`model`: a class or function of the user's own becomes an entry of the zoo."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.checking import find_outputs
from zoo.classes import AdaptableSpec
from zoo.extension import ExtensionError
from zoo.layers import Layer
from zoo.registry import register_later
from zoo.spec import NO_RECIPE, Document, ModelSpec, Output, Recipe

if TYPE_CHECKING:
    from torch import nn

    Builder = TypeVar("Builder", bound=Callable[..., nn.Module])

CLASSES = 10  # of a builder that is asked for any number, until the data say how many
OWN = Document(id="own", title="Networks of your own", builds="what your file builds")


@dataclass(frozen=True, kw_only=True)
class _Declared:
    """What a decorator was given."""

    input_shape: Sequence[int]
    name: str | None
    classes: int | None
    output: Output | None
    recipe: Recipe | None
    layers: Sequence[Layer] | None
    document: Document


def model(
    *,
    input_shape: Sequence[int],
    name: str | None = None,
    classes: int | None = None,
    output: Output | None = None,
    recipe: Recipe | None = None,
    layers: Sequence[Layer] | None = None,
    document: Document = OWN,
) -> Callable[[Builder], Builder]:
    """Registers the class or function that stands below it, and leaves it as it is.

    Args:
        input_shape: Shape of one sample, without the batch: (channels, side, side) of pictures, or
            (features,) of rows.
        name: The registry name; None makes `two-branches` of `TwoBranches` and `two_branches`.
        classes: Number of outputs; None finds it by a forward pass. A class or function that takes
            an argument `classes` is asked for as many as the data have.
        output: What the outputs are; None finds it by a forward pass.
        recipe: The network's own way of being trained, which `--recipe document` asks for.
        layers: Sizes on paper that the module is checked against.
        document: Where the network comes from.

    The entry is made when the registry is asked next. Then it raises `ExtensionError` where the
    network cannot be built or its forward pass does not give what it should, and `ValueError` where
    the name is taken or no plain name, or the layers do not fit.
    """
    declared = _Declared(
        input_shape=input_shape,
        name=name,
        classes=classes,
        output=output,
        recipe=recipe,
        layers=layers,
        document=document,
    )

    def add(builder: Builder) -> Builder:
        register_later(partial(_entry, builder, declared))
        return builder

    return add


def name_of(builder: Callable[[], object]) -> str:
    """A registry name made of the name of a class or function: `two-branches` of `TwoBranches`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])|_", "-", builder.__name__)
    return words.strip("-").lower()


def _entry(builder: Callable[..., nn.Module], declared: _Declared) -> ModelSpec:
    name = name_of(builder) if declared.name is None else declared.name
    shape = _shape(name, declared.input_shape)
    classes, output = declared.classes, declared.output
    asked = _asked_for_classes(builder)
    build: Callable[[], nn.Module] = builder
    if asked is not None and (classes is not None or asked.default is asked.empty):
        build = partial(builder, classes=CLASSES if classes is None else classes)
    if classes is None or output is None:
        found = find_outputs(name, build, shape)
        classes = found.classes if classes is None else classes
        output = found.output if output is None else output
    entry: dict[str, Any] = {
        "name": name,
        "document": declared.document,
        "input_shape": shape,
        "classes": classes,
        "output": output,
        "build": build,
        "recipe": NO_RECIPE if declared.recipe is None else declared.recipe,
        "layers": None if declared.layers is None else tuple(declared.layers),
    }
    return ModelSpec(**entry) if asked is None else AdaptableSpec(**entry, build_for=builder)


def _asked_for_classes(builder: Callable[..., nn.Module]) -> inspect.Parameter | None:
    """The argument `classes` of what builds a network; None where it takes none."""
    try:
        return inspect.signature(builder).parameters.get("classes")
    except (TypeError, ValueError):  # what is written in C may not say
        return None


def _shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) not in (1, 3) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ExtensionError(
            f"'{name}' has input_shape={shape!r}; give the shape of one sample without the batch: "
            "(channels, side, side) or (features,)"
        )
    return tuple(shape)
