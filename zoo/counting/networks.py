"""The networks of `bp-cnn`'s counting exercise: BP and CNN on the same 100x100 pictures.

The document's text survives, its figures do not. A side of 100 is inferred from "more than 300
million parameters"; kernel, activation, kind of pooling and recipe are open, and the values chosen
are recorded as deviations.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from zoo.documents import BP_CNN
from zoo.layers import Activation, Conv, Flatten, Layer, Linear, Pool
from zoo.registry import register
from zoo.spec import UNIT_RANGE, Deviation, ModelSpec, Optimiser, Recipe

if TYPE_CHECKING:
    from torch import nn

SIDE = 100  # pixels; sides 100 to 107 all give "more than 300 million" (3.00e8 to 3.79e8)
CLASSES = 3


def bp(side: int = SIDE) -> nn.Sequential:
    """A BP network with three hidden layers of as many neurons as the picture has pixels."""
    from torch import nn

    pixels = side * side
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # N x pixels
            f1=nn.Linear(pixels, pixels),
            a1=nn.ReLU(),
            f2=nn.Linear(pixels, pixels),
            a2=nn.ReLU(),
            f3=nn.Linear(pixels, pixels),
            a3=nn.ReLU(),
            output=nn.Linear(pixels, CLASSES),  # N x 3
        )
    )


def bp_layers(side: int = SIDE, hidden: int | None = None) -> tuple[Layer, ...]:
    """The declared layers of `bp`.

    Args:
        side: Pixels along one edge of the picture.
        hidden: Neurons of each hidden layer; None takes as many as the picture has pixels.
    """
    pixels = side * side
    neurons = pixels if hidden is None else hidden
    act = Activation("relu")
    return (
        *(Flatten(), Linear(pixels, neurons), act),
        *(Linear(neurons, neurons), act, Linear(neurons, neurons), act),
        Linear(neurons, CLASSES),
    )


def cnn(side: int = SIDE, kernel: int = 5, *, halve_up: bool = False) -> nn.Sequential:
    """A CNN whose convolutions keep the picture's size and whose pooling halves it, three times.

    Args:
        side: Pixels along one edge of the picture.
        kernel: Kernel size, odd.
        halve_up: Whether an odd size is halved up (25 to 13), not down (25 to 12).
    """
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(1, 10, kernel, padding=kernel // 2),  # N x 10 x 100 x 100
            a1=nn.ReLU(),
            s1=nn.MaxPool2d(2, ceil_mode=halve_up),  # N x 10 x 50 x 50
            c2=nn.Conv2d(10, 20, kernel, padding=kernel // 2),  # N x 20 x 50 x 50
            a2=nn.ReLU(),
            s2=nn.MaxPool2d(2, ceil_mode=halve_up),  # N x 20 x 25 x 25
            c3=nn.Conv2d(20, 30, kernel, padding=kernel // 2),  # N x 30 x 25 x 25
            a3=nn.ReLU(),
            s3=nn.MaxPool2d(2, ceil_mode=halve_up),  # N x 30 x 12 x 12
            flatten=nn.Flatten(),  # N x 4320
            f4=nn.Linear(30 * _halved(side, 3, up=halve_up) ** 2, 100),  # N x 100
            a4=nn.ReLU(),
            output=nn.Linear(100, CLASSES),  # N x 3
        )
    )


def cnn_layers(side: int = SIDE, kernel: int = 5, *, halve_up: bool = False) -> tuple[Layer, ...]:
    """The declared layers of `cnn`."""
    act, pool, pad = Activation("relu"), Pool("max", halve_up=halve_up), kernel // 2
    return (
        *(Conv(1, 10, kernel, padding=pad), act, pool),
        *(Conv(10, 20, kernel, padding=pad), act, pool),
        *(Conv(20, 30, kernel, padding=pad), act, pool),
        *(Flatten(), Linear(30 * _halved(side, 3, up=halve_up) ** 2, 100), act),
        Linear(100, CLASSES),
    )


def _halved(side: int, times: int, *, up: bool) -> int:
    for _ in range(times):
        side = (side + up) // 2
    return side


def _recipe(learning_rate: float) -> Recipe:
    """Ours, because the document trains neither network.

    Plain SGD, because a network of 300 million parameters with Adam's two moments would need twice
    the memory again. Each network has the learning rate at which it did best on validation samples
    (`python -m bench.choose counting`).
    """
    return Recipe(
        dataset="digits",
        normalisation=UNIT_RANGE,
        train_batch=64,
        test_batch=64,
        loss="cross-entropy",
        optimiser=Optimiser(name="sgd", learning_rate=learning_rate),
        epochs=20,
        holds_out_validation=True,
    )


INFERRED_SIDE = Deviation(
    what="pictures of 100x100",
    reason="the figure is lost with the document's pictures; 100 is inferred from "
    "'more than 300 million parameters'",
)
CHOSEN_RECIPE = Deviation(
    what="trained with plain SGD, batch 64, 20 epochs, on the digits 0 to 2 enlarged, at the "
    "learning rate that did best on validation samples",
    reason="the document counts these networks and trains neither",
)

register(
    ModelSpec(
        name="bp-100",
        document=BP_CNN,
        input_shape=(1, SIDE, SIDE),
        classes=CLASSES,
        output="logits",
        layers=bp_layers(),
        build=bp,
        recipe=_recipe(0.01),
        deviations=(
            INFERRED_SIDE,
            Deviation(what="ReLU activations", reason="the document gives none"),
            CHOSEN_RECIPE,
        ),
        tags=frozenset({"counting", "heavy"}),
    )
)

register(
    ModelSpec(
        name="cnn-100",
        document=BP_CNN,
        input_shape=(1, SIDE, SIDE),
        classes=CLASSES,
        output="logits",
        layers=cnn_layers(),
        build=cnn,
        recipe=_recipe(0.03),
        deviations=(
            INFERRED_SIDE,
            Deviation(
                what="kernel 5; an odd size is halved down (25 to 12)",
                reason="lost with the document's pictures; the counting table gives the range",
            ),
            Deviation(what="ReLU and max pooling", reason="the document gives neither"),
            CHOSEN_RECIPE,
        ),
        tags=frozenset({"counting", "heavy"}),
    )
)
