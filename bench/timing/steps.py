"""What is found out of a step before it is measured: how long it takes, what memory it holds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch._C._profiler import _EventType
from torch.profiler import ProfilerActivity, profile

WARM_UP_SECONDS = 0.25

Step = Callable[[], object]


def warm_up(seconds_of: Callable[[int], float]) -> float:
    """Takes single steps for `WARM_UP_SECONDS`; the seconds of the fastest.

    Args:
        seconds_of: Takes so many steps and gives their seconds. It is called once before those
            that count: a first step allocates.
    """
    seconds_of(1)
    until = time.perf_counter() + WARM_UP_SECONDS
    fastest = seconds_of(1)
    while time.perf_counter() < until:
        fastest = min(fastest, seconds_of(1))
    return fastest


def peak_bytes(step: Step) -> int:
    """The most that a step holds at once on the CPU beyond what was there, by torch's allocator.

    What the step returns counts as held.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # no log lines of its start and stop
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        held = step()
    del held  # no sooner: letting it go is no part of the step
    live: dict[int, int] = {}
    now = peak = 0
    for address, size in _allocations(profiler.profiler.kineto_results.experimental_event_tree()):
        if size > 0:
            live[address] = size
            now += size
            peak = max(peak, now)
        else:  # what was there before the step is let go without being counted
            now -= live.pop(address, 0)
    return peak


def _allocations(events: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Address and size of each block of memory, in order of time; a size below 0 lets it go."""
    found = []
    waiting = list(events)
    while waiting:
        event = waiting.pop()
        waiting.extend(event.children)
        if event.tag == _EventType.Allocation:
            found.append((event.start_time_ns, event.extra_fields))
    for _, block in sorted(found, key=lambda item: item[0]):
        yield block.ptr, block.alloc_size
