"""Where a run departs from the documents of its networks."""

from __future__ import annotations

from bench.cells.catalogue import takes_few
from bench.cells.plan import Cell
from zoo import Deviation


def deviations(cell: Cell) -> tuple[Deviation, ...]:
    """Where a cell departs from its model's document: the entry's own places, then the run's."""
    spec = cell.spec
    if cell.recipe_name != "document":
        return ()
    found = list(spec.deviations)
    written_for, dataset = spec.recipe.dataset, cell.dataset.partition(":")[0]
    if takes_few(cell.dataset, spec.recipe):
        assert spec.recipe.samples_per_class is not None
        train, test = spec.recipe.samples_per_class
        found.append(
            Deviation(
                what=f"the first {train} training and {test} test pictures of each digit "
                f"of {dataset}",
                reason="the document's own pictures are missing",
            )
        )
    elif dataset != written_for:
        found.append(
            Deviation(
                what=f"trained on {dataset}, not {written_for}", reason="asked for by this run"
            )
        )
    if cell.epochs is not None and cell.epochs != spec.recipe.epochs:
        found.append(
            Deviation(
                what=f"{cell.epochs} epochs, not {spec.recipe.epochs}",
                reason="asked for by this run",
            )
        )
    return tuple(found)
