"""Supply: the evidence that claims lack, trained and measured, each piece recorded at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from bench.cells import machine
from bench.cells.data import Datasets
from bench.cells.jobs import Job, failure, make_jobs, run_jobs
from bench.claims.evidence import (
    Probe,
    machine_record,
    made_by,
    read,
    records_of,
    weights_of,
)
from bench.claims.trials import Trial
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind
from bench.results.runs import Runs

_WEIGHTS = "weights"


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What came of supplying evidence.

    Attributes:
        obstacles: Why something could not be tried, a line each.
        failures: What was tried and failed, a line each.
    """

    obstacles: tuple[str, ...]
    failures: tuple[str, ...]


def supply(
    store: Store,
    trials: Sequence[Trial],
    probes: Sequence[Probe],
    *,
    data_root: Path,
    side_by_side: int,
    shown: Progress,
) -> Supply:
    """Adds to the records what is missing of trials and probes.

    Training comes first, probes of trained networks then, and what is timed last and alone.

    Args:
        store: The report's records.
        trials: What has to be trained.
        probes: What has to be measured.
        data_root: The folder above `MNIST/raw`.
        side_by_side: How many cells to train at a time.
        shown: Shows the training.
    """
    weights = store.path.parent / _WEIGHTS
    splits = store.path.parents[1] / ".data"
    obstacles: dict[str, None] = {}
    jobs: list[Job] = []
    datasets = Datasets(data_root)
    for name in dict.fromkeys(trial.dataset for trial in trials):
        cells = [t.cell(seed) for t in trials if t.dataset == name for seed in t.seeds]
        # Seed by seed, so that all have some before any has all.
        cells.sort(key=lambda cell: cell.seed)
        try:
            jobs += make_jobs(
                cells, datasets, splits=splits, environment=machine.environment(), weights=weights
            )
        except RequestError as error:
            obstacles[f"{name} cannot be had: {error}"] = None
    jobs.sort(key=lambda job: job.cell.seed)
    failures = [*_train(store, jobs, probes, trials, side_by_side, shown)]
    records = store.read()
    runs = read(records, trials, ()).runs
    lacking = _lacking(probes, records, runs)
    try:
        checksum = datasets.get("mnist", 0).checksum if lacking else ""
    except RequestError as error:
        obstacles[f"mnist cannot be had: {error}"] = None
        lacking, checksum = [probe for probe in lacking if probe.timing], ""
    able = [probe for probe in lacking if probe.subject.get("trial", "") in {"", *runs}]
    if able:
        shown.begins(f"running {len(able)} additional measurements")
    for probe, outcome in _probe(able, data_root, weights, side_by_side):
        if outcome["status"] != "ok":
            failures.append(f"{probe.name} {dict(probe.subject)}: {outcome['error']}")
            continue
        inputs = [] if probe.timing else [checksum, *weights_of(probe, runs)]
        store.append(probe.record(machine.environment(), inputs, outcome["found"]))
    return Supply(obstacles=tuple(obstacles), failures=tuple(failures))


def _train(
    store: Store,
    jobs: Sequence[Job],
    probes: Sequence[Probe],
    trials: Sequence[Trial],
    side_by_side: int,
    shown: Progress,
) -> Iterator[str]:
    """Trains what is not recorded, and what a probe needs the lost weights of; yields failures."""
    records = store.read()
    known = {record.key for record in of_kind(records, kinds.Train) if record.status == "ok"}
    looked_into = {
        (probe.subject["trial"], probe.subject["seed"])
        for probe in _lacking(probes, records, read(records, trials, ()).runs)
        if "trial" in probe.subject
    }
    waiting = {}
    for job in jobs:
        lost = job.weights is not None and not job.weights.exists()
        if job.key not in known or (lost and (job.cell.model, job.cell.seed) in looked_into):
            waiting[job.key] = job
    named = bool(of_kind(records, kinds.Machine))
    if waiting or (jobs and not named):
        # It is needed to make the keys of these cells again on other machines.
        store.append(machine_record(machine.environment()))
    shown.training([str(job.cell) for job in waiting.values()], len(jobs), side_by_side)
    for job, record in run_jobs(list(waiting.values()), side_by_side):
        store.append(record)
        shown.trained(record)
        if record.status != "ok":
            yield f"{job.cell}: {record.error}"


def _lacking(
    probes: Sequence[Probe], records: Sequence[kinds.Record], runs: Mapping[str, Runs]
) -> list[Probe]:
    """The probes that have not been made on this machine, or not of these trained weights."""
    here = machine.environment()
    return [
        probe
        for probe in probes
        if not any(made_by(record, here) for record in records_of(probe, records, runs))
    ]


def _probe(
    probes: Sequence[Probe], data_root: Path, weights: Path, side_by_side: int
) -> Iterator[tuple[Probe, Mapping[str, Any]]]:
    """Every probe with what came of it; those that time come last, one at a time."""
    parallel = Parallel(n_jobs=side_by_side, return_as="generator_unordered")
    yield from parallel(delayed(_attempt)(p, data_root, weights) for p in probes if not p.timing)
    for probe in probes:
        if probe.timing:
            yield _attempt(probe, data_root, weights)


def _attempt(probe: Probe, data_root: Path, weights: Path) -> tuple[Probe, Mapping[str, Any]]:
    try:
        return probe, {"status": "ok", "found": probe.run(data_root, weights, **probe.subject)}
    except Exception as error:
        return probe, {"status": "failed", "error": failure(error)}
