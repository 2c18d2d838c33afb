"""The colour and the marker of a network: the same in all figures of all reports."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, product

from bench.writing.style import BLUE, CYAN, GREEN, GREY, INK, OLIVE, ORANGE, PURPLE, RED

Mark = tuple[str, str]

# The 3 x 2 design shows its factors: colour is the activation, marker the pooling.
ACTIVATION_COLOURS = {"sigmoid": ORANGE, "relu": CYAN, "tanh": OLIVE}
POOLING_MARKERS = {"avg": "o", "max": "^"}
_KNOWN: dict[str, Mark] = {
    "lenet": (RED, "D"),
    "cnn": (PURPLE, "s"),
    "net": (GREEN, "v"),
    "dnn": (BLUE, "X"),
    "lenet-sigmoid": (GREY, "P"),
    "lenet-sigmoid-max": (GREY, "d"),
    "lenet-rgb": (INK, "s"),
    "dnn-sums": (BLUE, "v"),
    "bp-100": (BLUE, "P"),
    "cnn-100": (PURPLE, "v"),
    **{
        f"lenet5-{activation}-{pooling}": (colour, marker)
        for activation, colour in ACTIVATION_COLOURS.items()
        for pooling, marker in POOLING_MARKERS.items()
    },
}
_OTHERS = tuple(product("h*p<>", (INK, OLIVE, CYAN, ORANGE, GREEN)))


def marks(models: Sequence[str]) -> dict[str, Mark]:
    """A colour and a marker for each network.

    Networks that the zoo does not come with have those left over, in turns, in their order.
    """
    others = cycle((colour, marker) for marker, colour in _OTHERS)
    return {model: _KNOWN[model] if model in _KNOWN else next(others) for model in models}
