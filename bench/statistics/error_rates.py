"""How often the verdicts err, as the simulations in `studies/` have written it beside this file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

ACCURACY_ERRORS = Path(__file__).with_name("accuracy_errors.csv")
SPEED_ERRORS = Path(__file__).with_name("speed_errors.csv")
SPEED_RUNS = 2_000  # simulated in each row of `SPEED_ERRORS`

Order = Literal["interleaved", "sequential"]
IntervalName = Literal["wilcoxon", "student"]
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class AccuracyScenario:
    """What `studies.accuracy_errors` simulates.

    Attributes:
        accuracy: True mean over all seeds and samples, a fraction in 0..1.
        test_samples: Size of the test set.
        seed_deviation_logit: Standard deviation of the seeds' effect, on the logit scale.
        seeds: Number of seeds.
    """

    accuracy: float
    test_samples: int
    seed_deviation_logit: float
    seeds: int


@dataclass(frozen=True, kw_only=True)
class AccuracyErrors(AccuracyScenario):
    """A scenario and its result; shares are fractions in 0..1.

    Attributes:
        coverage_runs: Number of simulated models for the coverage.
        coverage_this_test_set: How often the Student interval holds the mean over all seeds.
        coverage_all_test_sets: How often it holds the mean over all seeds and test sets.
        no_spread_share: How often all seeds have the same accuracy, so that the interval is a
            point; such an interval counts as one that misses.
        verdict_runs: Number of simulated runs of eight equal models.
        false_design_share: Runs with a false verdict among the contrasts of the design, where that
            is the run's only family.
        false_baseline_share: The same for the comparisons with the baseline.
        false_share: Runs with a false verdict in either, where the run has both families.
        false_share_upper: One-sided 95% upper bound of it, Clopper and Pearson.
        false_share_without_both: What `false_share` would be without the test for seeds and
            samples at once.
    """

    coverage_runs: int
    coverage_this_test_set: float
    coverage_all_test_sets: float
    no_spread_share: float
    verdict_runs: int
    false_design_share: float
    false_baseline_share: float
    false_share: float
    false_share_upper: float
    false_share_without_both: float


@dataclass(frozen=True, kw_only=True)
class SpeedErrors:
    """What the verdicts on speed are worth on one simulated machine.

    Attributes:
        scenario: Its name in `studies.speed_errors.SCENARIOS`.
        order: How the networks are measured.
        interval: How ratio and noise floor are estimated.
        false_runs: Of `SPEED_RUNS` runs without any true difference, those with a wrong verdict.
        false_runs_of_test_alone: Those with a wrong verdict if the adjusted p value decided it, and
            the noise floor were not asked.
        false_rate_upper: One-sided 95% upper bound of the rate of `false_runs` (Clopper and
            Pearson), 0..1.
        smallest_ratio: The smallest true ratio of times, to 0.001, that is found in 80% of the
            runs; None if it is 2 or more, or networks are measured in sequence, where it would mean
            nothing.
    """

    scenario: str
    order: Order
    interval: IntervalName
    false_runs: int
    false_runs_of_test_alone: int
    false_rate_upper: float
    smallest_ratio: float | None

    @property
    def false_rate(self) -> float:
        """Share of runs with a wrong verdict, 0..1."""
        return self.false_runs / SPEED_RUNS


def read_accuracy_errors() -> list[AccuracyErrors]:
    """The rows of the last simulation of accuracy, in its order."""
    return _read(ACCURACY_ERRORS, AccuracyErrors)


def read_speed_errors() -> list[SpeedErrors]:
    """The rows of the last simulation of speed, in its order."""
    return _read(SPEED_ERRORS, SpeedErrors)


def _read(path: Path, kind: type[Row]) -> list[Row]:
    with path.open(newline="") as file:
        rows = [{k: text or None for k, text in row.items()} for row in csv.DictReader(file)]
    return msgspec.convert(rows, list[kind], strict=False)  # type: ignore[valid-type]
