"""Replication: a run's cells trained anew where bits cannot be equal, and judged by statistics.

Another processor adds the same numbers in another order. A network that amplifies rounding then
ends in other weights, as it does from another seed. What can be asked is whether it is as accurate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cells import machine
from bench.cells.data import Datasets
from bench.cells.jobs import Job, make_jobs, training_code
from bench.cells.leftovers import sweep, temporary_folder
from bench.cells.places import HERE, Place, at_a_time, run_jobs
from bench.cells.recorded import as_cell, spec_of, unknown
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.store import Store, latest, of_kind
from bench.results.runs import Runs
from bench.statistics import replication
from bench.statistics.accuracy import correctness
from bench.statistics.basics import Bools
from bench.verify.retrain import cell_names, environment_differences

_Found = dict[tuple[str, str], dict[int, kinds.Train]]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network on a device, recorded and trained anew.

    Attributes:
        model: Its name.
        device: Where it ran.
        recorded: How many recorded runs there are.
        now: How many there are now.
        found: What they say.
    """

    model: str
    device: str
    recorded: int
    now: int
    found: replication.Replication


@dataclass(frozen=True, kw_only=True)
class Replicated:
    """The result of replicating a run.

    Attributes:
        networks: Those that were trained anew, in the order of the run.
        cells: Cells of the run.
        retrained: How many of them were trained anew.
        margin: The smallest difference in accuracy that counts, a fraction.
        failures: What could not be trained, a line each.
        notes: What else differs from the recorded run, a line each.
    """

    networks: tuple[Network, ...]
    cells: int
    retrained: int
    margin: float
    failures: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_different(self) -> bool:
        """Whether a network is different, or could not be trained."""
        verdicts = {network.found.verdict for network in self.networks}
        return "different" in verdicts or bool(self.failures)


def replicate(
    folder: Path,
    *,
    data_root: Path,
    cells: int | None = None,
    progress: Progress | None = None,
    place: Place = HERE,
) -> Replicated:
    """The result of training cells of a report's latest run anew, on the seeds as recorded.

    Nothing is written into the report's folder. The recipe is the recorded one; code and versions
    are those of today. The smallest difference that counts is the one that the run has declared.

    Args:
        folder: The report's folder.
        data_root: The folder above `MNIST/raw`.
        cells: How many cells to train: the first in the run's order, which takes every model
            before the next seed. None trains all.
        progress: Shows the training; None shows nothing.
        place: Where cells are trained.

    Raises:
        RequestError: There is no run, or its data cannot be read.
    """
    store = Store(folder)
    request = store.latest_request()
    records = of_kind(latest(store.read(), request.keys).values(), kinds.Train)
    recorded = {str(record): record for record in records if record.status == "ok"}
    ran = [recorded[name] for name in cell_names(request) if name in recorded]
    sweep()
    with temporary_folder() as splits:
        jobs, obstacles = _jobs(ran[:cells], request, Datasets(data_root), Path(splits))
        trained = list(_train(jobs, progress or Progress(), place))
    now = [record for record in trained if record.status == "ok"]
    failed = [f"{record}: {record.error}" for record in trained if record.status != "ok"]
    return Replicated(
        networks=_networks(_grouped(ran), _grouped(now), request.margin),
        cells=len(ran),
        retrained=len(now),
        margin=request.margin,
        failures=(*obstacles, *failed),
        notes=_notes(ran[:cells], request),
    )


def _jobs(
    chosen: Sequence[kinds.Train], request: kinds.Request, datasets: Datasets, place: Path
) -> tuple[list[Job], list[str]]:
    """The cells as jobs, and a line for each reason why others cannot be trained here."""
    known = [record for record in chosen if spec_of(record)]
    obstacles = [unknown(record) for record in chosen if record not in known]
    made = make_jobs(
        [as_cell(record, request) for record in known],
        datasets,
        splits=place,
        environment=machine.environment(),
        weights=None,
    )
    jobs = []
    for job, record in zip(made, known, strict=True):
        if job.split.checksum == record.data_sha256:
            jobs.append(job)
        else:
            obstacles.append(f"what {record.model} sees of {record.dataset} is not as recorded")
    return jobs, list(dict.fromkeys(obstacles))


def _train(jobs: Sequence[Job], progress: Progress, place: Place) -> Iterator[kinds.Train]:
    """Trains the jobs, as many CPU cells at a time as there are cores, equal ones once."""
    at_once = place.at_once(machine.cores())
    progress.training([job.cell for job in jobs], len(jobs), at_once)
    for device in dict.fromkeys(job.cell.device for job in jobs):
        ours = [job for job in jobs if job.cell.device == device]
        side_by_side = 1 if any(job.cell.is_heavy for job in ours) else machine.cores()
        for _, record in run_jobs(ours, at_a_time(device, side_by_side), place=place):
            progress.trained(record)
            yield record


def _grouped(records: Sequence[kinds.Train]) -> _Found:
    """By device and model, in the order of the run, the cells by seed."""
    grouped: _Found = {}
    for record in records:
        grouped.setdefault((record.device, record.model), {})[record.seed] = record
    return grouped


def _networks(recorded: _Found, now: _Found, margin: float) -> tuple[Network, ...]:
    both = [place for place in recorded if place in now]
    found = replication.judge(
        [
            replication.Runs(
                recorded=_correct(place, recorded[place]),
                now=_correct(place, now[place]),
                same_samples=_runs(place, recorded[place]).same_samples,
            )
            for place in both
        ],
        margin,
    )
    return tuple(
        Network(
            model=model,
            device=device,
            recorded=len(recorded[device, model]),
            now=len(now[device, model]),
            found=judged,
        )
        for (device, model), judged in zip(both, found, strict=True)
    )


def _runs(place: tuple[str, str], cells: Mapping[int, kinds.Train]) -> Runs:
    return Runs(device=place[0], model=place[1], cells=cells)


def _correct(place: tuple[str, str], cells: Mapping[int, kinds.Train]) -> Bools:
    runs = _runs(place, cells)
    return correctness(runs.misclassified, sorted(cells), runs.test_samples)


def _notes(chosen: Sequence[kinds.Train], request: kinds.Request) -> tuple[str, ...]:
    """What differs from the recorded run, apart from what is asked about."""
    lines: dict[str, None] = {}
    for record in chosen:
        lines |= dict.fromkeys(environment_differences(request.environment, record.device))
        spec = spec_of(record)
        if spec is not None and record.code_sha256 != training_code(
            spec, together=record.together is not None
        ):
            lines[f"the code that trains or builds {record.model} is not as recorded"] = None
    return tuple(lines)
