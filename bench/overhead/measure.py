"""Contenders measured in turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.cells.jobs import failure


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one contender came to.

    Attributes:
        first: Seconds of its first visit, which counts for nothing: it loads and compiles.
        seconds: Seconds of each round; none where it failed.
        error: What it raised, if it failed.
    """

    first: float | None = None
    seconds: tuple[float, ...] = ()
    error: str | None = None


class Contender:
    """A function in a process of its own, which no other contender's settings reach."""

    def __init__(self, function: Callable[..., float], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments
        self.process = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def visit(self, *subject: Any) -> float:
        """What the function returns for a subject, such as the name of a network.

        Raises:
            Exception: Whatever the function raises.
        """
        return self.process.submit(self.function, *subject, *self.arguments).result()

    def close(self) -> None:
        """Ends its process."""
        self.process.shutdown()


def take_turns(
    contenders: Mapping[str, Contender], rounds: int, *subject: Any
) -> dict[str, Outcome]:
    """Visits all contenders in every round, in an order drawn for each.

    Args:
        contenders: By name. One that raises is visited no more.
        rounds: How often each is visited after its first visit.
        subject: What they are visited with.
    """
    first: dict[str, float] = {}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    errors: dict[str, str] = {}
    shuffle = random.Random(0)
    for turn in range(rounds + 1):
        order = [name for name in contenders if name not in errors]
        shuffle.shuffle(order)
        for name in order:
            try:
                taken = contenders[name].visit(*subject)
            except Exception as error:
                errors[name] = failure(error)
                continue
            if turn:
                seconds[name].append(taken)
            else:
                first[name] = taken
    return {
        name: Outcome(error=errors[name])
        if name in errors
        else Outcome(first=first[name], seconds=tuple(float(f"{s:.5g}") for s in seconds[name]))
        for name in contenders
    }
