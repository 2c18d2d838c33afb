"""Throughput, latency and peak memory, with all workloads measured in interleaved rounds.

A machine drifts: it warms up, throttles, serves others. Measured one after the other, networks
would be compared at different moments; here every round visits all of them, in an order drawn
anew, so that drift hits all alike.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from bench.determinism import deterministic, stream_seed
from bench.train import LOSSES, Batches, make_optimiser, training_step
from zoo import ModelSpec, Recipe

Phase = Literal["train", "inference", "latency"]
PHASES: tuple[Phase, ...] = ("train", "inference", "latency")

THROUGHPUT_BATCH = 64
ROUNDS = 20
BLOCK_SECONDS = 0.05  # a block of steps takes about so long: far above the clock's resolution
WARM_UP_SECONDS = 0.25
CALLS_PER_ROUND = 50  # single calls for latency: 20 rounds make 1,000
MEASUREMENT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something whose speed is measured: a phase of a network's life on a device.

    `train`: a training step at batch 64, from stored samples to updated weights. `inference`: the
    way from 64 stored samples to outputs. `latency`: the same for a single sample, call by call.
    """

    model: str
    device: str
    phase: Phase

    @property
    def batch(self) -> int:
        """Samples per step."""
        return 1 if self.phase == "latency" else THROUGHPUT_BATCH


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Raw measurements of one workload.

    Attributes:
        workload: What was measured.
        steps_per_block: Steps between two readings of the clock.
        block_seconds: Wall time of every block, in the order measured.
        peak_memory_bytes: For `train`: weights and optimiser state, plus the most that one step
            allocates on top, by torch's allocator. None for other phases.
    """

    workload: Workload
    steps_per_block: int
    block_seconds: tuple[float, ...]
    peak_memory_bytes: int | None

    @property
    def samples_per_second(self) -> float:
        """Median over blocks."""
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
        self.network: nn.Module = spec.build().to(self.device)
        self.network.train(workload.phase == "train")
        self.start = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimiser = make_optimiser(self.network, recipe.optimiser)
        self.loss = LOSSES[recipe.loss]
        self.batches = Batches(recipe.normalisation, spec.input_shape[0])
        self.samples = _samples(spec, workload.batch).to(self.device)
        self.labels = torch.randint(spec.classes, (workload.batch,)).to(self.device)
        self.step: Callable[[], object] = self._train if workload.phase == "train" else self._infer

    def reset(self) -> None:
        """Puts the first weights back, so that every block computes with the same numbers."""
        self.network.load_state_dict(self.start)

    def block_seconds(self, steps: int) -> float:
        """Wall time of so many steps, the device's queue empty before and after."""
        self._synchronise()
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        self._synchronise()
        return time.perf_counter() - started

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
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # its start and stop are nobody's news
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            self.step()
        events = profiler.profiler.kineto_results.events()
        memory = sorted(
            (event for event in events if event.name() == "[memory]"),
            key=lambda event: event.start_ns(),
        )
        return int(np.cumsum([0, *(event.nbytes() for event in memory)]).max())

    def _train(self) -> None:
        batch = self.batches(self.samples)
        training_step(self.network, self.optimiser, self.loss, batch, self.labels)

    @torch.inference_mode()
    def _infer(self) -> None:
        self.network(self.batches(self.samples))

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


@dataclass(frozen=True, kw_only=True)
class FailedTiming:
    """A workload that could not be measured, and what it raised."""

    workload: Workload
    error: str


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
    ready: list[tuple[Runner, int, int | None]] = []
    with deterministic():
        for workload, spec, recipe in workloads:
            try:
                runner = Runner(workload, spec, recipe)
                steps = _steps_per_block(runner, block_seconds)
                memory = runner.peak_memory_bytes() if workload.phase == "train" else None
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
                failed.append(FailedTiming(workload=workload, error=message))
            else:
                ready.append((runner, steps, memory))
        blocks: list[list[float]] = [[] for _ in ready]
        shuffle = random.Random(stream_seed(MEASUREMENT_SEED, "measurement"))
        for done in range(1, rounds + 1):
            order = list(range(len(ready)))
            shuffle.shuffle(order)
            for index in order:
                runner, steps, _ = ready[index]
                runner.reset()
                calls = CALLS_PER_ROUND if runner.workload.phase == "latency" else 1
                blocks[index] += [runner.block_seconds(steps) for _ in range(calls)]
            if on_round is not None:
                on_round(done)
    timings = [
        Timing(
            workload=runner.workload,
            steps_per_block=steps,
            block_seconds=tuple(seconds),
            peak_memory_bytes=memory,
        )
        for (runner, steps, memory), seconds in zip(ready, blocks, strict=True)
    ]
    return timings, failed


def _steps_per_block(runner: Runner, block_seconds: float) -> int:
    """Warms a workload up for a while; how many steps fill a block afterwards."""
    runner.block_seconds(1)
    until = time.perf_counter() + WARM_UP_SECONDS
    fastest = runner.block_seconds(1)
    while time.perf_counter() < until:
        fastest = min(fastest, runner.block_seconds(1))
    if runner.workload.phase == "latency":
        return 1
    return max(1, round(block_seconds / fastest))


def _samples(spec: ModelSpec, count: int) -> Tensor:
    """Random samples as the data sets store them."""
    if not spec.takes_images:
        return torch.rand(count, *spec.input_shape)
    return torch.randint(256, (count, 1, *spec.input_shape[1:]), dtype=torch.uint8)
