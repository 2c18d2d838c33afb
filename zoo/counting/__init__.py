"""The counting exercise of `bp-cnn`: its two networks, and its tables in closed form."""

from __future__ import annotations

from zoo.counting.exercise import CountingRow, counting_exercise
from zoo.counting.networks import CLASSES, SIDE, bp, bp_layers, cnn, cnn_layers

__all__ = [
    "CLASSES",
    "SIDE",
    "CountingRow",
    "bp",
    "bp_layers",
    "cnn",
    "cnn_layers",
    "counting_exercise",
]
