"""Controls: does a run find what is there, and nothing that is not?

Four negative controls, of which the truth is that there is no difference, and two positive ones, of
which the difference is known because it was planted. Each is judged by the functions that judge the
run's networks. A control is None where the run does not have what it needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np

from bench.cells.controls import EXCHANGEABLE, permuted_name
from bench.results.runs import Results, Runs
from bench.results.speed_controls import Delay, Processes, delay, processes
from bench.statistics.accuracy import (
    Contrast,
    correctness,
    interval_of,
    pair,
    uncertainty_of,
)
from bench.statistics.basics import ALPHA, Bools, Interval, holm
from bench.statistics.controls import LEVEL, Planted, plant
from zoo import Recipe

LEAST_SEEDS = 4  # to halve


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Networks that were trained by the same code from the same data, under several names.

    Attributes:
        groups: The names of each such network.
        different: Pairs of them whose weights differ for some seed.
    """

    groups: tuple[tuple[str, ...], ...]
    different: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> bool:
        """Whether they ended in the same weights."""
        return not self.different


@dataclass(frozen=True, kw_only=True)
class Permuted:
    """The fully connected network on pictures with permuted pixels, minus itself on pictures.

    Attributes:
        model: Its name.
        seeds: How many it was trained from, each time.
        difference: Of the mean accuracies.
        interval: At 99%, for other seeds and samples.
        p: Of the test that there is none.
    """

    model: str
    seeds: int
    difference: float
    interval: Interval | None
    p: float

    @property
    def passed(self) -> bool:
        """Whether no difference is found."""
        return self.p > LEVEL


@dataclass(frozen=True, kw_only=True)
class Halves:
    """The first half of each network's seeds against the second half.

    Attributes:
        networks: How many were halved; equal ones once.
        called: Those whose halves differ at 5%, each by itself.
        failed: Those whose halves differ at 1%, adjusted for the number of networks.
        smallest: The smallest adjusted p.
    """

    networks: int
    called: tuple[str, ...]
    failed: tuple[str, ...]
    smallest: float

    @property
    def passed(self) -> bool:
        """Whether no network differs from itself."""
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class Handicap:
    """Networks like the baseline, some of whose right answers were made wrong, against it.

    Attributes:
        model: The baseline.
        planted: What was taken, and what the run's rule for accuracy says.
    """

    model: str
    planted: Planted

    @property
    def passed(self) -> bool:
        """Whether the handicap is found, and the interval holds it."""
        found = self.planted.comparison
        if found is None or found.widest is None:
            return False
        is_held = found.widest.low <= -self.planted.handicap <= found.widest.high
        return found.verdict == "worse" and is_held


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The controls of a run on a device; None for those that it has nothing for."""

    device: str
    twins: Twins | None
    permuted: Permuted | None
    halves: Halves | None
    processes: Processes | None
    delay: Delay | None
    handicap: Handicap | None

    @property
    def made(self) -> int:
        """How many there are."""
        return len(self._passed)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return list(self._passed.values()).count(False)

    @property
    def only_speed_failed(self) -> bool:
        """Whether those that failed are of speeds alone."""
        failed = {name for name, passed in self._passed.items() if not passed}
        return failed <= {"processes", "delay"}

    @property
    def _passed(self) -> dict[str, bool]:
        """By name, whether each that there is has passed."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        del found["device"]
        return {name: control.passed for name, control in found.items() if control is not None}


def controls(results: Results) -> tuple[Controls, ...]:
    """The controls of a run, for each of its devices."""
    return tuple(_on(results, device) for device in results.request.devices)


def _on(results: Results, device: str) -> Controls:
    ran = [runs for runs in results.runs if runs.device == device and runs.summary]
    baseline = results.get(results.request.baseline, device)
    return Controls(
        device=device,
        twins=twins(ran, results.request.recipes),
        permuted=permuted(ran, [runs for runs in results.permuted if runs.device == device]),
        halves=halves(ran),
        processes=processes(results, device),
        delay=delay(results, device),
        handicap=handicap(baseline) if baseline else None,
    )


def twins(ran: Sequence[Runs], recipes: Mapping[str, Recipe]) -> Twins | None:
    """Whether what is the same work has the same outcome, bit for bit."""
    same: dict[object, list[Runs]] = {}
    for runs in ran:
        cell = next(iter(runs.ran.values()))
        recipe = str(recipes[runs.model].settings)
        work = (cell.code_sha256, cell.data_sha256, recipe, cell.together)
        same.setdefault(work, []).append(runs)
    groups = [group for group in same.values() if len(group) > 1]
    if not groups:
        return None
    return Twins(
        groups=tuple(tuple(runs.model for runs in group) for group in groups),
        different=tuple(
            (one.model, other.model)
            for group in groups
            for one, other in combinations(group, 2)
            if not one.is_twin_of(other)
        ),
    )


def permuted(ran: Sequence[Runs], on_permuted: Sequence[Runs]) -> Permuted | None:
    """Whether a network that cannot see the order of pixels is found to mind it."""
    by_name = {runs.model: runs for runs in (*ran, *on_permuted)}
    theirs, ours = by_name.get(EXCHANGEABLE), by_name.get(permuted_name(EXCHANGEABLE))
    if theirs is None or ours is None:
        return None
    seeds = [seed for seed in theirs.accuracy if seed in ours.accuracy]
    if len(seeds) < 2:
        return None
    contrast = pair(
        "permuted",
        _correct(ours, seeds),
        _correct(theirs, seeds),
        same_samples=theirs.same_samples,
    )
    return Permuted(
        model=EXCHANGEABLE,
        seeds=len(seeds),
        difference=float(contrast.values.mean()),
        interval=interval_of(contrast, 1 - LEVEL),
        p=_p(contrast),
    )


def halves(ran: Sequence[Runs]) -> Halves | None:
    """Whether a network is found to differ from itself, trained from other seeds."""
    different = {tuple(runs.digests.items()): runs for runs in reversed(ran)}
    halved = {
        runs.model: _p(_halved(runs))
        for runs in reversed(different.values())
        if len(runs.accuracy) >= LEAST_SEEDS
    }
    if not halved:
        return None
    p = np.array([*halved.values()])
    adjusted = holm(p)
    return Halves(
        networks=len(halved),
        called=tuple(model for model, found in halved.items() if found <= ALPHA),
        failed=tuple(
            model for model, found in zip(halved, adjusted, strict=True) if found <= LEVEL
        ),
        smallest=float(adjusted.min()),
    )


def _halved(runs: Runs) -> Contrast:
    """The first half of the seeds minus the second, in pairs that have nothing in common."""
    seeds = sorted(runs.accuracy)
    half = len(seeds) // 2
    return pair(
        "halves",
        _correct(runs, seeds[:half]),
        _correct(runs, seeds[-half:]),
        same_samples=runs.same_samples,
    )


def handicap(baseline: Runs) -> Handicap | None:
    """Whether a network is found to be worse of which some right answers were made wrong."""
    seeds = sorted(baseline.accuracy)
    if len(seeds) < 2:
        return None
    correct = _correct(baseline, seeds)
    return Handicap(
        model=baseline.model, planted=plant(correct, same_samples=baseline.same_samples)
    )


def _correct(runs: Runs, seeds: Sequence[int]) -> Bools:
    return correctness(runs.misclassified, seeds, runs.test_samples)


def _p(contrast: Contrast) -> float:
    """Of the test that there is no difference; 1 where the seeds show no spread."""
    p = uncertainty_of(contrast).p(np.asarray(contrast.values.mean()))
    return 1.0 if math.isnan(p) else float(p)
