"""Two runs against each other: what differs between them by model and metric, B minus A.

Accuracy is paired over the seeds that both runs have, and over the test samples: a verdict holds
for other seeds and for other samples. Throughput compares the logarithms of the
seconds per sample of the two runs' blocks as two independent samples. Sizes are counted, so they
differ or they do not. Latency is recorded as percentiles, so its change has no interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from scipy import stats

from bench.diff.sides import Place, Side, shared
from bench.records.errors import RequestError
from bench.results.runs import NO_SPEED, Runs
from bench.statistics.accuracy import correctness, interval_of, pair
from bench.statistics.basics import CONFIDENCE

Interval = tuple[float, float]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A change whose interval is still to be computed, at the confidence that its family asks."""

    model: str
    device: str
    a: float
    b: float
    change: float
    basis: str
    interval: Callable[[float], Interval] | None = None
    settled: str | None = None  # the verdict where no statistics is needed for it


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Something that two runs are compared by.

    Attributes:
        name: With its unit, as in `results.csv`.
        threshold: What `--fail` calls it; None where no change can be beyond doubt.
        unit: What its changes are told in: `pp`, percentage points, for accuracies, which are
            fractions already; `%` of the value in A for all others.
        better: Which way is better.
        words: What a fall and a rise are called.
        estimate: Gives its change for one model on one device; None where a side has no value.
    """

    name: str
    threshold: str | None
    unit: Literal["pp", "%"]
    better: Literal["higher", "lower"]
    words: tuple[str, str]
    estimate: Callable[[Place, Side, Side], Estimate | None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of one metric of one model on one device.

    Attributes:
        model: Registry name.
        device: Where it ran.
        metric: Which metric.
        a: Its value in A: mean accuracy over the common seeds, geometric mean of samples per
            second over blocks, a median, or a count.
        b: Its value in B.
        change: B minus A; of accuracy as a difference of fractions, else as a fraction of A.
        low: Lower end of the interval of `change`; None where there is none.
        high: Its upper end.
        basis: What the numbers rest on, in words.
        verdict: One of the metric's words where the interval leaves zero out, `inconclusive` where
            it does not; `identical` for equal weights; `equal`; `no interval`.
    """

    model: str
    device: str
    metric: Metric
    a: float
    b: float
    change: float
    low: float | None
    high: float | None
    basis: str
    verdict: str

    def is_worse_by_more_than(self, threshold: float) -> bool:
        """Whether the interval lies wholly on the worse side of the threshold.

        Without an interval nothing is beyond doubt, and the answer is False.
        """
        if self.low is None or self.high is None:
            return False
        return self.high < -threshold if self.metric.better == "higher" else self.low > threshold


def compare(a: Side, b: Side) -> tuple[Change, ...]:
    """Every metric of every shared model and device, B minus A; metric by metric.

    The intervals of one metric hold together: with k of them, each is a two-sided interval at
    1 - 0.05/k (Bonferroni), so that with no true difference at most one table in twenty has a
    false verdict in that metric.
    """
    both = shared(a, b)
    changes: list[Change] = []
    for metric in METRICS:
        estimates = [metric.estimate(place, a, b) for place in both]
        changes += _judged(metric, [each for each in estimates if each is not None])
    return tuple(changes)


def paired_interval(differences: Sequence[float] | Floats, confidence: float) -> Interval:
    """Two-sided Student interval of the mean of paired differences."""
    found = stats.ttest_1samp(differences, 0.0).confidence_interval(confidence)
    return float(found.low), float(found.high)


def welch_interval(
    a: Sequence[float] | Floats, b: Sequence[float] | Floats, confidence: float
) -> Interval:
    """Two-sided Welch interval of mean(b) - mean(a), two independent samples."""
    found = stats.ttest_ind(b, a, equal_var=False).confidence_interval(confidence)
    return float(found.low), float(found.high)


def parse_thresholds(text: str) -> dict[str, float]:
    """`accuracy:0.5pp,throughput:5%` as fractions by threshold name.

    Raises:
        RequestError: A name, number or unit is wrong, or a name stands twice.
    """
    units = {metric.threshold: metric.unit for metric in METRICS if metric.threshold}
    valid = ", ".join(f"{name}:NUMBER{unit}" for name, unit in units.items())
    found: dict[str, float] = {}
    for item in text.split(","):
        parts = re.fullmatch(r"\s*([a-z]+):(\d+(?:\.\d+)?)(pp|%)\s*", item)
        name = item.partition(":")[0].strip()
        if name == "latency":
            raise RequestError(
                "--fail latency: records hold percentiles of latency and no interval, so that no "
                f"change of it is beyond doubt; choose from {valid}"
            )
        if parts is None or parts[3] != units.get(name):
            raise RequestError(f"--fail '{item}' is no threshold; choose from {valid}")
        if name in found:
            raise RequestError(f"--fail has two thresholds for {name}; give one")
        found[name] = float(parts[2]) / 100
    return found


def breaches(changes: Sequence[Change], thresholds: Mapping[str, float]) -> tuple[Change, ...]:
    """The changes that are worse by more than their metric's threshold, beyond doubt."""
    return tuple(
        change
        for change in changes
        if change.metric.threshold is not None
        and change.metric.threshold in thresholds
        and change.is_worse_by_more_than(thresholds[change.metric.threshold])
    )


def _accuracy(where: Place, a: Side, b: Side) -> Estimate | None:
    ours, theirs = a.results.get(*where), b.results.get(*where)
    if ours is None or theirs is None:
        return None
    seeds = [seed for seed in ours.accuracy if seed in theirs.accuracy]
    if not seeds:
        return None
    before, after = (
        np.array([runs.accuracy[seed] for seed in seeds], dtype=np.float64)
        for runs in (ours, theirs)
    )
    differences = after - before
    interval, basis = _paired(ours, theirs, seeds, differences)
    settled = None if interval else "no interval"
    if all(ours.digests[seed] == theirs.digests[seed] for seed in seeds):
        settled = "identical"
    elif not differences.any():
        settled = "equal"
    return Estimate(
        model=where[0],
        device=where[1],
        a=float(before.mean()),
        b=float(after.mean()),
        change=float(differences.mean()),
        basis=basis,
        interval=interval,
        settled=settled,
    )


def _paired(
    a: Runs, b: Runs, seeds: Sequence[int], differences: Floats
) -> tuple[Callable[[float], Interval] | None, str]:
    """The interval of the mean accuracy difference, b minus a, and what it rests on.

    Over seeds and test samples where both runs met the same samples, else over seeds alone. None
    where there is no spread to judge the mean by: one seed, or the same difference for all.
    """
    basis = f"{len(seeds)} paired seed{'s' if len(seeds) > 1 else ''}"
    if any(a.test_checksums[seed] != b.test_checksums[seed] for seed in seeds):
        # 1e-12 is far below one sample's share of any test set, and far above rounding.
        spread = len(seeds) > 1 and float(np.ptp(differences)) > 1e-12
        return partial(paired_interval, differences) if spread else None, f"{basis} alone"
    before, after = (correctness(runs.misclassified, seeds, runs.test_samples) for runs in (a, b))
    contrast = pair(a.model, after, before, same_samples=a.same_samples)
    basis = f"{basis}, {a.test_samples:,} samples"

    def interval(confidence: float) -> Interval:
        found = interval_of(contrast, confidence)
        assert found is not None  # it is there at any confidence, or at none
        return found.low, found.high

    return None if interval_of(contrast) is None else interval, basis


def _throughput(where: Place, a: Side, b: Side, *, phase: str) -> Estimate | None:
    """From two independent samples of blocks; drift between the runs is not in the interval."""
    before, after = (side.timings.get((*where, phase)) for side in (a, b))
    if before is None or after is None:
        return None
    ours, theirs = _log_samples_per_second(before), _log_samples_per_second(after)
    has_spread = all(len(logs) > 1 and np.ptp(logs) > 0 for logs in (ours, theirs))
    mean_ours, mean_theirs = float(ours.mean()), float(theirs.mean())

    def interval(confidence: float) -> Interval:
        low, high = welch_interval(ours, theirs, confidence)
        return math.expm1(low), math.expm1(high)

    return Estimate(
        model=where[0],
        device=where[1],
        a=math.exp(mean_ours),
        b=math.exp(mean_theirs),
        change=math.expm1(mean_theirs - mean_ours),
        basis=f"{len(ours)} and {len(theirs)} rounds",
        interval=interval if has_spread else None,
        settled=None if has_spread else "no interval",
    )


def _log_samples_per_second(timing: Mapping[str, Any]) -> Floats:
    """One number for each round: the mean over the two labels that the workload is timed under."""
    samples = timing["batch"] * timing["steps_per_block"]
    seconds: Floats = np.asarray(timing["block_seconds"], dtype=np.float64)
    logs: Floats = np.log(samples / seconds).mean(axis=0)
    return logs


def _latency(where: Place, a: Side, b: Side) -> Estimate | None:
    speeds = [side.results.speeds.get(where, NO_SPEED).latency_p50_seconds for side in (a, b)]
    return _of_single_numbers(where, *speeds, basis="medians of calls", settled="no interval")


def _memory(where: Place, a: Side, b: Side) -> Estimate | None:
    peaks = [side.results.speeds.get(where, NO_SPEED).peak_memory_bytes for side in (a, b)]
    return _of_single_numbers(where, *peaks, basis="counted")


def _size(where: Place, a: Side, b: Side, *, field: str) -> Estimate | None:
    sizes = [side.results.counts.get(where[0], {}).get(field) for side in (a, b)]
    return _of_single_numbers(where, *sizes, basis="counted")


def _of_single_numbers(
    where: Place, a: float | None, b: float | None, *, basis: str, settled: str | None = None
) -> Estimate | None:
    """A change of which each side has one number; unless settled, numbers without any doubt."""
    if a is None or b is None:
        return None
    change = b / a - 1
    return Estimate(
        model=where[0],
        device=where[1],
        a=a,
        b=b,
        change=change,
        basis=basis,
        interval=None if settled else lambda _: (change, change),
        settled=settled or ("equal" if a == b else None),
    )


def _judged(metric: Metric, estimates: Sequence[Estimate]) -> Iterator[Change]:
    """The estimates of one metric with their intervals, which hold together, and verdicts."""
    family = [each for each in estimates if each.interval is not None and each.settled is None]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(family))
    for each in estimates:
        low, high = each.interval(confidence) if each.interval else (None, None)
        yield Change(
            model=each.model,
            device=each.device,
            metric=metric,
            a=each.a,
            b=each.b,
            change=each.change,
            low=low,
            high=high,
            basis=each.basis,
            verdict=each.settled or _verdict(metric, low, high),
        )


def _verdict(metric: Metric, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no interval"
    if low > 0 or high < 0:
        return metric.words[low > 0]
    return "inconclusive"


METRICS = (
    Metric(
        name="test_accuracy",
        threshold="accuracy",
        unit="pp",
        better="higher",
        words=("worse", "better"),
        estimate=_accuracy,
    ),
    *(
        Metric(
            name=f"{phase}_samples_per_second",
            threshold="throughput",
            unit="%",
            better="higher",
            # Two runs are not interleaved, and no interval here holds the drift between them.
            words=("slower, if no drift", "faster, if no drift"),
            estimate=partial(_throughput, phase=phase),
        )
        for phase in ("train", "inference")
    ),
    Metric(
        name="latency_p50_seconds",
        threshold=None,
        unit="%",
        better="lower",
        words=("faster", "slower"),
        estimate=_latency,
    ),
    *(
        Metric(
            name=name,
            threshold=threshold,
            unit="%",
            better="lower",
            words=("smaller", "larger"),
            estimate=estimate,
        )
        for name, threshold, estimate in (
            ("peak_memory_bytes", "memory", _memory),
            ("parameters", "parameters", partial(_size, field="module_parameters")),
            ("macs", "macs", partial(_size, field="macs")),
        )
    ),
)
