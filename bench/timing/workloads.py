"""The workloads of a run: which are measured together, under which keys, and their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import msgspec

from bench.cells.jobs import training_code
from bench.cells.plan import Cell, Plan, Request
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.store import digest
from bench.timing.gpu import summarise_states
from bench.timing.guarded import EndedTiming, measure_guarded
from bench.timing.measure import Asked, FailedTiming, Timing, timing_code
from bench.timing.protocol import DELAY, PHASES, PROCESSES, ROUNDS, Workload, yardstick

# A heavy network's training step takes seconds, and several processes would not fit into memory.
# What is compared differs far more than its noise.
HEAVY_PROCESSES, HEAVY_ROUNDS = 1, 10


@dataclass(frozen=True, kw_only=True)
class Group:
    """Workloads that are measured against each other in the same rounds.

    Attributes:
        cells: By workload, a cell whose network and recipe it has; the yardstick has none.
        keys: By workload, the key of its record.
        twins: By workload, those of equal networks, which are not measured again.
        processes: How many processes measure all of them.
        rounds: How often each workload is visited in every process.
    """

    cells: Mapping[Workload, Cell]
    keys: Mapping[Workload, str]
    twins: Mapping[Workload, tuple[Workload, ...]]
    processes: int
    rounds: int

    def __str__(self) -> str:
        first, *others = self.twins
        if not others:
            return f"{first.model}, {first.phase}"
        return f"{1 + len(others)} workloads by {self.processes} processes"


def plan_workloads(request: Request, planned: Plan) -> dict[Workload, Cell]:
    """Every phase of every model on every device, with a cell that has its network and recipe."""
    return {
        Workload(model=model, device=device, phase=phase): cell
        for device in request.devices
        for model, cell in planned.first_cells.items()
        for phase in PHASES
    }


def plan_groups(request: Request, planned: Plan, here: Environment) -> list[Group]:
    """What is measured together: all workloads of a run, but each of a heavy network alone.

    The yardstick is measured with those that are together, on each of their devices.
    """
    if request.rounds == 0:
        return []
    workloads = plan_workloads(request, planned)
    heavy = {workload for workload, cell in workloads.items() if cell.is_heavy}
    together = {workload: cell for workload, cell in workloads.items() if workload not in heavy}
    for device in request.devices:
        # One network shows what determinism costs; the baseline stands for all.
        flagged = Workload(model=planned.baseline, device=device, phase="train")
        if flagged in together:
            together[replace(flagged, deterministic=False)] = together[flagged]
            if device == "cpu":  # a control: is a delay of a known size found?
                together[replace(flagged, delay=DELAY)] = together[flagged]
    groups = [_group(together, here, PROCESSES, request.rounds or ROUNDS)] if together else []
    alone = [workload for workload in workloads if workload in heavy]
    return [
        *groups,
        *(
            _group(
                {workload: workloads[workload]},
                here,
                HEAVY_PROCESSES,
                request.rounds or HEAVY_ROUNDS,
            )
            for workload in alone
            if workload.phase != "latency"  # a batch of one says nothing of such a network
        ),
    ]


def _group(cells: Mapping[Workload, Cell], here: Environment, processes: int, rounds: int) -> Group:
    same: dict[str, list[Workload]] = {}
    specs = {cell.model: cell.spec for cell in cells.values()}
    codes = {model: training_code(spec) for model, spec in specs.items()}
    for workload, cell in cells.items():
        work = {**asdict(workload), "model": codes[cell.model], "recipe": cell.recipe.settings}
        same.setdefault(digest(work), []).append(workload)
    twins = {first: tuple(others) for first, *others in same.values()}
    devices = dict.fromkeys(workload.device for workload in cells)
    together = {
        "workloads": [[asdict(first), cells[first].recipe.settings] for first in twins],
        "processes": processes,
        "rounds": rounds,
        "code": [timing_code(), *dict.fromkeys(codes[first.model] for first in twins)],
        "environment": {device: here.decisive(device) for device in devices},
    }
    yardsticks = [yardstick(device) for device in devices] if processes > 1 else []
    return Group(
        cells=cells,
        keys={item: digest({**together, **asdict(item)}) for item in (*yardsticks, *cells)},
        twins={**dict.fromkeys(yardsticks, ()), **twins},
        processes=processes,
        rounds=rounds,
    )


def measure_group(
    group: Group, on_round: Callable[[int], None], seconds: float | None = None
) -> list[kinds.Timing]:
    """The records of a group's workloads, measured now; a twin's says what its sibling's says.

    Args:
        group: What to measure.
        on_round: Called after each round with the number of rounds done.
        seconds: How long a workload may take to be made ready, or in a round; None is for ever.
    """
    timings, failed = measure_guarded(
        [_asked(workload, group.cells.get(workload)) for workload in group.twins],
        processes=group.processes,
        rounds=group.rounds,
        on_round=on_round,
        seconds=seconds,
    )
    measured: Sequence[Timing | FailedTiming] = [*timings, *failed]
    return [
        timing_record(timing, workload, group.keys[workload])
        for timing in measured
        for workload in (timing.workload, *group.twins[timing.workload])
    ]


def _asked(workload: Workload, cell: Cell | None) -> Asked:
    if cell is None:
        return Asked(workload=workload)
    return Asked(workload=workload, spec=cell.spec, recipe=cell.recipe)


def timing_record(timing: Timing | FailedTiming, workload: Workload, key: str) -> kinds.Timing:
    """The record of what was measured, as that of a workload, its own or of an equal network."""
    identity = {**asdict(workload), "batch": workload.batch, "key": key}
    if isinstance(timing, FailedTiming):
        status: kinds.Status = timing.status if isinstance(timing, EndedTiming) else "failed"
        return kinds.Timing(**identity, status=status, error=timing.error)
    # Five digits are far finer than the noise, and keep a record within a kilobyte.
    short = tuple(tuple(float(f"{s:.5g}") for s in process) for process in timing.block_seconds)
    made = kinds.Timing(
        **identity,
        status="ok",
        samples_per_second=timing.samples_per_second,
        steps_per_block=timing.steps_per_block,
        peak_memory_bytes=timing.peak_memory_bytes,
        gpu=summarise_states(timing.gpu_states),
        processes=len(short),
        block_seconds=short,
    )
    if workload.phase != "latency":
        return made
    return msgspec.structs.replace(
        made,
        latency_p50_seconds=timing.latency_seconds(50),
        latency_p95_seconds=timing.latency_seconds(95),
        latency_p99_seconds=timing.latency_seconds(99),
        calls=timing.calls,
    )
