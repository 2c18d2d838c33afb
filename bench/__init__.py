"""The benchmark: trains, measures and compares the networks of the zoo.

>>> import bench
>>> outcome = bench.run(models=["lenet", "dnn"], seeds=[1, 2, 3])  # doctest: +SKIP
>>> outcome.table, outcome.pairs, outcome.records  # doctest: +SKIP
>>> outcome.figure("accuracy")  # doctest: +SKIP
>>> bench.load_results("reports/local-digits-common")  # doctest: +SKIP
>>> bench.load_trained("reports/local-digits-common", "lenet", seed=1)  # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

    from bench.report.outcome import Outcome


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
            `epochs`, `baseline`, `name`, `fresh`, `cluster`, `rounds`. Measuring speed takes most
            of the time of a small run; `rounds=0` leaves it out.

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


def load_results(report: str | Path, *, reports: str | Path = "reports") -> Outcome:
    """A finished report, as `run` gave it when it was made.

    Args:
        report: Its folder, or its name under `reports`.
        reports: The folder that names are looked up in.

    Raises:
        RequestError: There is no such report, or it is none of a comparison.
    """
    from bench.records.store import Store, find_folder
    from bench.report.outcome import Outcome
    from bench.report.write import require_comparison
    from bench.results.runs import read

    folder = find_folder(str(report), Path(reports))
    results = read(Store(folder))
    require_comparison(results.request.command, folder)
    return Outcome(folder=folder, results=results)


def load_trained(
    report: str | Path,
    model: str,
    *,
    seed: int | None = None,
    device: str | None = None,
    reports: str | Path = "reports",
    zoo: str | Path | None = None,
) -> nn.Module:
    """A trained network of a report: in eval mode, on the CPU, with the weights of its record.

    Args:
        report: The report's folder, or its name under `reports`.
        model: The network's name or alias.
        seed: Of the run; None takes the first that went through.
        device: Where it was trained; None takes the first device that has such a run.
        reports: The folder that names are looked up in.
        zoo: A Python file, or a module by its name, with networks of your own; it is run.

    Raises:
        RequestError: There is no such report or run, or its weights are missing or others.
    """
    from bench.cells.recorded import find_run

    place = Path(reports)
    run = find_run(str(report), model, seed=seed, device=device, reports=place, zoo=zoo)
    return run.network()
