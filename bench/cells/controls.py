"""Cells that a run trains as a control: the same network on pictures with permuted pixels.

A fully connected network knows nothing of neighbourhood. Its first weights are drawn independently
of each other and from one distribution, and an optimiser treats each by itself: so over seeds it is
as accurate on pictures whose pixels are in another order, the same for all of them, as on the
pictures. A run that finds a difference is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.cells.plan import Cell

EXCHANGEABLE = "dnn"  # the fully connected network on pictures
SHARE, LEAST_SEEDS = 0.1, 2  # of a run's cells at most, but so many seeds at least


def permuted_name(model: str) -> str:
    """What a network is called on pictures with permuted pixels."""
    return f"{model}-permuted"


def permuted_cells(cells: Sequence[Cell]) -> list[Cell]:
    """Cells on permuted pixels of the fully connected network, for its first seeds.

    They are a tenth of the run's cells at most, because a run should not take much longer for its
    controls, but two seeds at least. None of a single seed, which says nothing; and none where the
    recipe changes the pictures at random: shifted pictures with permuted pixels are not permuted
    pictures that are shifted.
    """
    found = [cell for cell in cells if cell.model == EXCHANGEABLE and not cell.recipe.augmentation]
    devices = {cell.device for cell in found}
    most = max(LEAST_SEEDS, int(SHARE * len(cells)) // max(1, len(devices)))
    seeds = tuple(dict.fromkeys(cell.seed for cell in found))[:most]
    if len(seeds) < LEAST_SEEDS:
        return []
    return [
        replace(
            cell,
            spec=replace(cell.spec, name=permuted_name(cell.model)),
            permuted=True,
            together=cell.together and tuple(seed for seed in cell.together if seed in seeds),
        )
        for cell in found
        if cell.seed in seeds
    ]
