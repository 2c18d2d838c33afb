"""How long cells take on more workers than were there."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def simulated(cell_seconds: Sequence[float], workers: int) -> float:
    """Seconds until the last cell is done, where every worker that is free takes the next one.

    Source: list scheduling, Graham 1966.
    """
    free = [0.0] * workers
    for seconds in cell_seconds:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)
