"""What the studies in `studies/` have found: how often verdicts err, what rounding does."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

PAIR_ERRORS = Path(__file__).with_name("accuracy_errors.csv")
REPORT_ERRORS = Path(__file__).with_name("report_errors.csv")
SETTLING_ERRORS = Path(__file__).with_name("settling_errors.csv")
SPEED_ERRORS = Path(__file__).with_name("speed_errors.csv")
FOLD_ERRORS = Path(__file__).with_name("fold_errors.csv")
ROUNDING_SPREAD = Path(__file__).with_name("rounding.csv")
CONTROL_ERRORS = Path(__file__).with_name("control_errors.csv")
SPEED_REGIMES = Path(__file__).with_name("speed_regimes.csv")
SPEED_RUNS = 2_000  # simulated in each row of `SPEED_ERRORS` and `SPEED_REGIMES`
PLANTED = (1, 3, 10)  # percent that one network is slower by

SpreadName = Literal["calm", "skewed"]
Order = Literal["interleaved", "sequential"]
Rule = Literal["processes", "noise floor"]  # the suite's, and the one that it replaced
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class PairErrors:
    """One network against a calm one, as `studies.accuracy_errors` simulates it.

    Shares are fractions in 0..1 of the runs.

    Attributes:
        test_samples: Size of the test set.
        seeds: Number of seeds.
        spread: How the seeds of the one network differ.
        difference: Its true accuracy minus the other's, over all seeds and samples.
        runs: Simulated.
        coverage: How often the interval over seeds and samples holds the difference.
        better: How often it is called better, as the only comparison of its family.
        worse: How often worse.
        equivalent: How often the difference is found to be within the margin of half a point.
        better_of_ten: How often it is called better at the first step of a family of ten.
        old_better: How often the rule that was used before calls it better.
        old_worse: How often worse.
        old_better_of_ten: How often better at the first step of one of two families of ten.
    """

    test_samples: int
    seeds: int
    spread: SpreadName
    difference: float
    runs: int
    coverage: float
    better: float
    worse: float
    equivalent: float
    better_of_ten: float
    old_better: float
    old_worse: float
    old_better_of_ten: float


@dataclass(frozen=True, kw_only=True)
class ReportErrors:
    """Whole reports of 13 networks of equal accuracy, two pairs of them the same network.

    Attributes:
        test_samples: Size of the test set.
        seeds: Number of seeds.
        spread: How the seeds of one network differ; the others are calm.
        runs: Simulated.
        false_primary: Share of runs with a false verdict on the primary question.
        false_design: The same for the questions to the design.
        false_baseline: The same for the comparisons with the baseline.
        false: The same for both families together.
        false_unshared: What it would be if both families had the whole 5%.
        false_upper: One-sided 95% upper bound of `false`, Clopper and Pearson.
        old_false: What the rule that was used before makes of the same runs.
    """

    test_samples: int
    seeds: int
    spread: SpreadName
    runs: int
    false_primary: float
    false_design: float
    false_baseline: float
    false: float
    false_unshared: float
    false_upper: float
    old_false: float


@dataclass(frozen=True, kw_only=True)
class SettlingErrors:
    """Runs until settled of three networks, as `studies.settling_errors` simulates them.

    Shares are fractions in 0..1, of the runs where nothing else is said.

    Attributes:
        test_samples: Size of the test set.
        spread: How the seeds of the two networks differ that are compared with a calm one.
        difference: Their true accuracy minus its, over all seeds and samples.
        runs: Simulated.
        false: Those with a false verdict: `better` or `worse` where there is no difference or one
            in the other direction, `equivalent` where it is no smaller than the margin.
        false_upper: One-sided 95% upper bound of it, Clopper and Pearson.
        better: Share of the comparisons that end with `better`.
        equivalent: Share of them that end with `equivalent`.
        seeds: After how many a comparison stops, on average.
        cells: How many networks are trained, the baseline's too, on average.
        fixed_false: What `false` is with 20 seeds fixed before, which is 60 trained networks.
        fixed_better: What `better` is.
        fixed_equivalent: What `equivalent` is.
    """

    test_samples: int
    spread: SpreadName
    difference: float
    runs: int
    false: float
    false_upper: float
    better: float
    equivalent: float
    seeds: float
    cells: float
    fixed_false: float
    fixed_better: float
    fixed_equivalent: float


@dataclass(frozen=True, kw_only=True)
class SpeedErrors:
    """What the verdicts on speed are worth on one simulated machine.

    Attributes:
        scenario: Its name in `studies.speed_errors.SCENARIOS`.
        networks: How many networks are timed, the first of which is the baseline.
        order: How the networks are measured.
        rule: What decides.
        false_runs: Of `SPEED_RUNS` runs without any true difference, those with a `faster` or
            `slower`.
        false_rate_upper: One-sided 95% upper bound of the rate of `false_runs` (Clopper and
            Pearson), 0..1.
        false_alarms: Of the same runs, those with an `unstable`.
        as_fast_share: Of their comparisons, the share that is called `as fast`, 0..1.
        false_as_fast_runs: Runs with an `as fast` where all networks are slower than the baseline
            by the margin of equivalence.
        found_1: Runs that find a network that is slower by 1%; None in sequence, where it would
            mean nothing.
        found_3: The same by 3%.
        found_10: The same by 10%.
        smallest_ratio: The smallest true ratio of times, to 0.001, that is found in 80% of the
            runs; None if it is 2 or more, or in sequence.
    """

    scenario: str
    networks: int
    order: Order
    rule: Rule
    false_runs: int
    false_rate_upper: float
    false_alarms: int
    as_fast_share: float
    false_as_fast_runs: int
    found_1: int | None
    found_3: int | None
    found_10: int | None
    smallest_ratio: float | None

    @property
    def false_rate(self) -> float:
        """Share of runs with a wrong verdict, 0..1."""
        return self.false_runs / SPEED_RUNS


@dataclass(frozen=True, kw_only=True)
class SpeedRegime:
    """What is said of a network that is as fast as the others but for a regime it falls into.

    Attributes:
        regime: Its name in `studies.speed_errors.REGIMES`.
        networks: How many networks are timed, the first of which is the baseline.
        rule: What decides.
        withheld: Of `SPEED_RUNS` runs, those that call the network `unstable`.
        false_runs: Those that call it `faster` or `slower`.
        false_rate_upper: One-sided 95% upper bound of the rate of `false_runs`, 0..1.
    """

    regime: str
    networks: int
    rule: Rule
    withheld: int
    false_runs: int
    false_rate_upper: float


@dataclass(frozen=True, kw_only=True)
class RoundingSpread:
    """What rounding alone does to a network, as `studies.rounding` has found it on digits.

    Attributes:
        models: The network's names.
        seeds: How many seeds were trained twice, with sums in two orders.
        seed_deviation: Standard deviation of the accuracy over seeds, a fraction in 0..1.
        rounding_deviation: That of the same seed over orders of its sums.
        same_weights: Of the seeds, those that ended in the same weights in both orders.
        other_answers_by_seed: Share of test pictures that two seeds answer differently.
        other_answers_by_rounding: Share that one seed answers differently in the two orders.
    """

    models: str
    seeds: int
    seed_deviation: float
    rounding_deviation: float
    same_weights: int
    other_answers_by_seed: float
    other_answers_by_rounding: float


@dataclass(frozen=True, kw_only=True)
class ControlErrors:
    """What controls find in runs in which all is right, as `studies.control_errors` simulates it.

    Shares are fractions in 0..1 of the runs.

    Attributes:
        seeds: Number of seeds.
        spread: How the seeds of the fully connected network differ; the others are calm.
        machine: What goes on while steps are timed, in `studies.speed_errors.SCENARIOS`.
        runs: Simulated.
        permuted: How often the control with permuted pixels fails.
        halves: How often the one with halves of the seeds fails.
        processes: How often the one with two groups of processes fails.
        any_negative: How often one of these three fails.
        any_upper: One-sided 95% upper bound of that, Clopper and Pearson.
        delay_passes: How often the planted delay is found, and as large as it is.
        handicap_passes: How often the handicap is.
        handicap: Its mean.
    """

    seeds: int
    spread: SpreadName
    machine: str
    runs: int
    permuted: float
    halves: float
    processes: float
    any_negative: float
    any_upper: float
    delay_passes: float
    handicap_passes: float
    handicap: float


@dataclass(frozen=True, kw_only=True)
class FoldErrors:
    """Two designs for few pictures, as `studies.fold_errors` compares them.

    Differences and errors are fractions in 0..1.

    Attributes:
        learner: What is compared with 200 random features.
        sets: Fresh sets of pictures.
        difference: The mean difference over all sets.
        fixed_error: Median standard error of the fixed split.
        fold_error: That of the five folds.
        fixed_false: How often the fixed split's interval does not hold the difference.
        fixed_upper: Its one-sided 95% upper bound.
        fold_false: How often the folds' interval does not hold it.
        fold_upper: Its one-sided 95% upper bound.
    """

    learner: str
    sets: int
    difference: float
    fixed_error: float
    fold_error: float
    fixed_false: float
    fixed_upper: float
    fold_false: float
    fold_upper: float


def read_pair_errors() -> list[PairErrors]:
    """The rows of the last simulation of single comparisons, in its order."""
    return _read(PAIR_ERRORS, PairErrors)


def read_report_errors() -> list[ReportErrors]:
    """The rows of the last simulation of whole reports, in its order."""
    return _read(REPORT_ERRORS, ReportErrors)


def read_settling_errors() -> list[SettlingErrors]:
    """The rows of the last simulation of runs until settled, in its order."""
    return _read(SETTLING_ERRORS, SettlingErrors)


def read_control_errors() -> list[ControlErrors]:
    """The rows of the last simulation of controls, in its order."""
    return _read(CONTROL_ERRORS, ControlErrors)


def read_speed_errors() -> list[SpeedErrors]:
    """The rows of the last simulation of speed, in its order."""
    return _read(SPEED_ERRORS, SpeedErrors)


def read_speed_regimes() -> list[SpeedRegime]:
    """The rows of the last simulation of regimes, in its order."""
    return _read(SPEED_REGIMES, SpeedRegime)


def read_fold_errors() -> list[FoldErrors]:
    """The rows of the last study of folds, in its order."""
    return _read(FOLD_ERRORS, FoldErrors)


def read_rounding_spread() -> list[RoundingSpread]:
    """The rows of the last study of rounding, in its order."""
    return _read(ROUNDING_SPREAD, RoundingSpread)


def _read(path: Path, kind: type[Row]) -> list[Row]:
    with path.open(newline="") as file:
        rows = [{k: text or None for k, text in row.items()} for row in csv.DictReader(file)]
    return msgspec.convert(rows, list[kind], strict=False)  # type: ignore[valid-type]
