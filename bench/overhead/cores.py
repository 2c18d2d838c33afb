"""What two or more cores of this machine give to programs that share nothing else.

The ceiling of a comparison with several runs at a time: no harness can give more than processes
get that only train, each from its own memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic
from bench.cells.parent import spawned_processes
from bench.overhead.data import MODELS
from bench.overhead.steps import bare_loop


def bare_loops(side_by_side: int, data_root: Path) -> tuple[float, float]:
    """Seconds of the bare loops of five networks: in one process, and in each of several at once.

    Both are measured for a network before the next, because a shared machine's speed changes.

    Args:
        side_by_side: How many processes, one thread each.
        data_root: The folder above `MNIST/raw`.
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(spawned_processes(1)) for _ in range(side_by_side)]
        alone = beside = 0.0
        for place, model in enumerate(MODELS):
            _seconds(processes, model, data_root)  # gets the batches ready, and is left out
            if place % 2:  # who begins changes
                beside += _seconds(processes, model, data_root)
            alone += _seconds(processes[:1], model, data_root)
            if not place % 2:
                beside += _seconds(processes, model, data_root)
        return alone, beside


def _seconds(processes: Sequence[ProcessPoolExecutor], model: str, data_root: Path) -> float:
    started = time.perf_counter()
    for running in [process.submit(_train, model, data_root) for process in processes]:
        running.result()
    return time.perf_counter() - started


def _train(model: str, data_root: Path) -> None:
    with deterministic():
        _epoch(model, data_root)()


@lru_cache(maxsize=1)
def _epoch(model: str, data_root: Path) -> Callable[[], float]:
    keep_freed_memory()
    return bare_loop(model, data_root)
