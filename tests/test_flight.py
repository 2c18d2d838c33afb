"""Items on their way through a cluster, which a hand-written client stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.cells.outcomes import EndedError, timed_out
from bench.cluster import flight
from bench.cluster.expected import Expected, Found, expected_of
from bench.cluster.flight import SchedulerLostError, as_they_finish
from bench.cluster.worker import Prepared
from bench.cluster.workers import Workers
from tests.factories import MACHINE

distributed = pytest.importorskip("distributed")


class Future:
    def __init__(self, key: str, outcome: object) -> None:
        self.key, self.outcome, self.status = key, outcome, "finished"

    def add_done_callback(self, tell: Callable[[Future], None]) -> None:
        tell(self)

    def result(self) -> object:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Client:
    """Answers each item with what comes next for it."""

    scheduler = None

    def __init__(self, **outcomes: Any) -> None:
        self.outcomes: dict[str, list[object]] = outcomes
        self.given: list[tuple[str, int]] = []
        self.cancelled: list[str] = []
        self.status = "running"

    def submit(self, item: str, tries: int) -> Future:
        self.given.append((item, tries))
        return Future(f"{item}-{len(self.given)}", self.outcomes[item].pop(0))

    def cancel(self, futures: list[Future], *, force: bool) -> None:
        assert force
        self.cancelled += [future.key for future in futures]


def send(client: Any, items: str, room: int = 2, **more: Any) -> Iterator[tuple[str, object]]:
    return as_they_finish(client, [*items], client.submit, lambda: room, **more)


def killed(item: str) -> Exception:
    return distributed.KilledWorker(item, "a worker", 3)  # type: ignore[no-any-return]


def test_no_more_items_are_under_way_than_there_is_room_for() -> None:
    client = Client(**{item: [item.upper()] for item in "abcde"})
    found = send(client, "abcde", room=2)
    assert next(found) == ("a", "A")
    assert [item for item, _ in client.given] == ["a", "b"]
    assert dict(found) == {"b": "B", "c": "C", "d": "D", "e": "E"}
    assert client.cancelled == []


def test_what_workers_die_over_is_given_out_anew_and_named_in_the_end() -> None:
    client = Client(a=[killed("a"), "A"], b=[killed("b")] * 3)
    found = dict(send(client, "ab"))
    assert found["a"] == "A"
    assert isinstance(found["b"], distributed.KilledWorker)
    assert [tries for item, tries in client.given if item == "b"] == [1, 2, 3]


def test_what_ends_its_process_is_tried_once_more_and_what_raises_is_not() -> None:
    ended = EndedError("memory may be short")
    late = timed_out(3)
    client = Client(
        a=[ended, "A"], b=[ended, ended], c=[ValueError("wrong"), "never"], d=[late, "never"]
    )
    found = dict(send(client, "abcd"))
    assert found["d"] is late
    assert found["a"] == "A"
    assert found["b"] is ended
    assert str(found["c"]) == "wrong"


def test_meanwhile_is_called_once_when_all_are_under_way() -> None:
    client = Client(**{item: [item] for item in "abc"})
    under_way: list[int] = []
    for _ in send(client, "abc", meanwhile=lambda: under_way.append(len(client.given))):
        pass
    assert under_way == [3]


def test_what_waited_for_a_worker_is_given_out_anew_when_one_joins_after_all_were_lost() -> None:
    client = Client(**{item: [item, item] for item in "abc"})
    generation = 0
    found = send(client, "abc", room=3, generation=lambda: generation)
    assert next(found) == ("a", "a")
    generation = 1
    assert dict(found) == {"b": "b", "c": "c"}
    assert client.cancelled == ["b-2", "c-3"]
    assert client.given == [(item, 1) for item in "abcbc"]


def test_the_rest_is_taken_back_when_nobody_waits_for_it_any_more() -> None:
    client = Client(**{item: [item] for item in "abc"})
    found = send(client, "abc", room=3)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert client.cancelled == ["b-2", "c-3"]


def test_a_cancelled_future_means_that_the_scheduler_is_lost() -> None:
    client = Client(a=["A"])
    lost = Future("a-1", None)
    lost.status = "cancelled"
    client.submit = lambda *_: lost  # type: ignore[method-assign]
    with pytest.raises(SchedulerLostError, match="the scheduler is lost"):
        [*send(client, "a")]


def test_silence_is_a_lost_scheduler_once_the_client_has_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flight, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(Future, "add_done_callback", lambda *_: None)
    client = Client(a=["A"])
    client.status = "closed"
    with pytest.raises(SchedulerLostError):
        [*send(client, "a")]


def found(code: str = "1234", **changes: Any) -> Found:
    from dataclasses import replace

    return Found(environment=replace(MACHINE, **changes), code=code)


def expected(*devices: str) -> Expected:
    return expected_of(found(), devices)


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (found(processor="Another"), "processor is Another there and A processor here"),
        (found(packages={"torch": "2.1"}), "packages.torch is 2.1 there and 2.0 here"),
        (found(python="3.12.0"), "python is 3.12.0 there and 3.11.0 here"),
        (found(code="5678"), "its files of this suite are others"),
    ],
)
def test_a_worker_is_told_what_it_has_otherwise(other: Found, line: str) -> None:
    (said,) = expected("cpu").differing(other, "cpu")
    assert said.startswith(line)


def test_cores_memory_and_another_gpu_keep_no_worker_from_cells_for_the_cpu() -> None:
    other = found(cores=64, memory_bytes=1, gpu="A GPU", commit="other")
    assert expected("cpu", "cuda").differing(other, "cpu") == ()
    assert expected("cpu", "cuda").differing(other, "cuda") == ("gpu is A GPU there and None here",)


def test_equal_clients_share_their_workers_resources_and_others_do_not() -> None:
    assert expected("cpu").resource("cpu") == expected("cpu").resource("cpu")
    assert expected("cpu").resource("cpu") != expected_of(found("5678"), ["cpu"]).resource("cpu")


class Scheduler:
    """A client of workers that are there, and what each of them answers."""

    def __init__(self) -> None:
        self.workers: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, object] = {}
        self.asked: list[str] = []

    @property
    def scheduler(self) -> Scheduler:
        return self

    def sync(self, call: Callable[..., Any], **how: Any) -> Any:
        return call(**how)

    def identity(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1
        return {"workers": self.workers}

    def run(self, _: object, expected: Expected, **how: Any) -> dict[str, object]:
        self.asked += how["workers"]
        for address in how["workers"]:
            answer = self.answers[address]
            if isinstance(answer, Prepared) and not all(answer.refusals.values()):
                self.workers[address]["resources"] = {expected.resource("cpu"): 1}
        return {address: self.answers[address] for address in how["workers"]}

    def join(self, address: str, answer: object = None) -> None:
        self.workers[address] = {"resources": {}}
        self.answers[address] = answer or prepared()


def prepared(*refusals: str, host: str = "a host") -> Prepared:
    return Prepared(host=host, threads=4, gpus=0, refusals={"cpu": refusals})


@pytest.fixture
def seen() -> tuple[Any, Workers, list[str]]:
    scheduler, said = Scheduler(), list[str]()
    return scheduler, Workers(scheduler, expected("cpu"), said.append), said


def test_who_joins_is_asked_once_and_may_train(seen: tuple[Any, Workers, list[str]]) -> None:
    scheduler, workers, said = seen
    scheduler.join("one")
    scheduler.join("two")
    workers.look()
    workers.look()
    assert scheduler.asked == ["one", "two"]
    assert said == ["2 workers joined: 2 workers for 8 cells at a time"]
    assert (workers.slots("cpu"), workers.slots("cpu", alone=True)) == (8, 2)


def test_who_differs_is_named_and_gets_no_cells(seen: tuple[Any, Workers, list[str]]) -> None:
    scheduler, workers, said = seen
    scheduler.join("one", prepared("python is 3 there and 4 here", host="old"))
    scheduler.join("two", ModuleNotFoundError("No module named 'bench'"))
    workers.look()
    workers.look()
    assert said == [
        "worker 'old' (one) is refused: python is 3 there and 4 here",
        "worker two is refused: it cannot run this suite (No module named 'bench'); install it "
        "there",
    ]
    assert workers.slots("cpu") == 0


def test_a_worker_that_joins_after_all_were_lost_begins_another_generation(
    seen: tuple[Any, Workers, list[str]],
) -> None:
    scheduler, workers, said = seen
    scheduler.join("one")
    workers.look()
    first = workers.generation
    scheduler.join("two")
    workers.look()
    assert workers.generation == first  # there has always been one
    scheduler.workers.clear()
    workers.look()
    assert said[-1].endswith("none is left, waiting for one")
    scheduler.join("three")
    workers.look()
    assert workers.generation == first + 1


def test_a_worker_that_was_started_again_at_its_address_is_asked_again(
    seen: tuple[Any, Workers, list[str]],
) -> None:
    scheduler, workers, _ = seen
    scheduler.join("one")
    workers.look()
    first = workers.generation
    scheduler.join("one")
    workers.look()
    assert scheduler.asked == ["one", "one"]
    assert workers.generation == first + 1
