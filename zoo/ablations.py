"""Networks of the zoo with something taken out: what that something was worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from zoo.spec import ModelSpec, Output

if TYPE_CHECKING:
    from torch import nn


def without(spec: ModelSpec, *names: str, called: str, output: Output | None = None) -> ModelSpec:
    """An entry whose network does nothing at some of its layers; not registered.

    Args:
        spec: The entry; its network is a `nn.Sequential` with named layers.
        names: The layers, activations or dropouts, so that no shape and no parameter changes.
        called: The new entry's name.
        output: What the outputs are then, if something else.
    """
    return replace(
        spec,
        name=called,
        aliases=(),
        build=partial(build_without, spec.build, names),
        output=output or spec.output,
    )


def build_without(build: Callable[[], nn.Module], names: tuple[str, ...]) -> nn.Module:
    """The network that `build` makes, with identities in place of the layers named.

    Raises:
        KeyError: It has no layer of that name.
        ValueError: The layer has parameters.
    """
    from torch import nn

    network = build()
    for name in names:
        layer = dict(network.named_children())[name]
        if any(True for _ in layer.parameters()):
            raise ValueError(
                f"layer '{name}' ({layer}) has parameters; taking it out is no ablation"
            )
        setattr(network, name, nn.Identity())
    return network
