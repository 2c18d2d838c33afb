"""The order in which runs begin, so that processes side by side end at about the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from math import inf
from typing import TypeVar

Item = TypeVar("Item")


def longest_first(
    items: Iterable[Item], which: Callable[[Item], tuple[str, int]], took: Mapping[str, float]
) -> Iterator[Item]:
    """Runs in the order of their seeds; within a seed, those that take longest come first.

    So the last ones are short, and no process waits long for another's. A network whose time is not
    known yet comes first: none of its runs has ended, because it is new or takes long.

    Args:
        items: The runs, in the order of their seeds.
        which: The network and the seed of a run.
        took: By network, how many seconds its last run took. A seed's runs are put in order when
            the first of them is asked for, by what is known then.
    """
    for _, of_seed in groupby(items, key=lambda item: which(item)[1]):
        yield from sorted(of_seed, key=lambda item: took.get(which(item)[0], inf), reverse=True)
