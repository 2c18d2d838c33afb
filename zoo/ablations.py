"""Networks of the zoo with something taken out: what that something was worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch import nn

from zoo.layers import Activation, Conv, Flatten, Linear, Pool
from zoo.spec import ModelSpec, Output


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
    network = build()
    for name in names:
        layer = dict(network.named_children())[name]
        if any(True for _ in layer.parameters()):
            raise ValueError(
                f"layer '{name}' ({layer}) has parameters; taking it out is no ablation"
            )
        setattr(network, name, nn.Identity())
    return network


def with_one_affine_layer(spec: ModelSpec, *, called: str) -> ModelSpec:
    """`lenet-sigmoid` with the single affine layer from 400 to 10 that its last three equal."""
    return replace(
        spec,
        name=called,
        aliases=(),
        layers=(
            *(Conv(1, 6, 5, padding=2), Activation("sigmoid"), Pool("avg")),
            *(Conv(6, 16, 5), Activation("sigmoid"), Pool("avg")),
            *(Flatten(), Linear(400, 10)),
        ),
        build=partial(build_with_one_affine_layer, spec.build),
    )


def build_with_one_affine_layer(build: Callable[[], nn.Module]) -> nn.Sequential:
    """The network that `build` makes up to S4, then one affine layer: 1x28x28 to ten logits."""
    layers = dict(build().named_children())
    kept = [layers[name] for name in ("c1", "a1", "s2", "c3", "a3", "s4")]  # N x 16 x 5 x 5
    return nn.Sequential(*kept, nn.Flatten(), nn.Linear(400, 10))  # N x 400, N x 10
