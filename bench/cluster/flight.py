"""Items on their way through a cluster: a bounded number at a time, each answered once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from bench.cells.outcomes import EndedError, TimedOutError
from bench.records.errors import ClusterLostError

if TYPE_CHECKING:
    from distributed import Client, Future

Item = TypeVar("Item")
TRIES = 3  # each after four workers that died over it, which is Dask's own number
_LOOK_SECONDS = 1.0


class SchedulerLostError(ClusterLostError):
    """The scheduler does not answer any more."""


def as_they_finish(
    client: Client,
    items: Sequence[Item],
    submit: Callable[[Item, int], Future],
    room: Callable[[], int],
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[tuple[Item, object]]:
    """Each item with what a worker made of it, or with the exception that it raised.

    Dask gives what ran on a worker that died to another one, and asks after four such deaths; then
    it is given out anew, so often as `TRIES` says. What ends its process is tried once more. The
    client holds no more than what is under way.

    Args:
        client: Of the cluster.
        items: What is done, in this order.
        submit: Gives an item to the cluster, for the first time (1) or once more.
        room: How many may be under way, which changes with the workers.
        meanwhile: Called once, when all items are under way.

    Raises:
        SchedulerLostError: The scheduler is gone.
    """
    waiting = deque((item, 1) for item in items)
    running: dict[str, tuple[Future, Item, int]] = {}
    finished: SimpleQueue[Future] = SimpleQueue()
    try:
        while waiting or running:
            while waiting and len(running) < room():
                item, tries = waiting.popleft()
                future = submit(item, tries)
                running[future.key] = (future, item, tries)
                future.add_done_callback(finished.put)
            if meanwhile and not waiting:
                meanwhile()
                meanwhile = None
            try:
                future = finished.get(timeout=_LOOK_SECONDS)
            except Empty:
                if client.status != "running":
                    raise SchedulerLostError(_lost(client)) from None
                continue
            _, item, tries = running.pop(future.key)
            answer = _answer(client, future)
            if _is_worth_another(answer, tries):
                waiting.appendleft((item, tries + 1))
            else:
                yield item, answer
    except OSError as error:
        raise SchedulerLostError(_lost(client)) from error
    finally:
        if client.status == "running":
            client.cancel([future for future, _, _ in running.values()], force=True)


def _answer(client: Client, future: Future) -> object:
    """What a future came to, or the exception that its function raised."""
    from concurrent.futures import CancelledError

    if future.status == "cancelled":
        raise SchedulerLostError(_lost(client))
    try:
        return future.result()
    except (CancelledError, OSError) as error:
        if client.status != "running" or future.status == "cancelled":
            raise SchedulerLostError(_lost(client)) from error
        return error
    except Exception as error:
        return error


def _is_worth_another(answer: object, tries: int) -> bool:
    from distributed import KilledWorker

    if isinstance(answer, EndedError):
        return tries == 1 and not isinstance(answer, TimedOutError)
    return isinstance(answer, KilledWorker) and tries < TRIES


def _lost(client: Client) -> str:
    where = client.scheduler.address if client.scheduler is not None else "the scheduler"
    return f"the scheduler at {where} is lost"
