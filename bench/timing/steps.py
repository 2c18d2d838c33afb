"""What is found out of a step before it is measured: how long it takes, what memory it holds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
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
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    del held  # no sooner: letting it go is no part of the step
    return int(np.cumsum([0, *(event.nbytes() for event in events)]).max())
