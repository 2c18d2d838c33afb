"""Contenders measured in turns, each in a process of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from bench.cells.jobs import failure
from bench.cells.parent import spawned_processes
from bench.records.kinds import Answers

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one contender came to.

    Attributes:
        first: What its first visit gave, which is of no round: seconds, of getting ready where the
            contender says how it gets ready.
        seconds: Seconds of each round; none where it failed.
        answers: What it answered, where it was asked.
        error: What it raised, if it failed.
    """

    first: float | None = None
    seconds: tuple[float, ...] = ()
    answers: Answers | None = None
    error: str | None = None


class Contender:
    """A function in a process of its own, which no other contender's settings reach.

    Args:
        function: Gives seconds for a subject, such as the name of a network, and the arguments.
        arguments: What it takes behind the subject.
        ready: Called in its place on the first visit, and gives the seconds of getting ready.
        gives: The names of several contenders that the function measures side by side; it then
            gives seconds for each of them.
    """

    def __init__(
        self,
        function: Callable[..., float | Sequence[float]],
        *arguments: Any,
        ready: Callable[..., float] | None = None,
        gives: tuple[str, ...] = (),
    ) -> None:
        self.function = function
        self.ready = ready or function
        self.arguments = arguments
        self.gives = gives
        self.process = _process()

    def visit(self, *subject: Any, first: bool = False) -> float | Sequence[float]:
        """The seconds that the function gives for a subject.

        Raises:
            Exception: Whatever the function raises.
        """
        return self.ask(self.ready if first else self.function, *subject)

    def ask(self, function: Callable[..., Result], *subject: Any) -> Result:
        """What another function gives, in the same process.

        Raises:
            Exception: Whatever the function raises; the next question finds a new process if this
                one has died of it.
        """
        try:
            return self.process.submit(function, *subject, *self.arguments).result()
        except BrokenProcessPool:
            self.process = _process()
            raise

    def close(self) -> None:
        """Ends its process."""
        self.process.shutdown()


def _process() -> ProcessPoolExecutor:
    return spawned_processes(1)


def names_of(contenders: Mapping[str, Contender]) -> tuple[str, ...]:
    """The names of all that contenders measure."""
    return tuple(chain.from_iterable(who.gives or (name,) for name, who in contenders.items()))


def take_turns(
    contenders: Mapping[str, Contender], rounds: int, *subject: Any
) -> dict[str, Outcome]:
    """Visits all contenders in every round, in an order drawn for each.

    Args:
        contenders: By name. One that raises is visited no more.
        rounds: How often each is visited after its first visit.
        subject: What they are visited with.
    """
    seconds: dict[str, list[float]] = {name: [] for name in names_of(contenders)}
    errors: dict[str, str] = {}
    shuffle = random.Random(0)
    for turn in range(rounds + 1):
        order = [name for name in contenders if name not in errors]
        shuffle.shuffle(order)
        for name in order:
            gives = contenders[name].gives or (name,)
            try:
                taken = contenders[name].visit(*subject, first=not turn)
            except Exception as error:
                errors |= dict.fromkeys((name, *gives), failure(error))
                continue
            each = taken if isinstance(taken, Sequence) else (taken,)
            for given, one in zip(gives, each, strict=True):
                seconds[given].append(one)
    return {name: _outcome(found, errors.get(name)) for name, found in seconds.items()}


def _outcome(seconds: Sequence[float], error: str | None) -> Outcome:
    if error is not None:
        return Outcome(error=error)
    first, *rounds = seconds
    return Outcome(first=first, seconds=tuple(float(f"{s:.5g}") for s in rounds))
