"""The benchmark: trains, measures and compares the networks of the zoo.

>>> import bench
>>> outcome = bench.run(models=["lenet", "dnn"], seeds=[1, 2, 3])  # doctest: +SKIP
>>> outcome.folder / "report.md"  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.runner import Outcome


def run(models: Sequence[str], *, seeds: int | Sequence[int] = 5, **options: Any) -> Outcome:
    """Runs a comparison and writes its report, like `python -m bench.compare`.

    Args:
        models: Names, aliases, globs or `all`.
        seeds: How many (5 means 1 to 5), or which.
        options: The other fields of `bench.plan.Request`: `dataset`, `recipe`, `devices`,
            `epochs`, `jobs`, `name`, `reports`, `data_root`, `fresh`.

    Raises:
        bench.errors.RequestError: The request cannot be carried out; nothing has been written.
    """
    # Not at the top: reading `bench.plan` or `bench.stats` should not load torch.
    from bench.plan import Request
    from bench.progress import Progress
    from bench.runner import run as carry_out

    numbers = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else tuple(seeds)
    return carry_out(Request(models=tuple(models), seeds=numbers, **options), Progress())
