"""Items that are worked on side by side in processes of their own, whatever becomes of those."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from bench.cells.outcomes import EndedError, TimedOutError, ended, memory_kills, timed_out
from bench.cells.processes import ForkedProcess, ProcessEndedError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Guard:
    """How the process that waits is kept from what becomes of those that work.

    Attributes:
        seconds: How long an item may take before its process is ended; None is for ever.
        on_lost: Told of an item whose process has ended, before it is tried once more.
        always: Whether one at a time, too, is worked on in another process.
    """

    seconds: Callable[[Any], float | None] = lambda _: None
    on_lost: Callable[[Any, EndedError], object] = lambda _item, _error: None
    always: bool = False


_NONE = Guard()


@dataclass(frozen=True, kw_only=True)
class _Busy(Generic[Item]):
    process: ForkedProcess
    item: Item
    until: float
    kills: int


def run_all(
    do: Callable[[Item], Result],
    items: Iterable[Item],
    at_a_time: int,
    meanwhile: Callable[[], object] | None = None,
    guard: Guard = _NONE,
) -> Generator[tuple[Item, Result | ProcessEndedError]]:
    """Each item with what a function makes of it, as they finish.

    What a process ends over, usually because memory is short for several at a time, is tried once
    more when nothing runs beside it; if its process ends again, that is what has come of it. What
    takes too long is not tried again.

    Args:
        do: The function.
        items: What it is called with, in this order; each is asked for when a process is free, so
            that the order may depend on what has come of those before.
        at_a_time: How many at a time, each in a process of its own; one stays in this process
            unless the guard says otherwise.
        meanwhile: Called once there are fewer items left than processes, so that the processor does
            not wait for the last of them.
        guard: Keeps this process from what becomes of the others.
    """
    if at_a_time == 1 and not guard.always:
        for item in items:
            yield item, do(item)
        return
    alone: list[Item] = []
    for item, result in _side_by_side(do, items, at_a_time, meanwhile, guard):
        if isinstance(result, EndedError) and not isinstance(result, TimedOutError):
            alone.append(item)
            guard.on_lost(item, result)
        else:
            yield item, result
    for item in alone:
        yield from _side_by_side(do, [item], 1, None, guard)


def _side_by_side(
    do: Callable[[Item], Result],
    items: Iterable[Item],
    at_a_time: int,
    meanwhile: Callable[[], object] | None,
    guard: Guard,
) -> Generator[tuple[Item, Result | ProcessEndedError]]:
    waiting, are_left = iter(items), True
    idle: list[ForkedProcess] = []
    busy: dict[Connection, _Busy[Item]] = {}
    try:
        while are_left or busy:
            while are_left and len(busy) < at_a_time:
                try:
                    item = next(waiting)
                except StopIteration:
                    are_left = False
                    break
                process = idle.pop() if idle else ForkedProcess(do)
                try:
                    process.ask("__call__", item)
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    idle.append(process)
                    yield item, ProcessEndedError(f"it cannot be sent to a process: {error}")
                else:
                    until = time.monotonic() + (guard.seconds(item) or float("inf"))
                    busy[process.connection] = _Busy(
                        process=process, item=item, until=until, kills=memory_kills()
                    )
            if meanwhile and not are_left and len(busy) < at_a_time:
                meanwhile()
                meanwhile = None
            for worker, result in _finished(busy, guard):
                if not isinstance(result, ProcessEndedError):
                    idle.append(worker.process)
                yield worker.item, result
    finally:
        for process in [*idle, *(worker.process for worker in busy.values())]:
            process.__exit__()


def _finished(
    busy: dict[Connection, _Busy[Item]], guard: Guard
) -> list[tuple[_Busy[Item], Any | ProcessEndedError]]:
    """Waits until some have answered, ended, or taken too long; those are busy no more."""
    if not busy:
        return []
    left = min(worker.until for worker in busy.values()) - time.monotonic()
    answered = wait([*busy], None if left == float("inf") else max(0.0, left))
    found: list[tuple[_Busy[Item], Any | ProcessEndedError]] = []
    for connection in answered:
        assert isinstance(connection, Connection)
        worker = busy.pop(connection)
        try:
            found.append((worker, worker.process.answer()))
        except ProcessEndedError:
            found.append((worker, ended(worker.process.process.exitcode, worker.kills)))
    for connection, worker in [*busy.items()]:
        if worker.until <= time.monotonic():
            del busy[connection]
            worker.process.__exit__()
            found.append((worker, timed_out(guard.seconds(worker.item))))
    return found
