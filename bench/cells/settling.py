"""`--seeds until-settled`: the seeds that it may take, and after how many it is looked at."""

from __future__ import annotations

from bench.cells.parsing import MOST_SEEDS
from bench.records.errors import RequestError

UNTIL_SETTLED, SETTLED_AT_MOST = "until-settled", 40


def until_settled(most: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds of a run that goes on until it is settled, and after how many it is looked at.

    Args:
        most: How many seeds it may take.

    Raises:
        RequestError: One seed settles nothing, and too many are asked for.
    """
    if not 2 <= most <= MOST_SEEDS:
        raise RequestError(f"--max-seeds {most} must lie between 2 and {MOST_SEEDS}")
    from bench.statistics.sequential import looks_up_to  # scipy, which other requests do without

    return tuple(range(1, most + 1)), looks_up_to(most)
