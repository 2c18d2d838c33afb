"""Measuring networks that may hang, end their process or fill the memory.

All workloads of a group are measured by the same processes, so that one that ends them would take
the others with it. Then each network is tried in a process of its own; those that end that one,
too, have failed, and the others are measured without them. Where this process itself measures, the
networks are tried first.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.cells.outcomes import EndedError, ended, memory_kills, timed_out
from bench.cells.processes import ForkedProcess, ProcessEndedError
from bench.records.kinds import Status
from bench.timing.measure import Asked, FailedTiming, Session, Timing, measure
from bench.timing.protocol import BLOCK_SECONDS

Measured = tuple[list[Timing], list[FailedTiming]]


@dataclass(frozen=True, kw_only=True)
class EndedTiming(FailedTiming):
    """A workload that ended its process, or took too long."""

    status: Status


def measure_guarded(
    asked: Sequence[Asked],
    *,
    processes: int,
    rounds: int,
    on_round: Callable[[int], None],
    seconds: float | None,
) -> Measured:
    """Measures workloads against each other, without those that end their process.

    Args:
        asked: What to measure.
        processes: How many processes measure all of them; one is this process.
        rounds: How often each is visited in every process.
        on_round: Called after each round with the number of rounds done.
        seconds: How long one of them may take, to be made ready or in a round; None is for ever.

    Returns:
        The timings, and those that failed in any process.
    """
    first: Measured | None = None
    if processes > 1:
        first = timings, failed = _measure(asked, processes, rounds, on_round, seconds)
        if timings or not all(_ended(item) for item in failed):
            return first
    culprits = _culprits(asked, seconds)
    if first is not None and not culprits:
        return first
    gone = {item.workload for item in culprits}
    left = [item for item in asked if item.workload not in gone]
    timings, failed = _measure(left, processes, rounds, on_round, seconds)
    return timings, [*culprits, *failed]


def _ended(item: FailedTiming) -> bool:
    return item.error.startswith(ProcessEndedError.__name__)


def _measure(
    asked: Sequence[Asked],
    processes: int,
    rounds: int,
    on_round: Callable[[int], None],
    seconds: float | None,
) -> Measured:
    with _ended_when_late(None if seconds is None else seconds * len(asked)) as begin:

        def done(number: int) -> None:
            begin()
            on_round(number)

        return measure(asked, processes=processes, rounds=rounds, on_round=done)


@contextmanager
def _ended_when_late(seconds: float | None) -> Iterator[Callable[[], None]]:
    """Inside it all processes that measure are ended once so many seconds have passed.

    Yields:
        What has the time begin again.
    """
    timer: threading.Timer | None = None

    def stop() -> None:
        if timer is not None:
            timer.cancel()

    def begin() -> None:
        nonlocal timer
        stop()
        if seconds is not None:
            timer = threading.Timer(seconds, _end_all)
            timer.daemon = True
            timer.start()

    begin()
    try:
        yield begin
    finally:
        stop()


def _end_all() -> None:
    for process in multiprocessing.active_children():
        process.kill()


def _culprits(asked: Sequence[Asked], seconds: float | None) -> list[EndedTiming]:
    """The workloads of networks that end a process of their own, too, or take too long in it."""
    by_model: dict[str, list[Asked]] = {}
    for item in asked:
        by_model.setdefault(item.workload.model, []).append(item)
    found = []
    for own in by_model.values():
        error = _try_alone(own, seconds)
        if error is not None:
            found += [
                EndedTiming(workload=item.workload, error=str(error), status=error.status)
                for item in own
            ]
    return found


def _try_alone(asked: Sequence[Asked], seconds: float | None) -> EndedError | None:
    """What ends a process that measures the workloads of one network in one round; None if none."""
    kills = memory_kills()
    limit = None if seconds is None else seconds * len(asked)
    with ForkedProcess(Session()) as process:
        ready = [item.workload for item in asked]
        try:
            process.ask("prepare", asked, None, BLOCK_SECONDS)
            if not process.connection.poll(limit):
                return timed_out(seconds)
            found = process.answer()
            process.ask("round", [item for item in ready if not isinstance(found[item], str)])
            if not process.connection.poll(limit):
                return timed_out(seconds)
            process.answer()
        except ProcessEndedError:
            return ended(process.process.exitcode, kills)
    return None
