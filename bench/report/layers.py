"""What networks are made of, as far as the zoo declares it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zoo
from zoo.layers import Activation, Conv, Linear, Pool
from zoo.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Block:
    """A layer with weights, a pooling layer, or the input.

    Attributes:
        kind: `input`, `convolution`, `pooling` or `linear`.
        name: In a word or two.
        shape: What comes out of it, as in `6x28x28`.
    """

    kind: str
    name: str
    shape: str


@dataclass(frozen=True, kw_only=True)
class BlockRow:
    """Networks with layers of the same sizes, whatever their activations and poolings."""

    models: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What tells a network from others of the same sizes.

    Attributes:
        activations: By name, after how many layers.
        poolings: By name, how many.
        convolutions: How many.
        linears: How many.
    """

    activations: dict[str, int]
    poolings: dict[str, int]
    convolutions: int
    linears: int


def known(models: Iterable[str]) -> Iterator[ModelSpec]:
    """The documents' networks with these names; others may be gone when a report is rebuilt."""
    names = set(zoo.names())
    found = (zoo.get(model) for model in models if model in names)
    return (spec for spec in found if spec.document in zoo.DOCUMENTS)


def rows_of(models: Iterable[str]) -> list[BlockRow]:
    """A row for each kind of network among those whose layers are declared."""
    rows: dict[tuple[Block, ...], list[str]] = {}
    for spec in known(models):
        if spec.layers:
            rows.setdefault(tuple(_blocks(spec)), []).append(spec.name)
    return [BlockRow(models=tuple(names), blocks=blocks) for blocks, names in rows.items()]


def _blocks(spec: ModelSpec) -> Iterator[Block]:
    yield Block(kind="input", name="input", shape=_said(spec.input_shape))
    for layer, shape in zip(spec.layers or (), spec.shapes, strict=True):
        if isinstance(layer, Conv):
            name = f"conv {layer.kernel}x{layer.kernel}"
            yield Block(kind="convolution", name=name, shape=_said(shape))
        elif isinstance(layer, Pool):
            yield Block(kind="pooling", name="pool 2x2", shape=_said(shape))
        elif isinstance(layer, Linear):
            yield Block(kind="linear", name="linear", shape=_said(shape))


def _said(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def parts(spec: ModelSpec) -> Parts | None:
    """What a network is made of; None where its layers are not declared."""
    if spec.layers is None:
        return None
    layers = spec.layers
    outputs = ("softmax", "log-softmax")
    return Parts(
        activations=dict(
            Counter(
                layer.name
                for layer in layers
                if isinstance(layer, Activation) and layer.name not in outputs
            )
        ),
        poolings=dict(Counter(layer.kind for layer in layers if isinstance(layer, Pool))),
        convolutions=sum(isinstance(layer, Conv) for layer in layers),
        linears=sum(isinstance(layer, Linear) for layer in layers),
    )
