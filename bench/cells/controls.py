"""Cells that a run trains as a control: the same network on pictures with permuted pixels.

A fully connected network knows nothing of neighbourhood. Its first weights are drawn independently
of each other and from one distribution, and an optimiser treats each by itself: so over seeds it is
as accurate on pictures whose pixels are in another order, the same for all of them, as on the
pictures. A run that finds a difference is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench.cells.plan import Cell

EXCHANGEABLE = "dnn"  # the fully connected network on pictures


def permuted_name(model: str) -> str:
    """What a network is called on pictures with permuted pixels."""
    return f"{model}-permuted"


def permuted_cells(cells: Iterable[Cell]) -> list[Cell]:
    """A cell on permuted pixels for each of the fully connected network.

    None of a single seed, which says nothing; and none where the recipe changes the pictures at
    random: shifted pictures with permuted pixels are not permuted pictures that are shifted.
    """
    found = [cell for cell in cells if cell.model == EXCHANGEABLE and not cell.recipe.augmentation]
    if len({cell.seed for cell in found}) < 2:
        return []
    return [
        replace(cell, spec=replace(cell.spec, name=permuted_name(cell.model)), permuted=True)
        for cell in found
    ]
