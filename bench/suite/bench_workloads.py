"""Training, inference and latency of every network, timed by pytest-benchmark."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

import zoo
from bench.determinism import deterministic
from bench.measure import WARM_UP_SECONDS, Runner, Workload
from zoo import Recipe

# Rounds have no end that weights could be put back at, so that is done as part of some steps; it
# takes less than 1% of their time. Left alone, `dnn` knows its one batch by heart after some 600
# steps; 40% of Adam's first moments are then too small for a normal float, and a step on the CPU
# takes nearly twice as long.
STEPS_PER_RESET = 32


def bench_workload(benchmark: BenchmarkFixture, workload: Workload, recipe: Recipe) -> None:
    """Times one workload; its samples per second are the batch over the median step."""
    with deterministic():
        runner = Runner(workload, zoo.get(workload.model), recipe)
        _warm_up(runner)
        benchmark(_resetting(runner) if workload.phase == "train" else runner.step)
    benchmark.extra_info.update(
        model=workload.model,
        device=workload.device,
        phase=workload.phase,
        batch=workload.batch,
    )
    if benchmark.stats is not None:  # as it is under --benchmark-disable
        median = benchmark.stats.stats.median
        benchmark.extra_info["samples_per_second"] = workload.batch / median


def _warm_up(runner: Runner) -> None:
    """A cold first step would make pytest-benchmark plan too few rounds."""
    until = time.perf_counter() + WARM_UP_SECONDS
    runner.block_seconds(1)
    while time.perf_counter() < until:
        runner.block_seconds(1)


def _resetting(runner: Runner) -> Callable[[], None]:
    """The runner's step, which puts the first weights back every so often."""
    count = itertools.count()

    def step() -> None:
        if next(count) % STEPS_PER_RESET == 0:
            runner.reset()
        runner.step()

    return step
