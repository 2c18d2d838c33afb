"""The workers of a cluster as a client sees them: who is there, and who may train."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench.cluster.expected import Expected
from bench.cluster.worker import Prepared, leave, prepare
from bench.records.text import one_line, plural

if TYPE_CHECKING:
    from distributed import Client

LOOK_SECONDS = 2.0  # how long a worker that joins waits for its first cell
AHEAD = 2  # cells with a worker for each that it trains, so that it need not wait for the next


class Workers:
    """Workers that are asked, when they join, whether they are what the client is.

    Those that are not are named, with what differs, and get no cells. Another thread looks who
    joins and who is lost.

    Args:
        client: Of the cluster.
        expected: What they must be.
        say: Told in a line who joins, is refused, or is lost.
    """

    def __init__(self, client: Client, expected: Expected, say: Callable[[str], None]) -> None:
        self.client = client
        self.expected = expected
        self.say = say
        self.prepared: dict[str, Prepared] = {}  # by address, those that train
        self.refused: dict[str, str] = {}  # by address, why
        self.generation = 0  # how often workers joined where none was left for a device
        self._looking = threading.Lock()

    def look(self) -> None:
        """Prepares the workers that have joined since the last look; forgets those that are lost.

        Raises:
            OSError: The scheduler does not answer.
        """
        with self._looking:
            # Not `scheduler_info`, whose answer the client overwrites with one without workers.
            info = self.client.sync(self.client.scheduler.identity, n_workers=-1)["workers"]
            there = {address: worker["resources"] for address, worker in info.items()}
            # One that was started again at the same address has lost what it was given.
            lost = [a for a in self.prepared if not self._is_prepared(there.get(a, {}))]
            for address in lost:
                del self.prepared[address]
            self.refused = {a: why for a, why in self.refused.items() if a in there}
            left = [device for device in self.expected.devices if self.slots(device)]
            new = [a for a in there if a not in self.prepared and a not in self.refused]
            joined = self._prepare(new) if new else []
            if any(self.slots(x) for x in self.expected.devices if x not in left):
                self.generation += 1
            if joined:
                self.say(f"{_workers(joined)} joined: {self}")
            if lost:
                self.say(f"{_workers(lost)} lost, and what ran there runs again: {self}")

    def _is_prepared(self, resources: Mapping[str, float]) -> bool:
        return any(self.expected.resource(device) in resources for device in self.expected.devices)

    def _prepare(self, new: list[str]) -> list[str]:
        answers = self.client.run(prepare, self.expected, workers=new, on_error="return")
        joined = []
        for address, answer in answers.items():
            if isinstance(answer, Prepared):
                lines = dict.fromkeys(x for refusal in answer.refusals.values() for x in refusal)
                if any(not refusal for refusal in answer.refusals.values()):
                    self.prepared[address] = answer
                    joined.append(address)
            elif isinstance(answer, OSError):
                continue  # lost before it answered; if it is still there, it is asked again
            else:  # it has no such suite, or another one
                lines = {f"it cannot run this suite ({one_line(answer)}); install it there": None}
            if lines:
                name = f"'{answer.host}' ({address})" if isinstance(answer, Prepared) else address
                self.refused[address] = f"worker {name} is refused: {'; '.join(lines)}"
                self.say(self.refused[address])
        return joined

    def slots(self, device: str, *, alone: bool = False) -> int:
        """How many cells are trained at a time, on all workers together."""
        able = [x for x in [*self.prepared.values()] if not x.refusals.get(device, ("other",))]
        if device == "cuda":
            return sum(worker.gpus for worker in able)
        return len(able) if alone else sum(worker.threads for worker in able)

    def __str__(self) -> str:
        if not self.prepared:
            return "none is left, waiting for one"
        slots = self.slots(self.expected.devices[0])
        return f"{_workers(self.prepared)} for {plural(slots, 'cell')} at a time"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, joining and lost workers are noticed; at the end their processes are ended."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                with suppress(Exception):  # the loss of a scheduler is told elsewhere
                    self.look()

        thread = threading.Thread(target=watch, daemon=True, name="bench-workers")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=2)  # it may wait for a scheduler that is lost

    def dismiss(self, run: str) -> None:
        """Ends the processes that train for a run, and those that wait for a cell."""
        if self.client.status != "running":
            return
        with suppress(Exception):  # another scheduler, say, in the place of one that was lost
            self.client.run(leave, run, workers=[*self.prepared], on_error="ignore")


def _workers(some: Sized) -> str:
    return plural(len(some), "worker")
