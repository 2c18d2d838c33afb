"""`python -m bench.rates NAME`: the 3 x 2 design again, at three other learning rates.

Which activation wins may be the learning rate's doing: sigmoid networks ask for another one than
ReLU networks. The report then shows whether the design's answers are the same at every rate, and
when each network trains at the rate that is best for it on the validation samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from joblib import cpu_count

import zoo
from bench.cells.common_recipe import EPOCHS, OPTIMISER, common_recipe
from bench.cells.data import load, store, view
from bench.cells.jobs import Job, at_a_time, make_job, run_jobs
from bench.cells.plan import Cell
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, command
from bench.cli.progress import Progress
from bench.records import environment
from bench.records.errors import RequestError, require_one
from bench.records.experiments import experiment
from bench.records.store import Store, find_folder
from bench.report.write import write_report
from bench.results.learning_rates import EXPERIMENT, MODELS, OTHER_RATES
from bench.results.runs import latest_request, read

EXIT_FAILED = 1


@command("bench.rates")
def main(arguments: list[str] | None) -> int:
    """Adds the other learning rates to a report.

    Returns:
        0 if every network was trained, 1 if some failed, 2 if the request was wrong.
    """
    parser = Parser("bench.rates", __doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    parser.add_argument("--jobs", type=int, default=cpu_count(), help="cells at a time")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    require_one("--jobs", options.jobs)
    folder = find_folder(options.name, options.reports)
    shown = progress.choose(quiet=False)
    try:
        failed = sweep(folder, options.data_root, options.jobs, shown)
    finally:
        shown.close()
    print(folder / "report.md")
    return EXIT_FAILED if failed else 0


def sweep(folder: Path, data_root: Path, side_by_side: int, shown: Progress) -> int:
    """Trains what the report's records lack, and writes the report anew.

    Returns:
        How many cells failed.

    Raises:
        RequestError: The report is not of the kind that the question can be put to.
    """
    records = Store(folder)
    asked = latest_request(records)
    jobs = _jobs(asked.fields, data_root, folder.parent / ".data")
    known = {
        record.fields["cell_key"]: record.fields
        for record in records.read()
        if record.kind == "experiment" and record.fields["experiment"] == EXPERIMENT
    }
    names = {job.key: f"{job.cell}, learning rate {_rate(job):g}" for job in jobs}
    waiting = [job for job in jobs if job.key not in known]
    shown.training([names[job.key] for job in waiting], len(jobs), side_by_side)
    failed = 0
    by_key = {job.key: job for job in jobs}
    for job in jobs:
        if job.key in known and known[job.key]["run"] != asked.key:
            _append(records, asked.key, job, known[job.key])
    device = asked.fields["devices"][0]
    for key, fields in run_jobs(waiting, at_a_time(device, side_by_side)):
        shown.trained(names[key], fields)
        if fields["status"] == "ok":
            _append(records, asked.key, by_key[key], fields)
        else:
            failed += 1
    write_report(read(records), folder)
    return failed


def _append(records: Store, run: str, job: Job, fields: Mapping[str, Any]) -> None:
    kept = ("test_accuracy", "validation_accuracy", "misclassified", "weights_sha256")
    records.append(
        experiment(
            EXPERIMENT,
            run=run,
            subject={"model": job.cell.model, "seed": job.cell.seed, "rate": _rate(job)},
            outcome={"cell_key": job.key, **{name: fields[name] for name in kept}},
        )
    )


def _jobs(request: Mapping[str, Any], data_root: Path, splits: Path) -> list[Job]:
    missing = [model for model in MODELS if model not in request["ran"]]
    if missing or request["recipe"] != "common" or request["dataset"] not in ("digits", "mnist"):
        raise RequestError(
            "the learning rates are varied for the 3 x 2 design under the common recipe on digits "
            "or mnist; make such a report with --models 'lenet5-*'"
        )
    here = environment.current()
    device = request["devices"][0]
    there = environment.recorded(request["environment"])
    differing = environment.differences(there.decisive(device), here.decisive(device))
    if differing:
        raise RequestError(
            f"the report was made elsewhere ({', '.join(differing)} differ); rates from here would "
            "not compare with it: make the report anew"
        )
    dataset = load(request["dataset"], data_root=data_root, seed=0)
    if dataset.checksum != request["dataset_sha256"]:
        raise RequestError(
            f"{request['dataset']} is not the data that the report was made with; make the report "
            "anew with --fresh"
        )
    epochs = request["recipes"][MODELS[0]]["epochs"]
    # What a network sees of the data does not depend on the learning rate.
    stored = {
        model: store(view(dataset, zoo.get(model), common_recipe(zoo.get(model))), splits)
        for model in MODELS
    }
    jobs = []
    for rate in OTHER_RATES:
        for seed in request["seeds"]:
            for model in MODELS:
                spec = zoo.get(model)
                recipe = common_recipe(spec, replace(OPTIMISER, learning_rate=rate))
                recipe = replace(recipe, epochs=epochs)
                cell = Cell(
                    model=model,
                    dataset=request["dataset"],
                    recipe="common",
                    seed=seed,
                    device=device,
                    epochs=None if epochs == EPOCHS else epochs,
                )
                jobs.append(
                    make_job(cell, spec, recipe, stored[model], environment=here, weights=None)
                )
    return jobs


def _rate(job: Job) -> float:
    return job.recipe.optimiser.learning_rate


if __name__ == "__main__":
    raise SystemExit(main())
