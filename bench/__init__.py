"""The benchmark: trains, measures and compares the networks of the zoo.

>>> import bench
>>> outcome = bench.run(models=["lenet", "dnn"], seeds=[1, 2, 3])  # doctest: +SKIP
>>> outcome.folder / "report.md"  # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bench.runner import Outcome


def run(
    models: str | Sequence[str],
    *,
    seeds: int | Sequence[int] | Literal["until-settled"] = 5,
    max_seeds: int = 40,
    devices: Sequence[str] | None = None,
    jobs: int | None = None,
    reports: str | Path = "reports",
    data_root: str | Path | None = None,
    zoo: str | Path | None = None,
    **options: Any,
) -> Outcome:
    """Runs a comparison and writes its report, like `python -m bench.compare`.

    Args:
        models: Names, aliases, globs or `all`; one, or several.
        seeds: How many (5 means 1 to 5), or which; or `until-settled`.
        max_seeds: How many seeds a run until settled may take.
        devices: `cpu`, `cuda` or both; None takes what is there.
        jobs: CPU cells trained side by side; None takes one for each core.
        reports: The folder that reports are written to.
        data_root: The folder above `MNIST/raw`; None takes `$BENCH_DATA_ROOT`, or `data`.
        zoo: A Python file, or a module by its name, with networks of your own; it is run.
        options: The other fields of `bench.cells.plan.Request`: `dataset`, `recipe`, `settings`,
            `epochs`, `baseline`, `name`, `fresh`, `cluster`.

    Raises:
        RequestError: The request cannot be carried out; nothing has been written.
    """
    # Not at the top: `bench.statistics` and its like should not load torch.
    from joblib import cpu_count

    from bench.cells import machine
    from bench.cells.own import add_networks, require_sound
    from bench.cells.plan import Request, plan
    from bench.cells.settling import UNTIL_SETTLED, until_settled
    from bench.cli.progress import Progress
    from bench.runner import run as carry_out

    own = add_networks(zoo)
    looks: tuple[int, ...] = ()
    if seeds == UNTIL_SETTLED:
        numbers, looks = until_settled(max_seeds)
    elif isinstance(seeds, int):
        numbers = tuple(range(1, seeds + 1))
    else:
        numbers = tuple(map(int, seeds))
    request = Request(
        models=(models,) if isinstance(models, str) else tuple(models),
        seeds=numbers,
        looks=looks,
        devices=machine.devices() if devices is None else tuple(devices),
        jobs=cpu_count() if jobs is None else jobs,
        reports=Path(reports),
        data_root=Path(data_root or os.environ.get("BENCH_DATA_ROOT") or "data"),
        zoo=None if zoo is None else str(zoo),
        **options,
    )
    planned = plan(request)
    require_sound(own, planned)
    return carry_out(request, Progress())
