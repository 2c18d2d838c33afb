"""What a run lists and no record holds any more: shown as failed, never passed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import msgspec

from bench.records import kinds
from bench.records.store import of_kind
from bench.records.wrong_answers import WrongAnswers

_NO_RECORD = "no whole record is left; the same command trains it again"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What is missing of a run.

    Attributes:
        cells: A failed record for each cell of which a network has others.
        lines: What else is missing, a line each.
    """

    cells: tuple[kinds.Train, ...]
    lines: tuple[str, ...]


def missing(found: Sequence[kinds.Record], request: kinds.Request) -> Missing:
    """What of a finished run has no record; nothing of one that has only been declared.

    Args:
        found: The records of the run that there are.
        request: What lists them.
    """
    keys = len(set(request.keys) - {record.key for record in found})
    finished = request.until_settled is None or request.until_settled.ran
    if not keys or not finished:
        return Missing(cells=(), lines=())
    cells = {(r.model, r.device, r.seed): r for r in of_kind(found, kinds.Train)}
    lost = [
        (model, device, seed)
        for device, model in product(request.devices, request.ran)
        for seed in request.seeds_of(model)
        if (model, device, seed) not in cells
    ]
    failed, lines = [], []
    for model, device, seed in lost:
        sibling = _sibling(model, device, seed, cells)
        if sibling is None:
            lines.append(f"`{model}` on {device}, seed {seed}: {_NO_RECORD}")
        else:
            failed.append(_failed(sibling, device, seed))
    others = keys - len(lost)
    if others > 0:
        lines.append(
            f"{others} counts, measurements or reference predictors: no whole record is left; the "
            "same command makes them again"
        )
    return Missing(cells=tuple(failed), lines=tuple(lines))


def _sibling(
    model: str, device: str, seed: int, cells: dict[tuple[str, str, int], kinds.Train]
) -> kinds.Train | None:
    """The cell of the same network that is most like a lost one: best of the same seed."""
    alike = [cell for (name, _, _), cell in cells.items() if name == model]
    return min(alike, key=lambda x: (x.seed != seed, x.device != device), default=None)


def _failed(sibling: kinds.Train, device: str, seed: int) -> kinds.Train:
    return msgspec.structs.replace(
        sibling,
        key="",
        device=device,
        seed=seed,
        status="failed",
        error=_NO_RECORD,
        test_accuracy=None,
        test_accuracy_selected=None,
        validation_accuracy=None,
        updates=None,
        diverged_at=None,
        train_seconds=None,
        weights_sha256=None,
        misclassified=WrongAnswers(),
        training_curve=(),
        test_curve=(),
    )
