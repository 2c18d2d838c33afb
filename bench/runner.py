"""Carries a request out: data, counts, training, timing, report, in this order."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache

import msgspec

from bench.cells import machine
from bench.cells.controls import permuted_cells
from bench.cells.counts import count_all
from bench.cells.data import Datasets
from bench.cells.declaration import declare
from bench.cells.fitted import predictors
from bench.cells.jobs import Job, keyed, make_jobs
from bench.cells.leftovers import sweep
from bench.cells.outcomes import EndedError
from bench.cells.places import Apart, Place, run_jobs, workers
from bench.cells.plan import Cell, Plan, Request, plan
from bench.cells.request import request_record
from bench.cells.weights import are_intact
from bench.cli.progress import Progress
from bench.cluster.place import training_place
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.owner import COMPARE, COUNTING, require_own
from bench.records.place import own_folder, remove_leftovers
from bench.records.store import Store, latest, of_kind
from bench.report.decided import findings
from bench.report.outcome import Outcome
from bench.results.answers import PICTURES_SHOWN, hardest
from bench.results.families import unsettled
from bench.results.runs import Results, read
from bench.timing.alone import measuring_alone
from bench.timing.memory import require_memory
from bench.timing.workloads import measure_group, plan_groups


def run(request: Request, progress: Progress) -> Outcome:
    """Trains and measures what is not in the report's records yet, and writes the report.

    Args:
        request: What to run.
        progress: Shows it.

    Raises:
        RequestError: The request cannot be carried out; nothing has been written.
    """
    plan(request)  # before anything is made of the report's name
    with writing_alone(request.folder):
        results = carry_out(request, progress)
        from bench.report.write import write_report

        write_report(results, request.folder)
    return Outcome(folder=request.folder, results=results)


def carry_out(request: Request, progress: Progress) -> Results:
    """The results of a request, trained and measured where the records lack them.

    Raises:
        RequestError: The request cannot be carried out; nothing has been written.
    """
    planned = plan_here(request)
    require_own(request.folder, COUNTING if COUNTING in (request.command or "") else COMPARE)
    datasets = Datasets(request.data_root)
    dataset = datasets.get(request.dataset, request.seeds[0])
    here = machine.environment()
    records = Store(request.folder)
    _require_memory(request, planned, datasets, here, records)
    with training_place(request.cluster, request.devices, progress.begins) as place:
        splits = request.reports / ".data"
        weights = request.folder / "weights"
        jobs = make_jobs(planned.cells, datasets, splits=splits, environment=here, weights=weights)
        _clear(request, records)
        _declare(declare(request, planned), records)
        specs = [cell.spec for cell in planned.first_cells.values()]
        counted = count_all(specs, records, request.cell_timeout)

        @cache
        def references() -> list[str]:
            import bench.report.write  # noqa: F401 - with scipy and matplotlib, a second of a core

            return _fit_references(jobs, datasets, here, records, progress)

        ran = None
        if request.looks:
            declared = [job.key for job in jobs]
            records.append(request_record(request, planned, here, dataset, declared))
            jobs = _train_until_settled(jobs, request, records, progress, place)
            ran = Counter(job.cell.model for job in jobs if job.cell.device == request.devices[0])
        permuted = permuted_cells([job.cell for job in jobs])
        controls = make_jobs(permuted, datasets, splits=splits, environment=here, weights=None)
        _train([*jobs, *controls], request, records, progress, place, meanwhile=references)
    keys = [job.key for job in (*jobs, *controls)] + counted + references()
    # Here, and only now: no cell of this run trains any more, wherever it did.
    able = _that_ran(planned, records, keys)
    keys += _measure(request, able, here, records, progress)
    trained = of_kind(latest(records.read(), keys).values(), kinds.Train)
    shown = hardest(trained, planned.models, len(dataset.test))[:PICTURES_SHOWN]
    records.append(request_record(request, planned, here, dataset, keys, ran, shown))
    return _with_findings(read(records), records)


def _clear(request: Request, records: Store) -> None:
    """Removes what runs that were killed have left; sets records aside that are not wanted."""
    sweep()
    own_folder(request.folder / "weights")
    for place in (request.folder, request.folder / "weights"):
        remove_leftovers(place)
    remove_leftovers(request.reports / ".data", older_than_seconds=3_600)
    if request.fresh:
        records.set_aside()


def _with_findings(results: Results, records: Store) -> Results:
    """The results with what exact checks find of the run's networks; recorded where that is new."""
    new = {finding.claim: finding for finding in findings(results)}
    for finding in new.values():
        records.append(finding)
    return replace(results, findings={**results.findings, **new})


def _declare(declaration: kinds.Declaration, records: Store) -> None:
    """Records what will be judged and how, unless that has been declared in this place before."""
    if records.missing({declaration.key: declaration}):
        records.append(declaration)


def plan_here(request: Request) -> Plan:
    """The plan of a request that can be carried out on this machine.

    Raises:
        RequestError: The request is wrong, or a device that it names is not there.
    """
    planned = plan(request)
    missing = [device for device in request.devices if device not in machine.devices()]
    if missing:
        there = ", ".join(machine.devices())
        raise RequestError(f"no device '{missing[0]}' here; choose from {there}")
    return planned


def require_memory_for(request: Request) -> None:
    """Checks, before anything runs, that what a request has still to do fits into memory.

    Raises:
        RequestError: It does not, or it cannot be carried out.
    """
    records = Store(request.folder)
    datasets = Datasets(request.data_root)
    _require_memory(request, plan_here(request), datasets, machine.environment(), records)


def _require_memory(
    request: Request, planned: Plan, datasets: Datasets, here: Environment, records: Store
) -> None:
    """Checks that every heavy network that is not trained and measured yet fits into memory."""
    heavy = [cell for cell in planned.cells if cell.is_heavy]
    if not heavy:
        return
    wanted = {job.key: job.cell.spec for job in keyed(heavy, datasets, here)}
    for group in plan_groups(request, planned, here):
        cells = {group.keys[workload]: cell for workload, cell in group.cells.items()}
        wanted |= {key: cell.spec for key, cell in cells.items() if cell.is_heavy}
    waiting = wanted if request.fresh else records.missing(wanted)
    require_memory({spec.name: spec for spec in waiting.values()}.values())


def _that_ran(planned: Plan, records: Store, keys: Sequence[str]) -> Plan:
    """The plan without the networks none of whose cells went through, which nobody measures."""
    trained = of_kind(latest(records.read(), keys).values(), kinds.Train)
    ran = {cell.model for cell in trained if cell.status == "ok"}
    return replace(planned, cells=tuple(cell for cell in planned.cells if cell.model in ran))


def _train(
    jobs: Sequence[Job],
    request: Request,
    records: Store,
    progress: Progress,
    place: Place,
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Trains the cells that have no good record yet, each recorded as soon as it is done."""
    wanted = {job.key: job for job in jobs}
    waiting = records.missing(wanted)
    ours = {
        device: [job for job in waiting.values() if job.cell.device == device]
        for device in request.devices
    }
    side_by_side = {
        device: 1
        if any(job.cell.is_heavy for job in own)
        else workers(device, request.jobs, len(own))
        for device, own in ours.items()
    }
    at_once = place.at_once(max(side_by_side.values()))
    progress.training([job.cell for job in waiting.values()], len(jobs), at_once)
    gone, kept = 0, wanted.keys() - waiting.keys()
    for key, record in _kept(records, kept):
        gone += not _has_its_weights(wanted[key], record, progress)
        progress.kept(record)
    if gone:
        progress.begins(
            f"{gone} of {len(kept)} runs are recorded, but their weights are gone; the report "
            "needs none, and --fresh trains them again"
        )
    apart = Apart(seconds=request.cell_timeout, on_lost=_telling(progress))
    for device, own in ours.items():
        for _, record in run_jobs(own, side_by_side[device], meanwhile, apart, place):
            records.append(record)
            progress.trained(record)


def _kept(records: Store, keys: Collection[str]) -> Iterator[tuple[str, kinds.Train]]:
    """The good records of cells that are not trained again, one at a time: there may be many."""
    left = set(keys)
    for record in records.each():
        if isinstance(record, kinds.Train) and record.status == "ok" and record.key in left:
            left.remove(record.key)
            yield record.key, record


def _telling(progress: Progress) -> Callable[[Cell, EndedError], None]:
    """What tells that a worker was lost."""

    def tell(cell: Cell, error: EndedError) -> None:
        said = str(error).partition(";")[0]
        progress.begins(f"{cell}: {said}; it is trained once more, when nothing runs beside it")

    return tell


def _train_until_settled(
    jobs: Sequence[Job], request: Request, records: Store, progress: Progress, place: Place
) -> list[Job]:
    """Trains the cells up to each look that a network goes on to, and its twins with it.

    Returns:
        The cells of all looks taken, whether they were trained now or recorded already.
    """
    due: list[Job] = []
    going_on = {job.cell.model for job in jobs}
    before = 0
    for look in request.looks:
        new = [job for job in jobs if before < job.cell.seed <= look]
        work = {job.work for job in new if job.cell.model in going_on}
        due += [job for job in new if job.work in work]
        _train(due, request, records, progress, place)
        going_on = unsettled(read(records), look)
        progress.begins(f"{look} seeds: " + (", ".join(sorted(going_on)) or "nothing") + " goes on")
        if not going_on:
            break
        before = look
    return due


def _has_its_weights(job: Job, record: kinds.Train, progress: Progress) -> bool:
    """Whether a kept cell's weights are there, if it keeps any.

    Others in their place, of another run or damaged, are removed, and that is said.
    """
    path = job.weights
    if path is None or are_intact(path, record.weights_sha256):
        return True
    if os.path.lexists(path):
        progress.begins(f"'{path}' does not hold the recorded weights of {record}; it was removed")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return False


def _fit_references(
    jobs: Sequence[Job],
    datasets: Datasets,
    here: Environment,
    records: Store,
    progress: Progress,
) -> list[str]:
    """Fits the reference predictors that are not fitted yet, for all test samples; all keys."""
    wanted = {predictor.key: predictor for predictor in predictors(jobs, datasets, here)}
    missing = records.missing(wanted)
    if missing:
        progress.begins(f"fitting {len(missing)} reference predictors")
    for predictor in missing.values():
        records.append(predictor.fitted())
    return list(wanted)


def _measure(
    request: Request, planned: Plan, here: Environment, records: Store, progress: Progress
) -> list[str]:
    """Measures each group of workloads that the records do not hold as it is; the keys of all."""
    keys: list[str] = []
    for group in plan_groups(request, planned, here):
        wanted = {key: workload for workload, key in group.keys.items()}
        if records.missing(wanted):
            progress.measuring(str(group), group.rounds)
            with measuring_alone(progress.begins) as beside:
                measured = measure_group(group, progress.measured, request.cell_timeout)
            for record in measured:
                records.append(msgspec.structs.replace(record, beside_cores=beside.busy_cores))
        keys += wanted
    return keys
