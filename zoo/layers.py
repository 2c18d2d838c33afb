"""Declared layers: sizes on paper, from which shapes, parameters and work follow in closed form.

A network is declared twice on purpose: here as sizes copied from its document, and beside it as a
`torch.nn` module. Neither is made from the other, so a slip in one shows itself as a disagreement
(`bench.cells.count`).

Shapes are (channels, height, width) or (features,), always without the batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

Shape = tuple[int, ...]


class Layer(Protocol):
    """What every declared layer answers from its sizes alone."""

    @property
    def parameters(self) -> int:
        """Trainable numbers, biases included."""

    def output_shape(self, shape: Shape) -> Shape:
        """The shape that comes out for `shape` going in; ValueError where it does not fit."""

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates of one sample of `shape`; biases and activations not counted."""

    def __str__(self) -> str:
        """The layer in a word or two, as in `conv 1-6 k5 p2`."""


class _Weightless:
    """Defaults of the layers that have no parameters and multiply nothing."""

    @property
    def parameters(self) -> int:
        return 0

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def macs(self, shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class Conv:
    """A square convolution with stride 1 and a bias per output channel."""

    inputs: int
    outputs: int
    kernel: int
    padding: int = 0

    @property
    def parameters(self) -> int:
        return self.outputs * (self.inputs * self.kernel**2 + 1)

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = _image(self, shape)
        if channels != self.inputs:
            raise ValueError(f"{self} takes {self.inputs} channels, not shape {shape}")
        grow = 2 * self.padding - self.kernel + 1
        if min(height, width) + grow < 1:
            raise ValueError(f"{self} does not fit into shape {shape}")
        return (self.outputs, height + grow, width + grow)

    def macs(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * self.inputs * self.kernel**2

    def __str__(self) -> str:
        padding = f" p{self.padding}" if self.padding else ""
        return f"conv {self.inputs}-{self.outputs} k{self.kernel}{padding}"


@dataclass(frozen=True)
class Linear:
    """A fully connected layer with a bias per output."""

    inputs: int
    outputs: int

    @property
    def parameters(self) -> int:
        return self.outputs * (self.inputs + 1)

    def output_shape(self, shape: Shape) -> Shape:
        if shape != (self.inputs,):
            raise ValueError(f"linear {self} takes shape {(self.inputs,)}, not {shape}")
        return (self.outputs,)

    def macs(self, shape: Shape) -> int:
        return self.inputs * self.outputs

    def __str__(self) -> str:
        return f"{self.inputs}-{self.outputs}"


@dataclass(frozen=True)
class Pool(_Weightless):
    """Pooling over 2x2 windows that do not overlap.

    An odd last row or column is dropped, or with `halve_up` pooled by itself.
    """

    kind: Literal["avg", "max"]
    halve_up: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = _image(self, shape)
        return (channels, (height + self.halve_up) // 2, (width + self.halve_up) // 2)

    def __str__(self) -> str:
        return f"{self.kind} 2"


@dataclass(frozen=True)
class Activation(_Weightless):
    """An elementwise function, or a softmax over the outputs."""

    name: Literal["sigmoid", "relu", "tanh", "softmax", "log-softmax"]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Dropout(_Weightless):
    """Dropout of single features, or of whole channels."""

    probability: float
    of: Literal["features", "channels"] = "features"

    def __str__(self) -> str:
        return f"dropout{'2d' if self.of == 'channels' else ''} {self.probability}"


@dataclass(frozen=True)
class Flatten(_Weightless):
    """Everything in one row."""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def __str__(self) -> str:
        return "flatten"


def shapes(layers: tuple[Layer, ...], input_shape: Shape) -> tuple[Shape, ...]:
    """The output shape of every layer in turn.

    Raises:
        ValueError: A layer does not fit what the layer before it gives.
    """
    found = []
    shape = input_shape
    for layer in layers:
        shape = layer.output_shape(shape)
        found.append(shape)
    return tuple(found)


def _image(layer: object, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"{layer} takes (channels, height, width), not shape {shape}")
    return (shape[0], shape[1], shape[2])
