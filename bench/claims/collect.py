"""Supply: the evidence that claims lack, trained and measured, each piece recorded at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from bench.cells import machine
from bench.cells.data import Datasets
from bench.cells.jobs import Job, failure, make_jobs
from bench.cells.leftovers import sweep
from bench.cells.parent import end_with
from bench.cells.places import run_jobs
from bench.cells.weights import are_intact
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
from bench.timing.alone import measuring_alone

_WEIGHTS = "weights"


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What could not be supplied.

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
    datasets = Datasets(data_root)
    obstacles: dict[str, None] = {}
    jobs = _jobs(trials, datasets, store, obstacles)
    sweep()
    failures = [*_train(store, jobs, probes, trials, side_by_side, shown)]
    records = store.read()
    runs = read(records, trials, ()).runs
    inputs: dict[str, list[str]] = {}
    able = []
    for probe in _lacking(probes, records, runs):
        if probe.trial is not None and probe.trial not in runs:
            continue  # why it has not been trained is among the obstacles or the failures
        try:
            inputs[_subject(probe)] = [*_data_of(probe, datasets), *weights_of(probe, runs)]
        except RequestError as error:
            obstacles[f"{probe.dataset} cannot be had: {error}"] = None
        else:
            able.append(probe)
    if able:
        shown.begins(f"running {len(able)} additional measurements")
    for probe, outcome in _probe(able, data_root, weights, side_by_side, shown):
        if isinstance(outcome, str):
            failures.append(f"{_subject(probe)}: {outcome}")
        else:
            store.append(probe.record(machine.environment(), inputs[_subject(probe)], outcome))
    return Supply(obstacles=tuple(obstacles), failures=tuple(failures))


def _subject(probe: Probe) -> str:
    """What tells a probe from all others, for people too."""
    return f"{probe.name} {dict(probe.subject)}"


def _data_of(probe: Probe, datasets: Datasets) -> list[str]:
    """Checksum of the data that a probe reads, if it reads any."""
    if probe.dataset is None:
        return []
    _require_published(datasets, probe.dataset)
    return [datasets.get(probe.dataset, probe.subject.get("drawn", 0)).checksum]


def _require_published(datasets: Datasets, name: str) -> None:
    """Checks that files in MNIST's format are those that the documents speak of."""
    if name == "mnist" and datasets.get(name, 0).name != name:
        raise RequestError(
            f"the files in '{datasets.data_root / 'MNIST' / 'raw'}' are not the published ones; "
            "remove them to download these"
        )


def _jobs(
    trials: Sequence[Trial], datasets: Datasets, store: Store, obstacles: dict[str, None]
) -> list[Job]:
    """The trials' cells, seed by seed, so that all have some before any has all.

    Those whose data cannot be had are left out and become obstacles.
    """
    jobs: list[Job] = []
    for name in dict.fromkeys(trial.dataset for trial in trials):
        cells = [t.cell(seed) for t in trials if t.dataset == name for seed in t.seeds]
        try:
            _require_published(datasets, name)
            jobs += make_jobs(
                cells,
                datasets,
                splits=store.path.parents[1] / ".data",
                environment=machine.environment(),
                weights=store.path.parent / _WEIGHTS,
            )
        except RequestError as error:
            obstacles[f"{name} cannot be had: {error}"] = None
    return sorted(jobs, key=lambda job: job.cell.seed)


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
    trained = [record for record in of_kind(records, kinds.Train) if record.status == "ok"]
    digests = {record.key: record.weights_sha256 for record in trained}
    looked_into = {
        (probe.trial, probe.subject["seed"])
        for probe in _lacking(probes, records, read(records, trials, ()).runs)
        if probe.trial is not None
    }
    waiting = {}
    for job in jobs:
        lost = job.weights is not None and not are_intact(job.weights, digests.get(job.key))
        if job.key not in digests or (lost and (job.cell.model, job.cell.seed) in looked_into):
            waiting[job.key] = job
    named = bool(of_kind(records, kinds.Machine))
    if waiting or (jobs and not named):
        # It is needed to make the keys of these cells again on other machines.
        store.append(machine_record(machine.environment()))
    shown.training([job.cell for job in waiting.values()], len(jobs), side_by_side)
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
    probes: Sequence[Probe], data_root: Path, weights: Path, side_by_side: int, shown: Progress
) -> Iterator[tuple[Probe, Mapping[str, Any] | str]]:
    """Every probe with its outcome, or what it raised; those that time are last, one at a time."""
    untimed = [probe for probe in probes if not probe.timing]
    parallel = Parallel(
        n_jobs=min(side_by_side, len(untimed) or 1), return_as="generator_unordered"
    )
    here = os.getpid()
    yield from parallel(
        delayed(_attempt_elsewhere)(probe, data_root, weights, here) for probe in untimed
    )
    for probe in probes:
        if probe.timing:
            with measuring_alone(shown.begins):
                attempt = _attempt(probe, data_root, weights)
            yield attempt


def _attempt_elsewhere(
    probe: Probe, data_root: Path, weights: Path, parent: int
) -> tuple[Probe, Mapping[str, Any] | str]:
    end_with(parent)
    return _attempt(probe, data_root, weights)


def _attempt(probe: Probe, data_root: Path, weights: Path) -> tuple[Probe, Mapping[str, Any] | str]:
    try:
        return probe, probe.run(data_root, weights, **probe.subject)
    except Exception as error:
        return probe, failure(error)
