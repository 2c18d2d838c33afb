"""Training, inference and latency of every network, timed by pytest-benchmark.

And by this suite's own clock right before and right after, so that what the two instruments differ
by is not what the machine has done in the meantime.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pytest_benchmark.fixture import BenchmarkFixture

from bench.cells.determinism import deterministic
from bench.cells.plan import Cell
from bench.timing.measure import Ready, prepare
from bench.timing.protocol import Workload
from bench.timing.runner import Runner

SECONDS = 0.5  # of steps that are timed, for each workload
LEAST_ROUNDS, MOST_ROUNDS = 20, 500
OWN_ROUNDS = 10  # of this suite's clock, before and again after


def bench_workload(benchmark: BenchmarkFixture, workload: Workload, cell: Cell) -> None:
    """Times one workload; its samples per second are the batch over the median step."""
    runner = Runner(workload, cell.spec, cell.recipe)

    def start_over() -> None:
        # As before each block of `bench.timing.measure`, and outside the clock: left alone, `dnn`
        # fits its one batch perfectly after some 600 steps, and its denormal moments slow it down.
        runner.reset()
        runner.step()

    with deterministic(), runner.algorithms():
        own = prepare(runner)
        before = _visits(own)
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            runner.step, setup=start_over, rounds=_rounds(before), iterations=1
        )
        beside = statistics.median([*before, *_visits(own)])
    benchmark.extra_info.update(
        model=workload.model,
        device=workload.device,
        phase=workload.phase,
        batch=workload.batch,
        own_samples_per_second=workload.batch / beside,
    )
    if benchmark.stats is not None:  # as it is under --benchmark-disable
        median = benchmark.stats.stats.median
        benchmark.extra_info["samples_per_second"] = workload.batch / median


def _visits(own: Ready) -> list[float]:
    """Seconds a step by this suite's clock, of all blocks of some visits."""
    return [
        seconds / own.prepared.steps_per_block for _ in range(OWN_ROUNDS) for seconds in own.visit()
    ]


def _rounds(step_seconds: Sequence[float]) -> int:
    """How many steps fill the time, by the fastest so far."""
    return min(max(round(SECONDS / min(step_seconds)), LEAST_ROUNDS), MOST_ROUNDS)
