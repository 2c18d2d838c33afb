"""How often the verdicts of a report are wrong, by simulation: the same in every report."""

from __future__ import annotations

from collections.abc import Sequence

from bench.statistics.error_rates import (
    AccuracyErrors,
    SpeedErrors,
    read_accuracy_errors,
    read_speed_errors,
)
from bench.writing.markdown import decimal, integer, percent, table


def reliability() -> list[str]:
    """Coverage of the intervals, false verdicts of accuracy, false verdicts of speed."""
    return [
        "### How often such verdicts err",
        "",
        *_accuracy(read_accuracy_errors()),
        "",
        *_speed(read_speed_errors()),
    ]


def _accuracy(calibrations: Sequence[AccuracyErrors]) -> list[str]:
    groups: dict[tuple[float, int, int], list[AccuracyErrors]] = {}
    for c in calibrations:
        groups.setdefault((c.seed_deviation_logit, c.test_samples, c.seeds), []).append(c)
    worst = max(calibrations, key=lambda c: c.false_share_upper)
    return [
        "*Accuracy.* Networks were simulated on test sets of "
        f"{' and '.join(integer(n) for n in sorted({c.test_samples for c in calibrations}))} "
        "samples, with true accuracies of 95% to 99% (lowest and highest of them in each cell), "
        "samples that are hard for all, and seeds that differ by a normal effect on the logit "
        "scale. Coverage: how often the 95% interval over seeds holds the mean over all seeds on "
        "its test set. False verdict: how often a run of eight networks of equal accuracy says "
        "`better` or `worse` of any of them; worst case "
        f"{percent(worst.false_share)}, with a one-sided 95% upper bound of "
        f"{percent(worst.false_share_upper)} from {integer(worst.verdict_runs)} runs "
        "(`python -m bench.calibrate` repeats it):",
        "",
        *table(
            (
                *("seed effect's deviation >", "test samples >", "seeds >", "coverage >"),
                *("runs with a false verdict >", "upper bound >"),
            ),
            [
                [
                    decimal(deviation, 1),
                    integer(samples),
                    str(seeds),
                    _range([c.coverage_this_test_set for c in found]),
                    _range([c.false_share for c in found]),
                    percent(max(c.false_share_upper for c in found)),
                ]
                for (deviation, samples, seeds), found in sorted(groups.items())
            ],
        ),
    ]


def _speed(outcomes: Sequence[SpeedErrors]) -> list[str]:
    by_order = {
        (outcome.scenario, outcome.order): outcome
        for outcome in outcomes
        if outcome.interval == "wilcoxon"
    }
    rows = []
    for scenario in dict.fromkeys(outcome.scenario for outcome in outcomes):
        interleaved, sequential = (by_order[scenario, o] for o in ("interleaved", "sequential"))
        rows.append(
            [
                scenario,
                percent(interleaved.false_rate),
                percent(interleaved.false_rate_upper),
                decimal(interleaved.smallest_ratio, 3),
                percent(sequential.false_rate),
            ]
        )
    return [
        "*Speed.* Networks of equal speed were timed on a simulated machine that is steady, slows "
        "down, walks, steps or stutters. False verdict: how often any of them is called `faster` "
        "or `slower`, timed in interleaved rounds as here, and timed one after the other as is "
        "usual. Smallest ratio: the true ratio of two speeds that is found in four of five runs, "
        "where blocks vary by 2% and one in thirty is an outlier (`python -m bench.drift` repeats "
        "it):",
        "",
        *table(
            (
                *("machine", "false verdicts, interleaved >", "upper bound >"),
                *("smallest ratio found >", "false verdicts, one after the other >"),
            ),
            rows,
        ),
    ]


def _range(shares: Sequence[float]) -> str:
    return f"{percent(min(shares))} to {percent(max(shares))}"
