"""`python -m bench.rates NAME`: the 3 x 2 design again, at other learning rates.

Which activation wins may be the learning rate's doing: sigmoid networks ask for another one than
ReLU networks. The report then shows whether the design's answers are the same at every rate, and
when each network trains at the rate that is best for it on the validation samples.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

import zoo
from bench.cells import machine
from bench.cells.common_recipe import EPOCHS, SWEEP_RATES, at_rate, chosen_on
from bench.cells.data import Datasets
from bench.cells.jobs import Job, make_jobs
from bench.cells.places import HERE, Place, at_a_time, run_jobs
from bench.cells.plan import Cell
from bench.cli import progress
from bench.cli.parser import (
    Parser,
    add_cluster,
    add_data_root,
    add_jobs,
    add_reports,
    command,
)
from bench.cli.progress import Progress
from bench.cluster.address import require_address
from bench.cluster.place import training_place
from bench.records import kinds
from bench.records.environment import differences
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.store import Store, experiment_key, find_folder, of_kind

EXIT_FAILED = 1


@command("bench.rates")
def main(arguments: list[str] | None) -> int:
    """Adds the other learning rates to a report.

    Returns:
        0 if every network was trained, 1 if some failed, 2 if the request was wrong.
    """
    parser = Parser("bench.rates", __doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    add_jobs(parser)
    add_cluster(parser)
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    require_address(options.cluster)
    folder = find_folder(options.name, options.reports)
    shown = progress.choose(quiet=False)
    try:
        with writing_alone(folder):
            devices = Store(folder).latest_request().devices[:1]
            with training_place(options.cluster, devices, shown.begins) as place:
                side_by_side = options.jobs or machine.cores()
                failed = sweep(folder, options.data_root, side_by_side, shown, place)
    finally:
        shown.close()
    print(folder / "report.md")
    return EXIT_FAILED if failed else 0


def sweep(
    folder: Path, data_root: Path, side_by_side: int, shown: Progress, place: Place = HERE
) -> int:
    """Trains what the report's records lack, and writes the report again.

    Returns:
        How many cells failed.

    Raises:
        RequestError: The report is not of the kind that the question can be put to.
    """
    from bench.report.write import rebuild

    records = Store(folder)
    request = records.latest_request()
    jobs = _jobs(request, Datasets(data_root), folder.parent / ".data")
    known = {r.cell_key: r for r in of_kind(records.read(), kinds.LearningRate)}
    waiting = [job for job in jobs if job.key not in known]
    for job in jobs:
        if job.key in known and known[job.key].run != request.key:
            key = _key(request, job)
            records.append(msgspec.structs.replace(known[job.key], run=request.key, key=key))
    shown.training([job.cell for job in waiting], len(jobs), place.at_once(side_by_side))
    failed = 0
    at_once = at_a_time(request.devices[0], side_by_side)
    for job, record in run_jobs(waiting, at_once, place=place):
        shown.trained(record)
        if record.status == "ok":
            records.append(_as_experiment(request, job, record))
        else:
            failed += 1
    rebuild(folder)
    return failed


def _as_experiment(request: kinds.Request, job: Job, record: kinds.Train) -> kinds.LearningRate:
    assert record.test_accuracy is not None and record.weights_sha256 is not None  # noqa: PT018
    assert record.validation_accuracy is not None  # the common recipe holds samples out
    return kinds.LearningRate(
        key=_key(request, job),
        experiment=kinds.LEARNING_RATE,
        run=request.key,
        model=record.model,
        seed=record.seed,
        rate=_rate(job),
        cell_key=job.key,
        test_accuracy=record.test_accuracy,
        validation_accuracy=record.validation_accuracy,
        misclassified=record.misclassified,
        weights_sha256=record.weights_sha256,
        worker=record.worker,
    )


def _key(request: kinds.Request, job: Job) -> str:
    subject = {"model": job.cell.model, "seed": job.cell.seed, "rate": _rate(job)}
    return experiment_key(kinds.LEARNING_RATE, request.key, **subject)


def _jobs(request: kinds.Request, datasets: Datasets, splits: Path) -> list[Job]:
    from bench.results.learning_rates import own_rate
    from bench.statistics.design import MODELS

    missing = [model for model in MODELS if model not in request.ran]
    if missing or request.recipe != "common" or request.dataset not in ("digits", "mnist"):
        raise RequestError(
            "the learning rates are varied for the 3 x 2 design under the common recipe on digits "
            "or mnist; make such a report with --models 'lenet5-*'"
        )
    device = request.devices[0]
    here = machine.environment()
    differing = differences(request.environment.decisive(device), here.decisive(device))
    if differing:
        raise RequestError(
            f"the report was made elsewhere ({', '.join(differing)} differ); rates from here would "
            "not compare with it: make the report again"
        )
    if datasets.get(request.dataset, 0).checksum != request.dataset_sha256:
        raise RequestError(
            f"{request.dataset} is not the data that the report was made with; make the report "
            "again with --fresh"
        )
    cells = [
        _cell(model, rate, seed, request)
        for rate in SWEEP_RATES[chosen_on(request.dataset)]
        if rate != own_rate(request)
        for seed in request.seeds
        for model in MODELS
    ]
    return make_jobs(cells, datasets, splits=splits, environment=here, weights=None)


def _cell(model: str, rate: float, seed: int, request: kinds.Request) -> Cell:
    own = request.recipes[model]
    as_chosen = own.epochs == EPOCHS[chosen_on(request.dataset)]
    return Cell(
        spec=zoo.get(model),
        recipe=at_rate(own, rate),
        dataset=request.dataset,
        recipe_name="common",
        seed=seed,
        device=request.devices[0],
        epochs=None if as_chosen else own.epochs,  # as a request for these epochs would say
    )


def _rate(job: Job) -> float:
    return job.cell.recipe.optimiser.learning_rate


if __name__ == "__main__":
    raise SystemExit(main())
