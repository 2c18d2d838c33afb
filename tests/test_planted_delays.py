"""Delays of a known size, planted in a real network's step, and what the clocks make of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from torch import Tensor, nn

import zoo
from bench.cells.common_recipe import common_recipe
from bench.results.speeds import Pace, read_speeds
from bench.timing.measure import Asked, measure
from bench.timing.protocol import Workload, yardstick
from bench.timing.workloads import timing_record

SHARES = (0.0, 0.01, 0.03, 0.1)


class Delayed(nn.Module):
    """A network that waits, busily, for a share of the time that it has just taken."""

    def __init__(self, build: Callable[[], nn.Module], share: float) -> None:
        super().__init__()
        self.network = build()
        self.share = share

    def forward(self, samples: Tensor) -> Tensor:
        started = time.perf_counter()
        found: Tensor = self.network(samples)
        until = started + (1 + self.share) * (time.perf_counter() - started)
        while time.perf_counter() < until:
            pass
        return found


def planted() -> dict[float, Pace]:
    """By share, the speed of a LeNet that is delayed by it; the baseline is one that is not."""
    lenet = zoo.get("lenet")
    asked = [Asked(workload=yardstick("cpu"))]
    for share in (-1.0, *SHARES):
        spec = replace(lenet, build=partial(Delayed, lenet.build, max(share, 0.0)))
        workload = Workload(model=str(share), device="cpu", phase="inference")
        asked.append(Asked(workload=workload, spec=spec, recipe=common_recipe(lenet)))
    timings, failed = measure(asked)
    assert not failed
    records = [timing_record(timing, timing.workload, str(timing.workload)) for timing in timings]
    speeds = read_speeds(records, baseline="-1.0")
    paces = {share: speeds[str(share), "cpu"].inference for share in SHARES}
    return {share: pace for share, pace in paces.items() if pace is not None}


@pytest.mark.slow
def test_a_delay_of_ten_percent_is_found_and_one_of_one_percent_is_not_called() -> None:
    verdicts = {share: pace.ratio.verdict for share, pace in planted().items() if pace.ratio}
    assert verdicts.keys() == set(SHARES)
    assert verdicts[0.1] == "slower"
    assert not {verdicts[0.0], verdicts[0.01]} & {"faster", "slower"}
    assert verdicts[0.03] != "faster"
