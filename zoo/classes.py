"""Networks that can have any number of outputs, so that they fit any data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from zoo import torchvision
from zoo.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class AdaptableSpec(ModelSpec):
    """An entry whose number of outputs can be changed.

    Attributes:
        build_for: Makes the module with another number of outputs, as `build_for(classes=5)`.
    """

    build_for: Callable[..., nn.Module]


def with_classes(spec: ModelSpec, classes: int) -> ModelSpec:
    """An entry with so many outputs; as it is where it has them, or cannot have them.

    Declared layers hold for the entry's own number alone, so that with another it has none.
    """
    if classes == spec.classes:
        return spec
    if isinstance(spec, AdaptableSpec):
        build = partial(spec.build_for, classes=classes)
        return replace(spec, classes=classes, build=build, layers=None)
    if spec.document == torchvision.DOCUMENT:
        build = partial(torchvision.build, spec.name.removeprefix(torchvision.PREFIX), classes)
        return replace(spec, classes=classes, build=build)
    return spec
