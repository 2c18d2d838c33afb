"""Throughput, latency and peak memory, with all workloads measured in interleaved rounds.

A machine drifts: it warms up, throttles, serves others. Measured one after the other, networks
would be compared at different moments; here every round visits all of them, in an order drawn
again, so that drift hits all alike.

A process has luck of its own: where its code and its memory lie can make one network slower for as
long as it lives, and no number of rounds shows that. So several fresh processes measure the same,
and take turns round by round; what differs between them is part of a ratio's doubt.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench.cells.allocation import keep_freed_memory
from bench.cells.determinism import deterministic, stream_seed
from bench.cells.jobs import failure
from bench.cells.processes import ForkedProcess, InThisProcess, ProcessEndedError
from bench.records.code import code_sha256
from bench.timing.gpu import GpuState, read_state
from bench.timing.protocol import (
    BLOCK_SECONDS,
    CALLS_PER_ROUND,
    MEASUREMENT_SEED,
    PROCESSES,
    ROUNDS,
    Workload,
)
from bench.timing.runner import Delayed, Runner, Timed, Yardstick
from zoo import ModelSpec, Recipe

WARM_STEPS = 2  # the first of them allocates

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A workload that is to be measured.

    Attributes:
        workload: What to measure.
        spec: The network's entry; None for the yardstick.
        recipe: What the network's steps take optimiser, loss and normalisation from; None for the
            yardstick.
    """

    workload: Workload
    spec: ModelSpec | None = None
    recipe: Recipe | None = None

    def runner(self) -> Timed:
        """The workload made ready in this process."""
        if self.spec is None or self.recipe is None:
            return Yardstick(self.workload)
        kind = Delayed if self.workload.delay else Runner
        return kind(self.workload, self.spec, self.recipe)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Raw measurements of one workload.

    Attributes:
        workload: What was measured.
        steps_per_block: Steps between two readings of the clock.
        seconds: By process and round, the times of the blocks of one visit: one block, for
            `latency` `CALLS_PER_ROUND` single calls.
        peak_memory_bytes: For `train`: weights and optimiser state, plus the most that one step
            allocates on top, by torch's allocator. None for other phases.
        gpu_states: What the GPU was doing after each round, where it can be read; empty on the CPU.
    """

    workload: Workload
    steps_per_block: int
    seconds: tuple[tuple[tuple[float, ...], ...], ...]
    peak_memory_bytes: int | None
    gpu_states: tuple[GpuState, ...] = ()

    @property
    def block_seconds(self) -> tuple[tuple[float, ...], ...]:
        """By process and round, one time: the block's, of single calls the median."""
        return tuple(
            tuple(float(np.median(visit)) for visit in process) for process in self.seconds
        )

    @property
    def samples_per_second(self) -> float:
        """Median over all blocks."""
        samples = self.workload.batch * self.steps_per_block
        return samples / float(np.median(self.seconds))

    @property
    def calls(self) -> int:
        """How many blocks there are in all; for latency, single calls."""
        return int(np.size(self.seconds))

    def latency_seconds(self, percentile: float) -> float:
        """A percentile, in 0..100, of the seconds per step."""
        return float(np.percentile(self.seconds, percentile)) / self.steps_per_block


@dataclass(frozen=True, kw_only=True)
class FailedTiming:
    """A workload that could not be measured, and what it raised."""

    workload: Workload
    error: str


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What is found out about a workload before it is measured; see `Timing`."""

    steps_per_block: int
    peak_memory_bytes: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """A workload that has been warmed up in this process."""

    runner: Timed
    prepared: Prepared

    def visit(self) -> tuple[float, ...]:
        """Measures the blocks of one visit."""
        calls = CALLS_PER_ROUND if self.runner.workload.phase == "latency" else 1
        self.runner.reset()
        with self.runner.algorithms():
            self.runner.step()  # not measured: it makes the optimiser's state and fills the caches
            return tuple(
                self.runner.block_seconds(self.prepared.steps_per_block) for _ in range(calls)
            )


Found = Mapping[Workload, Item | str]  # a string says what was raised
Place = InThisProcess | ForkedProcess


class Session:
    """Workloads that are measured in turns within one process."""

    def __init__(self) -> None:
        self.ready: dict[Workload, Ready] = {}

    def prepare(
        self,
        workloads: Sequence[Asked],
        known: Mapping[Workload, Prepared] | None,
        block_seconds: float,
    ) -> Found[Prepared]:
        """Builds and warms up; what was found out, or why a workload failed.

        Args:
            workloads: What to measure.
            known: What another process has found out already; None where this is the first.
            block_seconds: How long one block should take.
        """
        keep_freed_memory()
        found: dict[Workload, Prepared | str] = {}
        with deterministic():
            for asked in workloads:
                done = None if known is None else known[asked.workload]
                try:
                    ready = prepare(asked.runner(), block_seconds, done)
                except Exception as error:
                    found[asked.workload] = failure(error)
                    continue
                self.ready[asked.workload] = ready
                found[asked.workload] = ready.prepared
        return found

    def round(self, order: Sequence[Workload]) -> Found[tuple[float, ...]]:
        """Visits each workload once; the times of its blocks, or why it failed."""
        found: dict[Workload, tuple[float, ...] | str] = {}
        with deterministic():
            for workload in order:
                try:
                    found[workload] = self.ready[workload].visit()
                except Exception as error:
                    del self.ready[workload]
                    found[workload] = failure(error)
        return found

    def gpu_state(self) -> GpuState | None:
        """What the GPU is doing now."""
        return read_state()


def prepare(
    runner: Timed, block_seconds: float = BLOCK_SECONDS, known: Prepared | None = None
) -> Ready:
    """Warms a workload up; unless it is known, finds the steps of a block and the memory."""
    with runner.algorithms():
        if known is not None:
            runner.block_seconds(WARM_STEPS)
            return Ready(runner=runner, prepared=known)
        steps = _steps_per_block(runner, block_seconds)
        memory = None
        if isinstance(runner, Runner) and runner.workload.phase == "train":
            memory = runner.peak_memory_bytes()
    return Ready(runner=runner, prepared=Prepared(steps_per_block=steps, peak_memory_bytes=memory))


def _steps_per_block(runner: Timed, block_seconds: float) -> int:
    """Warms a workload up with longer and longer blocks; how many steps fill one."""
    runner.block_seconds(WARM_STEPS)
    if runner.workload.phase == "latency":
        return 1
    steps, seconds = 1, runner.block_seconds(1)
    while seconds < block_seconds:
        steps *= 2
        seconds = runner.block_seconds(steps)
    return max(1, round(steps * block_seconds / seconds))


def timing_code() -> str:
    """Digest of the code that decides how fast a network is found to be, beside what builds it."""
    return code_sha256(measure, Workload)


def measure(
    workloads: Sequence[Asked],
    *,
    processes: int = PROCESSES,
    rounds: int = ROUNDS,
    block_seconds: float = BLOCK_SECONDS,
    on_round: Callable[[int], None] | None = None,
) -> tuple[list[Timing], list[FailedTiming]]:
    """Measures workloads against each other.

    Args:
        workloads: What to measure.
        processes: How many fresh processes measure all of them; with one it is this process.
        rounds: How often each workload is visited in every process.
        block_seconds: How long one block should take.
        on_round: Called after each round with the number of rounds done, if given.

    Returns:
        The timings in the order of `workloads`, and those that failed in any process.
    """
    failed: dict[Workload, str] = {}
    try:
        with ExitStack() as stack:
            kind: type[Place] = InThisProcess if processes == 1 else ForkedProcess
            places: list[Place] = []
            for _ in range(processes):
                place = kind(Session())
                stack.enter_context(place)
                places.append(place)
            prepared = _prepare(places, workloads, block_seconds, failed)
            visits, states = _take_turns(places, list(prepared), rounds, failed, on_round)
    except ProcessEndedError as error:
        failed = {asked.workload: failure(error) for asked in workloads}
    timings = [
        Timing(
            workload=asked.workload,
            steps_per_block=prepared[asked.workload].steps_per_block,
            seconds=tuple(map(tuple, visits[asked.workload])),
            peak_memory_bytes=prepared[asked.workload].peak_memory_bytes,
            gpu_states=tuple(states) if asked.workload.device == "cuda" else (),
        )
        for asked in workloads
        if asked.workload not in failed
    ]
    return timings, [FailedTiming(workload=item, error=error) for item, error in failed.items()]


def _prepare(
    places: Sequence[Place],
    workloads: Sequence[Asked],
    block_seconds: float,
    failed: dict[Workload, str],
) -> dict[Workload, Prepared]:
    """Has all processes build and warm up; what the first one finds out holds for all."""
    first, *others = places
    first.ask("prepare", workloads, None, block_seconds)
    prepared = _without_failures(first.answer(), failed)
    left = [asked for asked in workloads if asked.workload in prepared]
    for place in others:
        place.ask("prepare", left, prepared, block_seconds)
    for place in others:
        _without_failures(place.answer(), failed)
    return {workload: item for workload, item in prepared.items() if workload not in failed}


def _take_turns(
    places: Sequence[Place],
    workloads: Sequence[Workload],
    rounds: int,
    failed: dict[Workload, str],
    on_round: Callable[[int], None] | None,
) -> tuple[dict[Workload, list[list[tuple[float, ...]]]], list[GpuState]]:
    """By workload, process and round, the times of the blocks; and what the GPU did meanwhile.

    In every round all processes take a turn, and each visits all workloads in it; processes that
    wait do nothing. Both orders are drawn again each time. What fails in one process is visited no
    more in any.
    """
    visits: dict[Workload, list[list[tuple[float, ...]]]] = {
        workload: [[] for _ in places] for workload in workloads
    }
    states = []
    shuffle = random.Random(stream_seed(MEASUREMENT_SEED, "measurement"))
    for done in range(1, rounds + 1):
        for number in shuffle.sample(range(len(places)), len(places)):
            order = [workload for workload in workloads if workload not in failed]
            shuffle.shuffle(order)
            places[number].ask("round", order)
            for workload, seconds in _without_failures(places[number].answer(), failed).items():
                visits[workload][number].append(seconds)
        if any(workload.device == "cuda" for workload in workloads):
            places[0].ask("gpu_state")
            if (state := places[0].answer()) is not None:
                states.append(state)
        if on_round is not None:
            on_round(done)
    return visits, states


def _without_failures(found: Found[Item], failed: dict[Workload, str]) -> dict[Workload, Item]:
    """What did not fail; what did is added to `failed`."""
    failed |= {workload: item for workload, item in found.items() if isinstance(item, str)}
    return {workload: item for workload, item in found.items() if not isinstance(item, str)}
