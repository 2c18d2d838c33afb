"""Throughput, latency and peak memory, with all workloads measured in interleaved rounds.

A machine drifts: it warms up, throttles, serves others. Measured one after the other, networks
would be compared at different moments; here every round visits all of them, in an order drawn
again, so that drift hits all alike. Throughput is measured twice in each round, under two labels:
what a workload differs by from itself is noise, and no smaller difference to another one counts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bench.cells.allocation import keep_freed_memory
from bench.cells.batches import Batches
from bench.cells.determinism import deterministic, stream_seed
from bench.cells.jobs import failure
from bench.cells.losses import LOSSES
from bench.cells.train import make_optimiser, place, training_step
from bench.records.code import code_sha256
from bench.timing.gpu import GpuState, read_state
from bench.timing.protocol import (
    BLOCK_SECONDS,
    CALLS_PER_ROUND,
    MEASUREMENT_SEED,
    ROUNDS,
    Workload,
)
from bench.timing.steps import peak_bytes, warm_up
from zoo import ModelSpec, Recipe


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Raw measurements of one workload.

    Attributes:
        workload: What was measured.
        steps_per_block: Steps between two readings of the clock.
        block_seconds: For every label the time of each of its blocks, in the order measured: one
            block a round, for `latency` `CALLS_PER_ROUND`.
        peak_memory_bytes: For `train`: weights and optimiser state, plus the most that one step
            allocates on top, by torch's allocator. None for other phases.
        gpu_states: What the GPU was doing after each round, where it can be read; empty on the CPU.
    """

    workload: Workload
    steps_per_block: int
    block_seconds: tuple[tuple[float, ...], ...]
    peak_memory_bytes: int | None
    gpu_states: tuple[GpuState, ...] = ()

    @property
    def samples_per_second(self) -> float:
        """Median over the blocks of all labels."""
        samples = self.workload.batch * self.steps_per_block
        return samples / float(np.median(self.block_seconds))

    def latency_seconds(self, percentile: float) -> float:
        """A percentile, in 0..100, of the seconds per step."""
        return float(np.percentile(self.block_seconds, percentile)) / self.steps_per_block


class Runner:
    """A workload made ready: its network, its optimiser and its batch on the device."""

    def __init__(self, workload: Workload, spec: ModelSpec, recipe: Recipe) -> None:
        self.workload = workload
        self.device = torch.device(workload.device)
        torch.manual_seed(stream_seed(MEASUREMENT_SEED, "measurement"))
        self.network: nn.Module = spec.build()
        place(self.network, self.device)
        self.network.train(workload.phase == "train")
        self.start = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimiser = make_optimiser(self.network.parameters(), recipe.optimiser)
        self.loss = LOSSES[recipe.loss]
        self.batches = Batches(recipe.normalisation, spec.input_shape[0])
        self.samples = _samples(spec, workload.batch).to(self.device)
        self.labels = torch.randint(spec.classes, (workload.batch,)).to(self.device)
        self.step: Callable[[], object] = self._train if workload.phase == "train" else self._infer

    def reset(self) -> None:
        """Starts over in fresh memory: first weights, an optimiser that has seen nothing.

        Every block then computes with the same numbers. Fresh memory, because where tensors
        happen to lie can change a network's speed, in trials by 12 to 39%, and would
        stay with it from block to block: a difference between networks that is none, and that
        timing the same tensors twice would not show.
        """
        state = self.network.state_dict(keep_vars=True)
        for name, first in self.start.items():
            state[name].data = first.clone()
        self.optimiser.zero_grad()
        self.optimiser.state.clear()
        self.samples = self.samples.clone()

    def algorithms(self) -> AbstractContextManager[None]:
        """What every step has to run in: the flags that this workload is measured under."""
        return nullcontext() if self.workload.deterministic else fastest_algorithms()

    def block_seconds(self, steps: int) -> float:
        """Time of so many steps.

        Throughput on CUDA is the device's own time between two events, so that the wait for the
        block's end is not in it. All else is wall time with the device's queue empty before and
        after; a single call's latency is the time until its caller can go on.
        """
        if self.device.type == "cuda" and self.workload.phase != "latency":
            return self._device_seconds(steps)
        self._synchronise()
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        self._synchronise()
        return time.perf_counter() - started

    def _device_seconds(self, steps: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        for _ in range(steps):
            self.step()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3  # events count milliseconds

    def peak_memory_bytes(self) -> int:
        """The most that one training step holds at once, by torch's allocator.

        Weights and optimiser state, plus the peak of what the step allocates on top of what was
        there when it began.
        """
        self.step()  # makes the optimiser's state
        self.optimiser.zero_grad(set_to_none=True)
        state = [
            value
            for per_parameter in self.optimiser.state.values()
            for value in per_parameter.values()
            if isinstance(value, Tensor)
        ]
        lasting = [*self.network.parameters(), *self.network.buffers(), *state]
        return sum(tensor.nbytes for tensor in lasting) + self._step_peak_bytes()

    def _step_peak_bytes(self) -> int:
        if self.device.type == "cuda":
            self._synchronise()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            self.step()
            self._synchronise()
            return torch.cuda.max_memory_allocated() - before
        return peak_bytes(self.step)

    def _train(self) -> None:
        batch = self.batches(self.samples)
        training_step(self.network, self.optimiser, self.loss, batch, self.labels)

    @torch.inference_mode()
    def _infer(self) -> None:
        self.network(self.batches(self.samples))

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@contextmanager
def fastest_algorithms() -> Iterator[None]:
    """Inside `deterministic()`: torch chooses its algorithms by speed alone; all else stays.

    The number of threads and TF32 stay because they change the sums, not their reproducibility.
    """
    algorithms = torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms)
        torch.backends.cudnn.benchmark = benchmark


@dataclass(frozen=True, kw_only=True)
class FailedTiming:
    """A workload that could not be measured, and what it raised."""

    workload: Workload
    error: str


def timing_code() -> str:
    """Digest of the code that decides how fast a network is found to be, beside what builds it."""
    return code_sha256(measure, Workload)


def measure(
    workloads: Sequence[tuple[Workload, ModelSpec, Recipe]],
    *,
    rounds: int = ROUNDS,
    block_seconds: float = BLOCK_SECONDS,
    on_round: Callable[[int], None] | None = None,
) -> tuple[list[Timing], list[FailedTiming]]:
    """Measures workloads against each other.

    Args:
        workloads: What to measure, each with its entry and the recipe whose optimiser, loss and
            normalisation the steps use.
        rounds: How often each workload is visited.
        block_seconds: How long one block should take.
        on_round: Called after each round with the number of rounds done, if given.

    Returns:
        The timings in the order of `workloads`, and those that failed.
    """
    failed: list[FailedTiming] = []
    ready: list[Ready] = []
    states: list[GpuState] = []
    keep_freed_memory()
    with deterministic():
        for workload, spec, recipe in workloads:
            try:
                ready.append(prepare(Runner(workload, spec, recipe), block_seconds))
            except Exception as error:
                failed.append(_failed(workload, error))
        visits = [
            (item, label)
            for item in ready
            for label in range(item.runner.workload.visits_per_round)
        ]
        on_gpu = any(item.runner.device.type == "cuda" for item in ready)
        shuffle = random.Random(stream_seed(MEASUREMENT_SEED, "measurement"))
        for done in range(1, rounds + 1):
            shuffle.shuffle(visits)
            _visit_all(visits, ready, failed)
            visits = [(item, label) for item, label in visits if item in ready]
            if on_gpu and (state := read_state()) is not None:
                states.append(state)
            if on_round is not None:
                on_round(done)
    return [item.timing(states) for item in ready], failed


def _visit_all(
    visits: Sequence[tuple[Ready, int]], ready: list[Ready], failed: list[FailedTiming]
) -> None:
    """One round; a workload that raises moves from `ready` to `failed` and is visited no more."""
    for item, label in visits:
        if item in ready:
            try:
                item.visit(label)
            except Exception as error:
                ready.remove(item)
                failed.append(_failed(item.runner.workload, error))


def _failed(workload: Workload, error: Exception) -> FailedTiming:
    return FailedTiming(workload=workload, error=failure(error))


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """A workload that has been warmed up, with the times of its blocks so far.

    Attributes:
        runner: The workload.
        steps: Steps of a block.
        peak_memory_bytes: As in `Timing`.
        block_seconds: By label the times of its blocks.
    """

    runner: Runner
    steps: int
    peak_memory_bytes: int | None
    block_seconds: tuple[list[float], ...]

    def visit(self, label: int) -> None:
        """Measures one round's blocks under a label."""
        calls = CALLS_PER_ROUND if self.runner.workload.phase == "latency" else 1
        self.runner.reset()
        with self.runner.algorithms():
            self.runner.step()  # not measured: it makes the optimiser's state and fills the caches
            self.block_seconds[label].extend(
                self.runner.block_seconds(self.steps) for _ in range(calls)
            )

    def timing(self, states: Sequence[GpuState]) -> Timing:
        """What has been measured."""
        return Timing(
            workload=self.runner.workload,
            steps_per_block=self.steps,
            block_seconds=tuple(map(tuple, self.block_seconds)),
            peak_memory_bytes=self.peak_memory_bytes,
            gpu_states=tuple(states) if self.runner.device.type == "cuda" else (),
        )


def prepare(runner: Runner, block_seconds: float = BLOCK_SECONDS) -> Ready:
    """Warms a workload up, finds the steps that fill a block, and measures its memory."""
    with runner.algorithms():
        steps = _steps_per_block(runner, block_seconds)
        memory = runner.peak_memory_bytes() if runner.workload.phase == "train" else None
    return Ready(
        runner=runner,
        steps=steps,
        peak_memory_bytes=memory,
        block_seconds=tuple([] for _ in range(runner.workload.visits_per_round)),
    )


def _steps_per_block(runner: Runner, block_seconds: float) -> int:
    """Warms a workload up for a while; how many steps fill a block afterwards."""
    fastest = warm_up(runner.block_seconds)
    if runner.workload.phase == "latency":
        return 1
    return max(1, round(block_seconds / fastest))


def _samples(spec: ModelSpec, count: int) -> Tensor:
    """Random samples as the data sets store them."""
    if not spec.takes_images:
        return torch.rand(count, *spec.input_shape)
    return torch.randint(256, (count, 1, *spec.input_shape[1:]), dtype=torch.uint8)
