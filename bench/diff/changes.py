"""Two runs against each other: what differs between them by model and metric, B minus A.

Accuracy is paired over the seeds that both runs have, and over the test samples: a verdict holds
for other seeds and for other samples. Speeds are compared in yardsticks where both runs have timed
the yardstick, with their processes as two independent samples. Else throughput compares the
logarithms of the seconds per sample of the two runs' rounds, and percentiles of latency have no
interval. Sizes are counted, so they differ or they do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import stats

from bench.diff.sides import Place, Side, shared
from bench.diff.thresholds import UNITS
from bench.records.text import plural
from bench.results.runs import Runs
from bench.results.speeds import NO_SPEED, seconds_per_sample
from bench.statistics.accuracy import correctness, interval_of, pair
from bench.statistics.basics import CONFIDENCE, ROUNDING, Floats

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that two runs are compared by.

    Attributes:
        name: With its unit, as in `results.csv`.
        threshold: What `--fail` calls it; None where no change of it is certain.
        higher_is_better: Which way is better.
        words: What a fall and a rise are called.
    """

    name: str
    threshold: str | None
    higher_is_better: bool
    words: tuple[str, str]

    @property
    def unit(self) -> str:
        """`pp` if its values are fractions already; `%` of the value in A for all others."""
        return UNITS[self.threshold] if self.threshold else "%"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of one metric of one model on one device.

    Attributes:
        model: Registry name.
        device: Where it ran.
        metric: Which metric.
        a: Its value in A: mean accuracy over the common seeds, geometric mean of samples per
            yardstick over processes or per second over rounds, a median, or a count.
        b: Its value in B.
        change: B minus A; of accuracy as a difference of fractions, else as a fraction of A.
        interval: Both ends of the interval of `change`; None where there is none.
        basis: What the numbers rest on.
        known: The verdict where none needs to be drawn from the interval: `identical` for equal
            weights, `equal`, `unstable`.
    """

    model: str
    device: str
    metric: Metric
    a: float
    b: float
    change: float
    interval: Interval | None
    basis: str
    known: str | None = None

    @property
    def verdict(self) -> str:
        """One of the metric's words where the interval leaves zero out, else `inconclusive`.

        `no interval` where there is none, and no verdict is known without it.
        """
        if self.known:
            return self.known
        if self.interval is None:
            return "no interval"
        low, high = self.interval
        return self.metric.words[low > 0] if low > 0 or high < 0 else "inconclusive"

    def is_worse_by_more_than(self, threshold: float) -> bool:
        """Whether the interval lies wholly on the worse side of the threshold.

        Without an interval nothing is certain, and the answer is False.
        """
        if self.interval is None:
            return False
        low, high = self.interval
        return high < -threshold if self.metric.higher_is_better else low > threshold


# The change of one model on one device at a confidence; None where a side has no value.
Estimate = Callable[[Metric, Place, Side, Side, float], Change | None]


def compare(a: Side, b: Side) -> tuple[Change, ...]:
    """Every metric of every shared model and device, B minus A; metric by metric.

    The intervals of one metric hold together: with k of them, each is a two-sided interval at
    1 - 0.05/k (Bonferroni), so that with no true difference at most one table in twenty has a
    false verdict in that metric.
    """
    places = shared(a, b)
    return tuple(
        change
        for metric, estimate in METRICS.items()
        for change in _family(partial(estimate, metric), places, a, b)
    )


def _family(
    estimate: Callable[[Place, Side, Side, float], Change | None],
    places: Sequence[Place],
    a: Side,
    b: Side,
) -> list[Change]:
    """The changes of one metric, with intervals that hold together."""

    def at(confidence: float) -> list[Change]:
        found = (estimate(place, a, b, confidence) for place in places)
        return [change for change in found if change is not None]

    judged = sum(change.known is None and change.interval is not None for change in at(CONFIDENCE))
    return at(1 - (1 - CONFIDENCE) / max(1, judged))


def paired_interval(values: Sequence[float] | Floats, confidence: float) -> Interval:
    """Two-sided Student interval of the mean of paired differences."""
    found = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
    return float(found.low), float(found.high)


def welch_interval(
    a: Sequence[float] | Floats, b: Sequence[float] | Floats, confidence: float
) -> Interval:
    """Two-sided Welch interval of mean(b) - mean(a), two independent samples."""
    found = stats.ttest_ind(b, a, equal_var=False).confidence_interval(confidence)
    return float(found.low), float(found.high)


def breaches(changes: Sequence[Change], thresholds: Mapping[str, float]) -> tuple[Change, ...]:
    """The changes whose whole interval is worse by more than their metric's threshold."""
    return tuple(
        change
        for change in changes
        if change.is_worse_by_more_than(thresholds.get(change.metric.threshold or "", math.inf))
    )


def _accuracy(metric: Metric, place: Place, a: Side, b: Side, confidence: float) -> Change | None:
    ours, theirs = a.results.get(*place), b.results.get(*place)
    if ours is None or theirs is None:
        return None
    seeds = [seed for seed in ours.accuracy if seed in theirs.accuracy]
    if not seeds:
        return None
    before, after = (np.array([runs.accuracy[seed] for seed in seeds]) for runs in (ours, theirs))
    moved = after - before
    known = None if moved.any() else "equal"
    if all(ours.digests[seed] == theirs.digests[seed] for seed in seeds):
        known = "identical"
    interval, samples = _paired(ours, theirs, seeds, moved, confidence)
    return Change(
        model=place[0],
        device=place[1],
        metric=metric,
        a=float(before.mean()),
        b=float(after.mean()),
        change=float(moved.mean()),
        interval=interval,
        basis=f"{plural(len(seeds), 'paired seed')}{samples}",
        known=known,
    )


def _paired(
    a: Runs, b: Runs, seeds: Sequence[int], moved: Floats, confidence: float
) -> tuple[Interval | None, str]:
    """The interval of the mean accuracy difference, b minus a, and what it rests on beside seeds.

    Over seeds and test samples where both runs met the same samples, else over seeds alone. None
    where there is no spread to judge the mean by: one seed, or the same difference for all.
    """
    if any(a.test_checksums[seed] != b.test_checksums[seed] for seed in seeds):
        spread = len(seeds) > 1 and float(np.ptp(moved)) > ROUNDING
        return paired_interval(moved, confidence) if spread else None, " alone"
    before, after = (correctness(runs.misclassified, seeds, runs.test_samples) for runs in (a, b))
    contrast = pair(a.model, after, before, same_samples=a.same_samples)
    found = interval_of(contrast, confidence)
    interval = (found.low, found.high) if found else None
    return interval, f", {a.test_samples:,} samples"


def _per_yardstick(
    metric: Metric, place: Place, a: Side, b: Side, confidence: float, *, phase: str
) -> Change | None:
    """In yardsticks, from two independent samples of processes: the machine's own drift is out."""
    ours, theirs = (side.log_per_yardstick(place, phase) for side in (a, b))
    if ours is None or theirs is None:
        return None
    if not metric.higher_is_better:
        ours, theirs = -ours, -theirs
    basis = f"{len(ours)} and {len(theirs)} processes"
    change = _of_logs(metric, place, ours, theirs, confidence, basis)
    return _withheld(change, a, b, phase)


def _throughput(
    metric: Metric, place: Place, a: Side, b: Side, confidence: float, *, phase: str
) -> Change | None:
    """From two independent samples of rounds; drift between the runs is not in the interval."""
    before, after = (side.timings.get((*place, phase)) for side in (a, b))
    if before is None or after is None or _yardsticks(place, a, b, phase=phase):
        return None
    ours, theirs = (-np.log(seconds_per_sample(timing)).ravel() for timing in (before, after))
    basis = f"{len(ours)} and {len(theirs)} rounds"
    change = _of_logs(metric, place, ours, theirs, confidence, basis)
    return _withheld(change, a, b, phase)


def _withheld(change: Change, a: Side, b: Side, phase: str) -> Change:
    """The same without interval and verdict where a speed changed by itself in one of the runs."""
    paces = (side.pace((change.model, change.device), phase) for side in (a, b))
    if any(pace is not None and pace.unstable for pace in paces):
        return replace(change, interval=None, known="unstable")
    return change


def _yardsticks(place: Place, *sides: Side, phase: str) -> bool:
    """Whether all sides have a speed in yardsticks."""
    return all(side.log_per_yardstick(place, phase) is not None for side in sides)


def _of_logs(
    metric: Metric, place: Place, ours: Floats, theirs: Floats, confidence: float, basis: str
) -> Change:
    """A change of geometric means, from logs of which each side has an independent sample."""
    interval = None
    if all(len(logs) > 1 and np.ptp(logs) > 0 for logs in (ours, theirs)):
        low, high = welch_interval(ours, theirs, confidence)
        interval = math.expm1(low), math.expm1(high)
    mean_ours, mean_theirs = float(ours.mean()), float(theirs.mean())
    return Change(
        model=place[0],
        device=place[1],
        metric=metric,
        a=math.exp(mean_ours),
        b=math.exp(mean_theirs),
        change=math.expm1(mean_theirs - mean_ours),
        interval=interval,
        basis=basis,
    )


def _latency(metric: Metric, place: Place, a: Side, b: Side, _: float) -> Change | None:
    if _yardsticks(place, a, b, phase="latency"):
        return None
    medians = [side.results.speeds.get(place, NO_SPEED).latency_p50_seconds for side in (a, b)]
    return _of_single_numbers(metric, place, *medians, basis="medians of calls")


def _memory(metric: Metric, place: Place, a: Side, b: Side, _: float) -> Change | None:
    peaks = [side.results.speeds.get(place, NO_SPEED).peak_memory_bytes for side in (a, b)]
    return _of_single_numbers(metric, place, *peaks)


def _size(metric: Metric, place: Place, a: Side, b: Side, _: float, *, field: str) -> Change | None:
    sizes = [getattr(side.results.counts.get(place[0]), field, None) for side in (a, b)]
    return _of_single_numbers(metric, place, *sizes)


def _of_single_numbers(
    metric: Metric, place: Place, a: float | None, b: float | None, *, basis: str = "counted"
) -> Change | None:
    """A change of which each side has one number; a counted one is its own interval.

    Of zero there is no fraction: more than zero is more by infinity.
    """
    if a is None or b is None:
        return None
    change = 0.0 if a == b else b / a - 1 if a else math.inf
    counted = basis == "counted"
    return Change(
        model=place[0],
        device=place[1],
        metric=metric,
        a=float(a),
        b=float(b),
        change=change,
        interval=(change, change) if counted else None,
        basis=basis,
        known="equal" if counted and a == b else None,
    )


def _metric(
    name: str, threshold: str | None, *words: str, higher_is_better: bool = False
) -> Metric:
    fall, rise = words
    return Metric(
        name=name, threshold=threshold, higher_is_better=higher_is_better, words=(fall, rise)
    )


METRICS: Mapping[Metric, Estimate] = {
    _metric("test_accuracy", "accuracy", "worse", "better", higher_is_better=True): _accuracy,
    **{
        _metric(
            f"{phase}_samples_per_yardstick",
            "throughput",
            *("slower", "faster"),
            higher_is_better=True,
        ): partial(_per_yardstick, phase=phase)
        for phase in ("train", "inference")
    },
    _metric("latency_yardsticks", "latency", "faster", "slower"): partial(
        _per_yardstick, phase="latency"
    ),
    # Two runs are not interleaved, and no interval here holds the drift between them.
    **{
        _metric(
            f"{phase}_samples_per_second",
            "throughput",
            *("slower, if no drift", "faster, if no drift"),
            higher_is_better=True,
        ): partial(_throughput, phase=phase)
        for phase in ("train", "inference")
    },
    _metric("latency_p50_seconds", "latency", "faster", "slower"): _latency,
    _metric("peak_memory_bytes", "memory", "smaller", "larger"): _memory,
    _metric("parameters", "parameters", "smaller", "larger"): partial(
        _size, field="module_parameters"
    ),
    _metric("macs", "macs", "smaller", "larger"): partial(_size, field="macs"),
}
