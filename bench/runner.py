"""Carries a request out: data, counts, training, timing, report, in this order."""

from __future__ import annotations

import base64
import importlib.metadata
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import safe_open

import zoo
from bench.cells import reference as baselines
from bench.cells.count import count
from bench.cells.data import Dataset, Split, StoredSplit, first_test_pictures, load, store, view
from bench.cells.jobs import (
    DIGEST,
    Job,
    at_a_time,
    failure,
    make_job,
    run_jobs,
    training_code,
)
from bench.cells.plan import Plan, Request, deviations, plan, resolve
from bench.cli.progress import Progress
from bench.records import environment
from bench.records.code import code_sha256
from bench.records.errors import RequestError
from bench.records.store import Record, Store, digest
from bench.report.write import write_report
from bench.results.runs import Results, read
from bench.timing.gpu import summarise_states
from bench.timing.measure import PHASES, FailedTiming, Timing, Workload, measure, timing_code
from zoo import ModelSpec, Recipe


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run has come to: where its report lies, and its results."""

    folder: Path
    results: Results

    @property
    def failed(self) -> bool:
        """Whether some cell or measurement failed; the report says which."""
        return bool(self.results.failures)


def run(request: Request, progress: Progress) -> Outcome:
    """Trains and measures what is not in the report's records yet, and writes the report.

    Raises:
        RequestError: The request cannot be carried out; nothing has been written.
    """
    planned = plan_here(request)
    datasets = _load(request)
    here = environment.current()
    records = Store(request.folder)
    jobs = _jobs(request, planned, datasets, here)
    if request.fresh:
        records.set_aside()
    counts = count_models(planned.models, records)
    _train(jobs, request, records, progress)
    fitted = _fit_baselines(jobs, datasets, here, records, progress)
    timings = _measure(request, planned, here, records, progress)
    keys = [job.key for job in jobs] + counts + fitted + timings
    records.append(_request_record(request, planned, here, keys, datasets))
    results = read(records)
    write_report(results, request.folder)
    return Outcome(folder=request.folder, results=results)


def plan_here(request: Request) -> Plan:
    """The plan of a request that can be carried out on this machine.

    Raises:
        RequestError: The request is wrong, or a device that it names is not there.
    """
    planned = plan(request)
    missing = [device for device in request.devices if device not in environment.devices()]
    if missing:
        there = ", ".join(environment.devices())
        raise RequestError(f"no device '{missing[0]}' here; choose from {there}")
    return planned


def _load(request: Request) -> dict[int, Dataset]:
    """The data set by seed; only `sums` is drawn anew for each."""
    if request.dataset == "sums":
        return {
            seed: load("sums", data_root=request.data_root, seed=seed) for seed in request.seeds
        }
    dataset = load(request.dataset, data_root=request.data_root, seed=0)
    return dict.fromkeys(request.seeds, dataset)


def _jobs(
    request: Request, planned: Plan, datasets: Mapping[int, Dataset], here: environment.Environment
) -> list[Job]:
    splits: dict[tuple[str, str], StoredSplit] = {}
    jobs = []
    for cell in planned.cells:
        spec, recipe, dataset = zoo.get(cell.model), resolve(cell), datasets[cell.seed]
        where = (cell.model, dataset.checksum)
        if where not in splits:
            _require_samples(dataset, spec)
            splits[where] = store(view(dataset, spec, recipe), request.reports / ".data")
        name = f"{cell.model}-{cell.device}-{cell.seed}.safetensors"
        heavy = "heavy" in spec.tags  # their weights may be more than a gigabyte
        weights = None if heavy else request.folder / "weights" / name
        jobs.append(make_job(cell, spec, recipe, splits[where], environment=here, weights=weights))
    return jobs


def _require_samples(dataset: Dataset, spec: ModelSpec) -> None:
    """Checks that there is something to train and to test on, as a pictures folder may not have."""
    for part, positions in (("training", dataset.train), ("test", dataset.test)):
        if not (dataset.labels[positions] < spec.classes).any():
            raise RequestError(
                f"{dataset.name} has no {part} samples of the classes 0 to {spec.classes - 1} that "
                f"'{spec.name}' tells apart; add some or leave the model out"
            )


def count_models(models: Sequence[str], records: Store) -> list[str]:
    """Counts the models that are not counted yet; the keys of all."""
    specs = {model: zoo.get(model) for model in models}
    wanted = {
        digest({"count": model, "code": code_sha256(count, spec.build, spec.layers)}): model
        for model, spec in specs.items()
    }
    for key, model in records.missing(wanted).items():
        records.append(Record(kind="count", key=key, fields=_count_fields(model)))
    return list(wanted)


def _count_fields(model: str) -> dict[str, Any]:
    try:
        return {"model": model, "status": "ok", **asdict(count(zoo.get(model)))}
    except Exception as error:
        return {"model": model, **failure(error)}


def _train(jobs: Sequence[Job], request: Request, records: Store, progress: Progress) -> None:
    """Trains the cells that have no good record yet, each recorded as soon as it is done."""
    wanted = {job.key: job for job in jobs}
    waiting = records.missing(wanted)
    for key, record in records.latest(wanted).items():
        if key not in waiting:
            _drop_other_weights(wanted[key], record.fields["weights_sha256"])
    progress.training([str(job.cell) for job in waiting.values()], len(jobs), request.jobs)
    for device in request.devices:
        ours = [job for job in waiting.values() if job.cell.device == device]
        for key, fields in run_jobs(ours, at_a_time(device, request.jobs)):
            records.append(Record(kind="train", key=key, fields=fields))
            progress.trained(str(waiting[key].cell), fields)


def _drop_other_weights(job: Job, weights_sha256: str) -> None:
    """Removes a weights file that another run of the same name has left in this cell's place."""
    if job.weights is None or not job.weights.exists():
        return
    with safe_open(job.weights, framework="numpy") as file:
        if (file.metadata() or {}).get(DIGEST) == weights_sha256:
            return
    job.weights.unlink()


def _fit_baselines(
    jobs: Sequence[Job],
    datasets: Mapping[int, Dataset],
    here: environment.Environment,
    records: Store,
    progress: Progress,
) -> list[str]:
    """Fits the baselines that are not fitted yet, for all test samples; the keys of all."""
    first: dict[str, Job] = {}
    wanted: dict[str, tuple[str, int | None, Split]] = {}
    for job in jobs:
        first.setdefault(job.split.test_checksum, job)
    for job in first.values():
        dataset = datasets[job.cell.seed]
        split = baselines.baseline_view(dataset, job.spec, job.recipe)
        seed = job.cell.seed if dataset.name == "sums" else None
        for name in baselines.NAMES:
            wanted[_baseline_key(name, split, here)] = (name, seed, split)
    missing = records.missing(wanted)
    if missing:
        progress.begins(f"fitting {len(missing)} baselines")
    for key, (name, seed, split) in missing.items():
        fields = {"baseline": name, "seed": seed, **_baseline_fields(name, split)}
        records.append(Record(kind="baseline", key=key, fields=fields))
    return list(wanted)


def _baseline_key(name: str, split: Split, here: environment.Environment) -> str:
    return digest(
        {
            "baseline": name,
            "data": split.checksum,
            "tested_on": split.test_checksum,
            "code": code_sha256(baselines.fit),
            "environment": here.decisive("cpu"),
            "scipy": importlib.metadata.version("scipy"),  # takes the regression's steps
        }
    )


def _baseline_fields(name: str, split: Split) -> dict[str, Any]:
    fields = {
        "classes": len(split.classes),
        "train_samples": split.sizes[0],
        "test_samples": split.sizes[2],
        "test_checksum": split.test_checksum,
        "data_sha256": split.checksum,
    }
    try:
        return {**fields, "status": "ok", **asdict(baselines.fit(name, split))}
    except Exception as error:
        return {**fields, **failure(error)}


def plan_workloads(request: Request, planned: Plan) -> dict[Workload, Recipe]:
    """Every phase of every model on every device, with the recipe that its steps take from."""
    recipes = {cell.model: resolve(cell) for cell in planned.cells}
    return {
        Workload(model=model, device=device, phase=phase): recipes[model]
        for device in request.devices
        for model in planned.models
        for phase in PHASES
    }


def _measure(
    request: Request,
    planned: Plan,
    here: environment.Environment,
    records: Store,
    progress: Progress,
) -> list[str]:
    """Measures all workloads of the run against each other, unless the records hold just that."""
    sample = planned.cells[0]
    workloads = plan_workloads(request, planned)
    for device in request.devices:
        # One network shows what determinism costs; the baseline stands for all.
        flagged = Workload(model=planned.baseline, device=device, phase="train")
        workloads[replace(flagged, deterministic=False)] = workloads[flagged]
    together = {
        "workloads": [[asdict(w), asdict(r)] for w, r in workloads.items()],
        "code": [
            timing_code(),
            *(training_code(zoo.get(model)) for model in planned.models),
        ],
        "environment": {device: here.decisive(device) for device in request.devices},
        "recipe": sample.recipe,
    }
    keys = {workload: digest({**together, **asdict(workload)}) for workload in workloads}
    known = records.latest(keys.values())
    if all(key in known and known[key].fields["status"] == "ok" for key in keys.values()):
        return list(keys.values())
    progress.measuring(len(workloads))
    timings, failed = measure(
        [(workload, zoo.get(workload.model), recipe) for workload, recipe in workloads.items()],
        on_round=progress.measured,
    )
    results: list[Timing | FailedTiming] = [*timings, *failed]
    for timing in results:
        records.append(
            Record(kind="timing", key=keys[timing.workload], fields=timing_fields(timing))
        )
    return list(keys.values())


def timing_fields(timing: Timing | FailedTiming) -> dict[str, Any]:
    """The fields of a timing record."""
    workload = {**asdict(timing.workload), "batch": timing.workload.batch}
    if isinstance(timing, FailedTiming):
        return {**workload, "status": "failed", "error": timing.error}
    fields = {
        **workload,
        "status": "ok",
        "samples_per_second": timing.samples_per_second,
        "steps_per_block": timing.steps_per_block,
        "peak_memory_bytes": timing.peak_memory_bytes,
        "gpu": summarise_states(timing.gpu_states),
    }
    if workload["phase"] == "latency":
        percentiles = {f"latency_p{p}_seconds": timing.latency_seconds(p) for p in (50, 95, 99)}
        return {**fields, **percentiles, "calls": len(timing.block_seconds[0])}
    # Five digits are far finer than the noise, and keep a record within a kilobyte.
    short = [[float(f"{seconds:.5g}") for seconds in label] for label in timing.block_seconds]
    return {**fields, "block_seconds": short}


def _request_record(
    request: Request,
    planned: Plan,
    here: environment.Environment,
    keys: Sequence[str],
    datasets: Mapping[int, Dataset],
) -> Record:
    """What a report says about its run beside the results."""
    first = {cell.model: cell for cell in reversed(planned.cells)}
    specs = {model: zoo.get(model) for model in planned.models}
    dataset = datasets[request.seeds[0]]
    pictures = None
    if dataset.name != "sums":
        pixels, labels = first_test_pictures(dataset)
        pictures = {
            "side": pixels.shape[1],
            "pixels": base64.b64encode(pixels.tobytes()).decode(),
            "labels": labels.tolist(),
        }
    fields = {
        "models": list(request.models),
        "dataset": dataset.name,
        "dataset_sizes": [len(dataset.train), len(dataset.validation), len(dataset.test)],
        "dataset_sha256": dataset.checksum,
        "recipe": request.recipe,
        "seeds": list(request.seeds),
        "devices": list(request.devices),
        "ran": list(planned.models),
        "baseline": planned.baseline,
        "left_out": [asdict(item) for item in planned.left_out],
        "command": command(request),
        "documents": {model: spec.document.id for model, spec in specs.items()},
        "recipes": {model: asdict(resolve(cell)) for model, cell in first.items()},
        "recipe_words": {model: str(resolve(cell)) for model, cell in first.items()},
        "deviations": {
            model: [asdict(item) for item in deviations(cell)] for model, cell in first.items()
        },
        "test_pictures": pictures,
        "test_labels": "".join(map(str, dataset.labels[dataset.test])) if pictures else None,
        "environment": asdict(here),
        "keys": list(keys),
    }
    return Record(kind="request", key=digest({"keys": list(keys)}), fields=fields)


def command(request: Request) -> str:
    """The command line that makes this run; options at their defaults are left out."""
    options = {
        "--models": ",".join(request.models),
        "--dataset": request.dataset,
        "--recipe": request.recipe,
        "--seeds": _seeds_text(request.seeds),
        "--devices": ",".join(request.devices),
        "--epochs": request.epochs,
        "--baseline": request.baseline,
        "--name": request.name,
        "--reports": None if request.reports == Path("reports") else request.reports,
    }
    words = [
        f"{option} {shlex.quote(str(value))}"
        for option, value in options.items()
        if value is not None
    ]
    return " ".join(["python -m bench.compare", *words])


def _seeds_text(seeds: tuple[int, ...]) -> str:
    if seeds == tuple(range(1, len(seeds) + 1)):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")
