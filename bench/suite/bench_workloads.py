"""Training, inference and latency of every network, timed by pytest-benchmark.

And by this suite's own clock right before and right after, so that what the two instruments differ
by is not what the machine has done in the meantime.
"""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from bench.cells.determinism import deterministic
from bench.cells.plan import Cell
from bench.timing.measure import Ready, Runner, prepare
from bench.timing.protocol import Workload

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
        for _ in range(OWN_ROUNDS):
            own.visit(0)
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            runner.step, setup=start_over, rounds=_rounds(own), iterations=1
        )
        for _ in range(OWN_ROUNDS):
            own.visit(-1)  # throughput has two labels, latency one
    benchmark.extra_info.update(
        model=workload.model,
        device=workload.device,
        phase=workload.phase,
        batch=workload.batch,
        own_samples_per_second=own.timing(()).samples_per_second,
    )
    if benchmark.stats is not None:  # as it is under --benchmark-disable
        median = benchmark.stats.stats.median
        benchmark.extra_info["samples_per_second"] = workload.batch / median


def _rounds(own: Ready) -> int:
    """How many steps fill the time, by the fastest block so far."""
    step_seconds = min(own.block_seconds[0]) / own.steps
    return min(max(round(SECONDS / step_seconds), LEAST_ROUNDS), MOST_ROUNDS)
