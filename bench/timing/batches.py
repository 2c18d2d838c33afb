"""Inference at batches of 1 to 1,024 pictures: all networks and all sizes in the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bench.cells.plan import Cell
from bench.records import kinds
from bench.timing.guarded import measure_guarded
from bench.timing.measure import Asked, FailedTiming, Timing
from bench.timing.protocol import PROCESSES, Workload
from bench.timing.workloads import timing_record

BATCHES = (1, 4, 16, 64, 256, 1024)
ROUNDS = 6  # 11 networks take three minutes


@dataclass(frozen=True, kw_only=True)
class BatchWorkload(Workload):
    """Inference with so many pictures at a time."""

    size: int

    @property
    def batch(self) -> int:
        """Pictures per step."""
        return self.size


def measure_batches(
    cells: Mapping[str, Cell],
    device: str,
    on_round: Callable[[int], None],
    *,
    seconds: float | None = None,
    processes: int = PROCESSES,
    rounds: int = ROUNDS,
) -> list[kinds.Timing]:
    """The records of all networks at all sizes; what failed has one, too.

    Args:
        cells: By the network's name, a cell with its entry and its recipe.
        device: Where it runs.
        on_round: Called after each round with the number of rounds done.
        seconds: How long a workload may take to be made ready, or in a round; None is for ever.
        processes: How many measure all of them in turns.
        rounds: How often each is visited in every process.
    """
    asked = [
        Asked(
            workload=BatchWorkload(model=model, device=device, phase="inference", size=size),
            spec=cell.spec,
            recipe=cell.recipe,
        )
        for model, cell in cells.items()
        for size in BATCHES
    ]
    timings, failed = measure_guarded(
        asked, processes=processes, rounds=rounds, on_round=on_round, seconds=seconds
    )
    measured: Sequence[Timing | FailedTiming] = [*timings, *failed]
    return [_record(found) for found in measured]


def _record(found: Timing | FailedTiming) -> kinds.Timing:
    workload = found.workload
    plain = Workload(model=workload.model, device=workload.device, phase=workload.phase)
    record = timing_record(found, plain, f"{workload.model}-{workload.device}-{workload.batch}")
    return msgspec.structs.replace(record, batch=workload.batch)
