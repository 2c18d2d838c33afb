"""Controls of the clock: a step against itself in other processes, and with a planted delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.records import kinds
from bench.results.runs import Results
from bench.results.speeds import changed_keys, seconds_per_sample
from bench.statistics.basics import Interval
from bench.statistics.controls import LEVEL
from bench.statistics.speed import SpeedVerdict, hodges_lehmann, speed_ratios, student, two_samples

LEAST_PROCESSES = 4  # to be divided into two groups


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The baseline's training step in every other measuring process against the rest.

    Attributes:
        model: The baseline.
        groups: How many processes each group has.
        ratio: How many times as long it takes in the first group.
        interval: Of that, at 99%.
        p: Of the test that it is 1.
        margin: A smaller difference is called none.
    """

    model: str
    groups: tuple[int, int]
    ratio: float
    interval: Interval
    p: float
    margin: float

    @property
    def passed(self) -> bool:
        """Whether neither group is called faster."""
        return self.p > LEVEL or 1 / (1 + self.margin) <= self.ratio <= 1 + self.margin


@dataclass(frozen=True, kw_only=True)
class Delay:
    """The baseline's training step with a planted delay, against the one without.

    Attributes:
        model: The baseline.
        delay: What was planted, a share of the step's own time.
        ratio: How many times as long the step takes.
        interval: Of that, at 99%.
        verdict: What the run's rule for speed says.
    """

    model: str
    delay: float
    ratio: float
    interval: Interval
    verdict: SpeedVerdict

    @property
    def is_held(self) -> bool:
        """Whether the interval holds what was planted."""
        return self.interval.low <= 1 + self.delay <= self.interval.high

    @property
    def passed(self) -> bool:
        """Whether the delay is found, and as large as it is."""
        return self.verdict == "slower" and self.is_held


def processes(results: Results, device: str) -> Processes | None:
    """Whether a step is found to be faster in some processes than in others."""
    step = _training_step(results.timings, results.request.baseline, device)
    if step is None or step.processes < LEAST_PROCESSES:
        return None
    seconds = hodges_lehmann(np.log(seconds_per_sample(step)))
    found = two_samples(seconds[::2], seconds[1::2], LEVEL)
    return Processes(
        model=step.model,
        groups=(len(seconds[::2]), len(seconds[1::2])),
        ratio=float(np.exp(found.centre)),
        interval=Interval(low=float(np.exp(found.low)), high=float(np.exp(found.high))),
        p=float(found.p),
        margin=results.speed_margins.difference,
    )


def delay(results: Results, device: str) -> Delay | None:
    """Whether a delay that was planted is found."""
    request = results.request
    step = _training_step(results.timings, request.baseline, device)
    slowed = _training_step(results.delayed, request.baseline, device)
    if step is None or slowed is None or step.processes < 2:
        return None
    steps = {"without": step, "with": slowed}
    seconds = {name: seconds_per_sample(record) for name, record in steps.items()}
    changed = changed_keys([*results.timings, *results.delayed])
    (ratio,) = speed_ratios(
        seconds,
        "without",
        unstable=[name for name, record in steps.items() if record.key in changed],
        margins=results.speed_margins,
    ).values()
    times = hodges_lehmann(np.log(seconds["with"]) - np.log(seconds["without"]))
    found = student(times, LEVEL)
    return Delay(
        model=step.model,
        delay=slowed.delay,
        ratio=float(np.exp(found.centre)),
        interval=Interval(low=float(np.exp(found.low)), high=float(np.exp(found.high))),
        verdict=ratio.verdict,
    )


def _training_step(timings: Sequence[kinds.Timing], model: str, device: str) -> kinds.Timing | None:
    for record in timings:
        what = (record.model, record.device, record.phase, record.deterministic)
        if what == (model, device, "train", True) and record.block_seconds:
            return record
    return None
