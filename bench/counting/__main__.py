"""`python -m bench.counting`: the counting exercise run for real, BP against CNN.

Trains the BP network of 300 million parameters and the CNN on the same three digits at 100x100,
measures both, and writes a report with parameters, work, time, memory and accuracy side by side.
Takes minutes, and about 5 GiB of free memory.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from bench.cells.data import Dataset, load
from bench.cells.jobs import cell_key, make_job, run_jobs, training_code
from bench.cells.plan import Cell, Request, deviations, plan, resolve
from bench.cells.splits import Split, store, view
from bench.cli import progress
from bench.cli.parser import Parser, add_reports, command
from bench.cli.progress import Progress
from bench.counting.bars import write_bars
from bench.counting.measured import EXPERIMENT, MODELS, Pair, read_pair
from bench.counting.memory import available_bytes, needed_bytes
from bench.counting.page import bars, render
from bench.records import environment
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.experiments import experiment
from bench.records.store import Record, Store, digest
from bench.results.runs import MissingRunError, latest_request
from bench.runner import count_models, timing_fields
from bench.timing.measure import Workload, measure, timing_code

EXIT_FAILED = 1
NAME = "local-counting"
DATASET, SEED, DEVICE = "digits", 1, "cpu"
ROUNDS = 5  # a training step of the BP network takes seconds; what is measured differs far more
WORKLOADS = tuple(
    Workload(model=model, device=DEVICE, phase=phase)
    for model in MODELS
    for phase in ("train", "inference")
)


@command("bench.counting")
def main(arguments: list[str] | None) -> int:
    """Trains and measures what is not recorded yet, and writes the report.

    Returns:
        0 if all ran, 1 if something failed, 2 if the request was wrong or memory is short.
    """
    parser = Parser("bench.counting", __doc__)
    parser.add_argument("--name", default=NAME, help=f"name of the report ({NAME})")
    add_reports(parser)
    options = parser.parse_args(arguments)
    shown = progress.choose(quiet=False)
    try:
        pair = run(options.name, options.reports, shown)
    finally:
        shown.close()
    for failure in pair.failures:
        print(f"failed: {failure}", file=sys.stderr)
    print(options.reports / options.name / "report.md")
    return EXIT_FAILED if pair.failures else 0


def run(name: str, reports: Path, shown: Progress) -> Pair:
    """Both networks trained and measured one after the other, and their report.

    Raises:
        RequestError: The name is none, belongs to a comparison, or memory is short; nothing has
            been written.
    """
    request = Request(
        models=MODELS,
        dataset=DATASET,
        recipe="document",
        seeds=(SEED,),
        devices=(DEVICE,),
        name=name,
        reports=reports,
    )
    cells = {cell.model: cell for cell in plan(request).cells}
    records = Store(request.folder)
    _require_own_folder(records)
    dataset = load(DATASET, data_root=request.data_root, seed=SEED)
    views = {model: view(dataset, zoo.get(model), resolve(cell)) for model, cell in cells.items()}
    here = environment.current()
    trainings = {_cell_key(cell, views[model], here): cell for model, cell in cells.items()}
    timings = {_timing_key(workload, here): workload for workload in WORKLOADS}
    untrained, unmeasured = records.missing(trainings), records.missing(timings)
    _require_memory(
        [cell.model for cell in untrained.values()]
        + [workload.model for workload in unmeasured.values()]
    )
    counts = count_models(MODELS, records)
    shown.training([str(cell) for cell in untrained.values()], len(untrained), 1)
    for cell in untrained.values():
        split = store(views[cell.model], reports / ".data")
        job = make_job(
            cell, zoo.get(cell.model), resolve(cell), split, environment=here, weights=None
        )
        for key, fields in run_jobs([job], 1):
            records.append(Record(kind="train", key=key, fields=fields))
            shown.trained(str(cell), fields)
    shown.close()
    for key, workload in unmeasured.items():
        gc.collect()  # what was measured before refers to itself and would keep its network
        shown.begins(f"measuring {workload.model}, {workload.phase}")
        records.append(Record(kind="timing", key=key, fields=_measured(workload)))
    keys = [*counts, *trainings, *timings]
    records.append(_made(request, cells, dataset, views, here, keys))
    return _write(records, request.folder)


def _require_own_folder(records: Store) -> None:
    """Checks that no comparison lies where this report would go."""
    try:
        latest_request(records)
    except MissingRunError:
        return
    raise RequestError(
        f"'{records.path.parent}' holds the report of a comparison; choose another --name"
    )


def _require_memory(models: Iterable[str]) -> None:
    """Checks that the network that asks for most memory can be trained and measured here."""
    needs = {model: needed_bytes(zoo.get(model)) for model in models}
    there = available_bytes()
    for model, needed in needs.items():
        if needed > there:
            raise RequestError(
                f"memory is short: training and measuring '{model}' needs {_gibibytes(needed)}, "
                f"{_gibibytes(there)} are available; close other programs or take a larger "
                "machine (python -m zoo.counting counts without memory)"
            )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"


def _cell_key(cell: Cell, split: Split, here: Environment) -> str:
    return cell_key(
        cell,
        asdict(resolve(cell)),
        data_sha256=split.checksum,
        code=training_code(zoo.get(cell.model)),
        environment=here,
    )


def _timing_key(workload: Workload, here: Environment) -> str:
    spec = zoo.get(workload.model)
    return digest(
        {
            "workload": asdict(workload),
            "recipe": asdict(spec.recipe),
            "rounds": ROUNDS,
            "code": [timing_code(), training_code(spec)],
            "environment": here.decisive(workload.device),
        }
    )


def _measured(workload: Workload) -> dict[str, Any]:
    """The fields of a timing record.

    One workload at a time, so that no network is held longer than it is measured.
    """
    spec = zoo.get(workload.model)
    timings, failed = measure([(workload, spec, spec.recipe)], rounds=ROUNDS)
    return timing_fields(timings[0] if timings else failed[0])


def _made(
    request: Request,
    cells: Mapping[str, Cell],
    dataset: Dataset,
    views: Mapping[str, Split],
    here: Environment,
    keys: Sequence[str],
) -> Record:
    """What the report says about its run beside the results."""
    split = views[MODELS[0]]
    reports = "" if request.reports == Path("reports") else f" --reports {request.reports}"
    name = "" if request.name == NAME else f" --name {request.name}"
    labels = split.part("test")[1]
    outcome = {
        "command": f"python -m bench.counting{name}{reports}",
        "dataset": dataset.name,
        "dataset_sha256": dataset.checksum,
        "sizes": split.sizes,
        "largest_class_share": int(np.bincount(labels).max()) / len(labels),
        "seed": SEED,
        "rounds": ROUNDS,
        "recipe": str(zoo.get(MODELS[0]).recipe),
        "deviations": {
            model: [asdict(item) for item in deviations(cell)] for model, cell in cells.items()
        },
        "environment": asdict(here),
        "keys": list(keys),
    }
    return experiment(EXPERIMENT, run=digest({"keys": list(keys)}), subject={}, outcome=outcome)


def _write(records: Store, folder: Path) -> Pair:
    """The report, from the records alone."""
    pair = read_pair(records)
    figures = write_bars(bars(pair), folder / "figures")
    (folder / "report.md").write_text(render(pair, figures))
    return pair


if __name__ == "__main__":
    raise SystemExit(main())
