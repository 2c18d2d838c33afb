"""BP against CNN, counted in closed form, over the range that the lost figures leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.counting.networks import SIDE, bp_layers, cnn_layers
from zoo.layers import Layer, Shape, shapes

KERNELS = (5, 3)
SMALLEST_SIDE = 8  # three halvings leave one pixel
LARGEST_SIDE = 10_000
MOST_HIDDEN = LARGEST_SIDE**2  # as many as the largest picture has pixels


@dataclass(frozen=True, kw_only=True)
class CountingRow:
    """One network of the counting exercise.

    Attributes:
        network: What it is.
        layer_parameters: Trainable numbers of each layer that has any, biases included.
        parameters: Their sum.
        macs: Multiply-accumulates of one picture, biases not counted.
        bp_parameters_ratio: How many times as many parameters the BP network has.
        bp_macs_ratio: How many times as many multiply-accumulates the BP network needs.
    """

    network: str
    layer_parameters: tuple[int, ...]
    parameters: int
    macs: int
    bp_parameters_ratio: float
    bp_macs_ratio: float


def counting_exercise(
    side: int = SIDE, *, hidden: int | None = None, kernels: Sequence[int] = KERNELS
) -> tuple[CountingRow, ...]:
    """The BP network first, then every CNN that fits the document's words.

    Source: bp-cnn, part one, third section. Kernel size and the halving of odd sizes are lost; a
    CNN whose sizes are never odd when halved stands here once.

    Args:
        side: Pixels along one edge of the picture.
        hidden: Neurons of each of BP's hidden layers; None takes as many as there are pixels.
        kernels: The CNN's kernel sizes.

    Raises:
        ValueError: The side is not in 8..10,000, the hidden neurons are not in 1..100,000,000, or
            a kernel is even or wider than the picture.
    """
    _validate(side, hidden, kernels)
    neurons = side * side if hidden is None else hidden
    networks = {f"BP, three hidden layers of {neurons:,}": bp_layers(side, neurons)}
    for kernel in kernels:
        down, up = (cnn_layers(side, kernel, halve_up=halve_up) for halve_up in (False, True))
        if down[-3] == up[-3]:
            networks[f"CNN, kernel {kernel}"] = down
        else:
            networks[f"CNN, kernel {kernel}, odd sizes halved down"] = down
            networks[f"CNN, kernel {kernel}, odd sizes halved up"] = up
    bp = next(iter(networks.values()))
    return tuple(
        CountingRow(
            network=name,
            layer_parameters=tuple(layer.parameters for layer in layers if layer.parameters),
            parameters=_parameters(layers),
            macs=_macs(layers, side),
            bp_parameters_ratio=_parameters(bp) / _parameters(layers),
            bp_macs_ratio=_macs(bp, side) / _macs(layers, side),
        )
        for name, layers in networks.items()
    )


def _validate(side: int, hidden: int | None, kernels: Sequence[int]) -> None:
    if side < SMALLEST_SIDE:
        raise ValueError(
            f"a side of {side} is too small to be halved three times; {SMALLEST_SIDE} is the least"
        )
    if side > LARGEST_SIDE:
        raise ValueError(f"a side of {side} is too large; {LARGEST_SIDE:,} is the most")
    if hidden is not None and not 1 <= hidden <= MOST_HIDDEN:
        raise ValueError(f"{hidden} hidden neurons in a layer; choose 1 to {MOST_HIDDEN:,}")
    for kernel in kernels:
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(
                f"a kernel of {kernel} cannot keep a picture's size; choose 1, 3, 5 or another "
                "odd number"
            )
        if kernel > side:
            raise ValueError(
                f"a kernel of {kernel} is wider than the picture; its side of {side} is the most"
            )


def _parameters(layers: tuple[Layer, ...]) -> int:
    return sum(layer.parameters for layer in layers)


def _macs(layers: tuple[Layer, ...], side: int) -> int:
    picture: Shape = (1, side, side)
    before = (picture, *shapes(layers, picture)[:-1])
    return sum(layer.macs(shape) for layer, shape in zip(layers, before, strict=True))
