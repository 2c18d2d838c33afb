"""Items on their way through a cluster: a bounded number at a time, each answered once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

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
    generation: Callable[[], int] = lambda: 0,
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
        generation: Another number after workers joined where none was left. What had waited for one
            is given out anew then: the scheduler does not notice that these may take it.

    Raises:
        SchedulerLostError: The scheduler is gone.
    """
    flight = _Flight(client, items, submit)
    seen = generation()
    try:
        while flight.waiting or flight.running:
            if generation() != seen:
                seen = generation()
                flight.begin_anew()
            flight.fill(room())
            if meanwhile and not flight.waiting:
                meanwhile()
                meanwhile = None
            yield from flight.landed()
    except OSError as error:
        if client.status == "running":
            raise  # not the cluster: the disk, say
        raise SchedulerLostError(_lost(client)) from error
    finally:
        flight.take_back()


class _Flight(Generic[Item]):
    """What is still to be given to the cluster, and what is under way there."""

    def __init__(
        self, client: Client, items: Sequence[Item], submit: Callable[[Item, int], Future]
    ) -> None:
        self.client = client
        self.submit = submit
        self.waiting = deque((item, 1) for item in items)
        self.running: dict[str, tuple[Future, Item, int]] = {}
        self.finished: SimpleQueue[Future] = SimpleQueue()

    def fill(self, room: int) -> None:
        """Gives items to the cluster while there is room."""
        while self.waiting and len(self.running) < room:
            item, tries = self.waiting.popleft()
            future = self.submit(item, tries)
            self.running[future.key] = (future, item, tries)
            future.add_done_callback(self.finished.put)

    def take_back(self) -> None:
        """Tells the cluster that nobody waits any more for what is under way."""
        if self.client.status == "running":
            futures = [future for future, _, _ in self.running.values()]
            self.client.cancel(futures, force=True)

    def begin_anew(self) -> None:
        """Takes back what is under way, to be given out again first of all."""
        self.take_back()
        self.waiting.extendleft((item, tries) for _, item, tries in reversed(self.running.values()))
        self.running.clear()

    def landed(self) -> Iterator[tuple[Item, object]]:
        """The next item that is done, or nothing if none is for a while."""
        try:
            future = self.finished.get(timeout=_LOOK_SECONDS)
        except Empty:
            if self.client.status != "running":
                raise SchedulerLostError(_lost(self.client)) from None
            return
        if future.key not in self.running:
            return  # it was given out anew
        _, item, tries = self.running.pop(future.key)
        answer = _answer(self.client, future)
        if _is_worth_another(answer, tries):
            self.waiting.appendleft((item, tries + 1))
        else:
            yield item, answer


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
