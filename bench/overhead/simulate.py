"""How long runs take on more workers than were there."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from bench.cells.order import longest_first


def simulated(seconds: Mapping[tuple[str, int], float], workers: int) -> float:
    """Seconds until the last run is done, where every worker that is free takes the next one.

    Args:
        seconds: How long each run takes, by network and seed, in the order of the seeds. The next
            one is chosen as in training, by what is known at that time.
        workers: How many.

    Source: list scheduling, Graham 1966; longest first, Graham 1969.
    """
    took: dict[str, float] = {}
    waiting = longest_first(seconds, lambda run: run, took)
    running: list[tuple[float, tuple[str, int]]] = []
    now = 0.0
    while True:
        if len(running) == workers:
            now, done = heappop(running)
            took[done[0]] = seconds[done]
        if (run := next(waiting, None)) is None:
            return max([now, *(end for end, _ in running)])
        heappush(running, (now + seconds[run], run))
