"""What a run would do, and about how long it would take; nothing is trained or written."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.cells import machine
from bench.cells.controls import permuted_cells
from bench.cells.data import Datasets
from bench.cells.fitting import is_here
from bench.cells.jobs import Keyed, keyed
from bench.cells.places import workers
from bench.cells.plan import Cell, Request
from bench.cli.values import duration
from bench.records import kinds
from bench.records.owner import COMPARE, require_own
from bench.records.store import Store
from bench.runner import plan_here
from bench.timing.protocol import BLOCK_SECONDS
from bench.timing.workloads import Group, plan_groups
from zoo import ModelSpec

# Of one core. Networks of the reports that come with the suite were trained at 3.9 to 13.6 billion.
MACS_PER_SECOND = 4.5e9
BACKWARD = 2  # passes backwards take about the work of two forwards
PROCESS_SECONDS = 4.0  # until a process that measures has loaded torch and made its networks ready

Basis = Literal["kept runs", "multiply-accumulates"]


@dataclass(frozen=True, kw_only=True)
class Network:
    """The runs of one network on one device.

    Attributes:
        runs: How many there are of it.
        kept: How many of them are recorded already.
        shared: How many of the others an equal network under another name trains, too.
        run_seconds: What one is expected to take; None where nothing says it.
        basis: What that comes from.
    """

    model: str
    device: str
    runs: int
    kept: int
    shared: int
    run_seconds: float | None
    basis: Basis | None

    @property
    def to_train(self) -> int:
        """How many runs have to be trained for it."""
        return self.runs - self.kept - self.shared


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a request would come to here.

    Attributes:
        networks: In the order of the request; controls come last.
        side_by_side: By device, how many runs would go on at a time.
        groups: What would be timed together, in words.
        timed: How many of those have been timed already.
        timing_seconds: What timing the others is expected to take.
        data_here: Whether the data are here; without them no run can be told to be kept.
        left_out: Why networks that a glob named would not run.
    """

    networks: tuple[Network, ...]
    side_by_side: Mapping[str, int]
    groups: tuple[str, ...]
    timed: int
    timing_seconds: float
    data_here: bool
    left_out: tuple[str, ...]

    @property
    def training_seconds(self) -> float | None:
        """What training is expected to take; None where that is not known of some network."""
        left = [network for network in self.networks if network.to_train]
        if any(network.run_seconds is None for network in left):
            return None
        return sum(
            network.to_train * (network.run_seconds or 0.0) / self.side_by_side[network.device]
            for network in left
        )


def forecast(request: Request) -> Forecast:
    """What a request would come to here.

    Raises:
        RequestError: It cannot be carried out.
    """
    planned = plan_here(request)
    require_own(request.folder, COMPARE)
    records = Store(request.folder)
    here = machine.environment()
    cells = (*planned.cells, *permuted_cells(planned.cells))
    data_here = is_here(request.dataset, request.data_root)
    found = keyed(cells, Datasets(request.data_root), here) if data_here else []
    waiting = {job.key: job for job in found}
    if not request.fresh:
        waiting = records.missing(waiting)
    groups = plan_groups(request, planned, here)
    to_time = [group for group in groups if request.fresh or _is_missing(group, records)]
    return Forecast(
        networks=_networks(cells, found, [*waiting.values()], records),
        side_by_side=_side_by_side(request, [*waiting.values()]),
        groups=tuple(map(str, groups)),
        timed=len(groups) - len(to_time),
        timing_seconds=sum(map(_timing_seconds, to_time)),
        data_here=data_here,
        left_out=tuple(item.reason for item in planned.left_out),
    )


def _networks(
    cells: Sequence[Cell], found: Sequence[Keyed], waiting: Sequence[Keyed], records: Store
) -> tuple[Network, ...]:
    seconds = _recorded_seconds(records)
    trained_for: dict[str, str] = {}  # by work, the network that it is trained for
    for job in waiting:
        trained_for.setdefault(job.work, job.cell.model)
    networks = []
    for model, device in dict.fromkeys((cell.model, cell.device) for cell in cells):
        first = next(cell for cell in cells if (cell.model, cell.device) == (model, device))
        own = [job for job in found if (job.cell.model, job.cell.device) == (model, device)]
        left = [job for job in waiting if (job.cell.model, job.cell.device) == (model, device)]
        kept = seconds.get((model, device, first.recipe.epochs))
        counted = _counted_seconds(own[0]) if own else None
        networks.append(
            Network(
                model=model,
                device=device,
                runs=sum((cell.model, cell.device) == (model, device) for cell in cells),
                kept=len(own) - len(left),
                shared=sum(trained_for[job.work] != model for job in left),
                run_seconds=kept or counted,
                basis="kept runs" if kept else "multiply-accumulates" if counted else None,
            )
        )
    return tuple(networks)


def _recorded_seconds(records: Store) -> dict[tuple[str, str, int], float]:
    """By network, device and epochs, the mean time of its runs that went through."""
    taken: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for record in records.each():
        if isinstance(record, kinds.Train) and record.train_seconds:
            taken[record.model, record.device, record.epochs].append(record.train_seconds)
    return {what: math.fsum(times) / len(times) for what, times in taken.items()}


def _counted_seconds(job: Keyed) -> float | None:
    """What a run takes at the rate of one core; None where its work cannot be counted."""
    macs = _macs(job.cell.spec)
    if macs is None:
        return None
    samples = job.train_samples * job.cell.recipe.epochs
    return (1 + BACKWARD) * macs * samples / MACS_PER_SECOND


def _macs(spec: ModelSpec) -> int | None:
    if spec.declared_macs is not None:
        return spec.declared_macs
    from bench.cells.count import count

    try:
        return count(spec).macs
    except Exception:  # a network of the user's own may raise anything; the run will say what
        return None


def _side_by_side(request: Request, waiting: Sequence[Keyed]) -> dict[str, int]:
    """By device, how many runs go on at a time: of equal ones one, and a heavy one alone."""
    found = {}
    for device in request.devices:
        own = [job for job in waiting if job.cell.device == device]
        alone = any(job.cell.is_heavy for job in own)
        found[device] = 1 if alone else workers(device, request.jobs, len({j.work for j in own}))
    return found


def _is_missing(group: Group, records: Store) -> bool:
    return bool(records.missing({key: key for key in group.keys.values()}))


def _timing_seconds(group: Group) -> float:
    blocks = len(group.twins) * group.processes * group.rounds
    return blocks * BLOCK_SECONDS + group.processes * PROCESS_SECONDS


def in_words(found: Forecast, request: Request) -> Iterator[str]:
    """What a forecast comes to, a line each."""
    runs = sum(network.runs for network in found.networks)
    kept = sum(network.kept for network in found.networks)
    shared = sum(network.shared for network in found.networks)
    at_once = ", ".join(f"{number} at a time on {d}" for d, number in found.side_by_side.items())
    yield f"{runs} runs, of which {kept} are kept; {runs - kept - shared} to train, {at_once}"
    if shared:
        yield f"{shared} runs are of equal networks under another name, which are trained once"
    if request.looks:
        yield f"at most: it is looked at after {', '.join(map(str, request.looks))} seeds"
    if found.groups:
        timed = f", of which {found.timed} are timed already" if found.timed else ""
        yield f"timed after the training: {'; '.join(found.groups)}{timed}"
    yield from (f"left out: {reason}" for reason in found.left_out)
    yield _time(found, request)
    yield "nothing was trained or written; leave --dry-run out to run it"


def _time(found: Forecast, request: Request) -> str:
    """About how long it takes, and what that comes from."""
    if not found.data_here:
        return (
            f"time: not known, because the files of {request.dataset} are not in "
            f"'{request.data_root}' yet; a run downloads them first"
        )
    bases = [network.basis for network in found.networks if network.to_train]
    if None in bases:
        return "time: not known, because the work of a network could not be counted"
    recorded, counted = bases.count("kept runs"), bases.count("multiply-accumulates")
    sources = []
    of_all = f"of {len(bases)} networks from"
    if recorded:
        sources.append(f"for {recorded} {of_all} the time of runs kept in '{request.folder}'")
    if counted:
        rate = f"{MACS_PER_SECOND / 1e9:g} billion multiply-accumulates a second and core"
        sources.append(f"for {counted} {of_all} their work, at {rate}")
    said = f"time: about {duration(found.training_seconds or 0.0)} of training"
    said += f" ({' and '.join(sources)})" if sources else ""
    return f"{said} and {duration(found.timing_seconds)} of timing"
