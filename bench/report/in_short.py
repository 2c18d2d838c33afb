"""The findings that a report opens with: each a rule that looks at the results and says something.

A rule gives a finding with its numbers, or None where there is nothing to say; the words are in
`templates/in-short.md.j2`. The first five that say something are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import ClassVar

from bench.cells.reference import LOGISTIC_REGRESSION, MAJORITY_CLASS
from bench.report.decided import printed_accuracies
from bench.report.distinct import drawn
from bench.report.standing import standing
from bench.results.families import against_baseline, primary_question
from bench.results.learning_rates import read_sweep
from bench.results.runs import Results
from bench.results.speeds import NO_SPEED
from bench.statistics.accuracy import Comparison
from bench.statistics.design import MODELS, QUESTIONS

MOST = 5
_MANY_MORE = 2.0  # times as many parameters are worth a sentence
_WILD = 3.0  # times the range of the median network


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Runs that came to nothing.

    Attributes:
        runs: How many had a loss that was not finite.
        diverged: By network, the seeds of these runs, with the step of training at which it was so.
        no_better: Networks that are right no more often than the majority class.
        majority: How often that is right.
    """

    kind: ClassVar[str] = "trouble"
    runs: int
    diverged: dict[str, dict[int, int]]
    no_better: tuple[str, ...]
    majority: float | None


@dataclass(frozen=True, kw_only=True)
class Leader:
    """The network with the highest mean.

    Attributes:
        model: Its name.
        mean: Its accuracy.
        errors: Test samples that a run of it gets wrong on average.
        test_samples: Of how many.
        runs: How many it is the mean of.
        close: Those whose distance from it may be luck.
        others: How many networks there are beside it.
    """

    kind: ClassVar[str] = "leader"
    model: str
    mean: float
    errors: float
    test_samples: int
    runs: int
    close: tuple[str, ...]
    others: int


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What tutorials print beside what their networks do here.

    Attributes:
        holds: By network, the printed accuracy that one more run could give.
        fails: By network, the printed accuracy that it could not.
    """

    kind: ClassVar[str] = "printed"
    holds: dict[str, float]
    fails: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Networks that are right less often than a logistic regression."""

    kind: ClassVar[str] = "regression"
    mean: float
    losers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AtRate:
    """A question of the design at one learning rate.

    Attributes:
        rate: Of Adam.
        comparison: The verdict at it.
        lost: Of the one side and of the other, runs that have not learned there.
        runs: How many runs each side has.
        is_best: Whether all networks do best there on validation samples.
    """

    rate: float
    comparison: Comparison
    lost: tuple[int, int]
    runs: int
    is_best: bool


@dataclass(frozen=True, kw_only=True)
class Factor:
    """Whether one activation or pooling is better than another, at every learning rate tried.

    Attributes:
        sides: What is compared with what, in words.
        rates: One answer for each.
        own_best: The answer with each network at its own best rate; None where that is the same
            rate for all.
        settled: Whether the verdict is the same everywhere, better or worse.
    """

    kind: ClassVar[str] = "factor"
    sides: tuple[str, str]
    rates: tuple[AtRate, ...]
    own_best: Comparison | None
    settled: bool

    @property
    def where_all_learn(self) -> str | None:
        """The verdict at the rates at which all runs learn, if it is one, `better` or `worse`."""
        verdicts = {at.comparison.verdict for at in self.rates if not any(at.lost)}
        return verdicts.pop() if verdicts in ({"better"}, {"worse"}) else None

    @property
    def depends(self) -> bool:
        """Whether the answer is not the same at every rate."""
        answers = {(at.comparison.verdict, *(lost > 0 for lost in at.lost)) for at in self.rates}
        return len(answers) > 1


@dataclass(frozen=True, kw_only=True)
class PrimaryFinding:
    """The run's primary question and its answer."""

    kind: ClassVar[str] = "primary"
    question: str | None
    model: str | None
    baseline: str
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Bigger:
    """A network with many more parameters than the best one, and more errors.

    Attributes:
        parameters: How many times as many.
        errors: How many times as many.
    """

    kind: ClassVar[str] = "bigger"
    model: str
    best: str
    parameters: float
    errors: float


@dataclass(frozen=True, kw_only=True)
class Wild:
    """A network whose runs differ far more than those of the others."""

    kind: ClassVar[str] = "wild"
    model: str
    low: float
    high: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Faster:
    """The network that trains fastest, where that is surely faster than the baseline."""

    kind: ClassVar[str] = "faster"
    model: str
    baseline: str
    train: float
    inference: float | None
    device: str = field(default="cpu")


Finding = Trouble | Leader | Printed | Regression | Factor | PrimaryFinding | Bigger | Wild | Faster


def in_short(results: Results) -> tuple[Finding, ...]:
    """The findings of a run, the most telling first, at most five."""
    found = (rule(results) for rule in RULES)
    return tuple(finding for finding in found if finding is not None)[:MOST]


def trouble(results: Results) -> Trouble | None:
    """Runs that diverged, and networks that have learned nothing."""
    diverged = {runs.model: runs.diverged for runs in results.runs if runs.diverged}
    no_better, majority = [], None
    for group in results.groups:
        for reference in results.references.get(group[0].ranking_group, ()):
            if reference.name == MAJORITY_CLASS:
                lost = [runs.model for runs in group if runs.is_no_better_than(reference)]
                no_better += lost
                majority = reference.mean if lost else majority
    if not diverged and not no_better:
        return None
    return Trouble(
        runs=sum(map(len, diverged.values())),
        diverged=diverged,
        no_better=tuple(dict.fromkeys(no_better)),
        majority=majority,
    )


def leader(results: Results) -> Leader | None:
    """Who has the highest mean, and who is too close to call."""
    found = standing(results.groups[0]) if results.groups else None
    if found is None or found.best.summary is None:
        return None
    best, mean = found.best, found.best.summary.mean
    return Leader(
        model=best.model,
        mean=mean,
        errors=(1 - mean) * best.test_samples,
        test_samples=best.test_samples,
        runs=found.best.summary.n,
        close=tuple(runs.model for runs in found.close),
        others=len(found.close) + len(found.behind),
    )


def printed(results: Results) -> Printed | None:
    """Which of the tutorials' printed accuracies one more run could give."""
    found = printed_accuracies(results).items()
    if not found:
        return None
    return Printed(
        holds={model: accuracy for model, (accuracy, holds) in found if holds},
        fails={model: accuracy for model, (accuracy, holds) in found if not holds},
    )


def regression(results: Results) -> Regression | None:
    """Which networks a logistic regression beats, if there are such."""
    group = results.groups[0] if results.groups else ()
    for reference in results.references.get(group[0].ranking_group, ()) if group else ():
        if reference.name == LOGISTIC_REGRESSION:
            losers = [runs.model for runs in drawn(results) if runs.is_no_better_than(reference)]
            if losers:
                return Regression(mean=reference.mean, losers=tuple(losers))
    return None


def activation(results: Results) -> Factor | None:
    """ReLU against sigmoid at every learning rate; nothing unless the rates were tried."""
    return _factor(results, 0, ("ReLU", "sigmoid"))


def pooling(results: Results) -> Factor | None:
    """Max against average pooling in the same way."""
    kinds = [question.kind for question in QUESTIONS]
    return _factor(results, kinds.index("pooling"), ("max pooling", "average pooling"))


def _factor(results: Results, question: int, sides: tuple[str, str]) -> Factor | None:
    sweep = read_sweep(results)
    if sweep is None:
        return None
    best = set(sweep.best_rates.values())
    weights = dict(zip(MODELS, QUESTIONS[question].weights, strict=True))
    ours = [model for model, weight in weights.items() if weight > 0]
    theirs = [model for model, weight in weights.items() if weight < 0]

    def lost(models: list[str], rate: float) -> int:
        return sum(len(sweep.lost(model, rate)) for model in models)

    return Factor(
        sides=sides,
        rates=tuple(
            AtRate(
                rate=rate,
                comparison=sweep.by_rate[rate][question].comparison,
                lost=(lost(ours, rate), lost(theirs, rate)),
                runs=sum(len(sweep.trials[model, rate].test) for model in ours),
                is_best=best == {rate},
            )
            for rate in sweep.rates
            if sweep.by_rate[rate]
        ),
        own_best=sweep.at_best[question].comparison if len(best) > 1 else None,
        settled=sweep.settled(question),
    )


def primary(results: Results) -> PrimaryFinding | None:
    """The primary question where it is about two networks."""
    asked = primary_question(results)
    for group in results.groups:
        family = against_baseline(group, results) if asked.model else None
        if family and family.baseline.device == asked.device and asked.model in family.comparisons:
            comparison = family.comparisons[asked.model]
            if comparison.verdict != "identical":
                return PrimaryFinding(
                    question=asked.name,
                    model=asked.model,
                    baseline=family.baseline.model,
                    comparison=comparison,
                )
    return None


def bigger(results: Results) -> Bigger | None:
    """The largest network, where it has at least twice the best one's parameters, and loses."""
    found = standing(results.groups[0]) if results.groups else None
    counts = results.counts
    if found is None or found.best.model not in counts or found.best.summary is None:
        return None
    rivals = [runs for runs in found.behind if runs.model in counts]
    largest = max(rivals, key=lambda runs: counts[runs.model].module_parameters, default=None)
    if largest is None or largest.summary is None:
        return None
    own, theirs = (counts[runs.model].module_parameters for runs in (found.best, largest))
    errors = 1 - found.best.summary.mean
    if not own or not errors or theirs < _MANY_MORE * own:
        return None
    return Bigger(
        model=largest.model,
        best=found.best.model,
        parameters=theirs / own,
        errors=(1 - largest.summary.mean) / errors,
    )


def wild(results: Results) -> Wild | None:
    """The network whose range over seeds is at least three times that of the median network."""
    ran = drawn(results) if results.groups else []
    found = [(runs.model, runs.summary) for runs in ran if runs.summary and runs.summary.n > 1]
    ranges = [summary.maximum - summary.minimum for _, summary in found]
    if len(ranges) < 3 or max(ranges) < _WILD * median(ranges):
        return None
    model, summary = found[ranges.index(max(ranges))]
    return Wild(model=model, low=summary.minimum, high=summary.maximum, runs=summary.n)


def faster(results: Results) -> Faster | None:
    """The network that trains fastest, if it is surely faster than the baseline."""
    device, baseline = results.request.devices[0], results.request.baseline
    found = {
        model: speed.train.ratio.ratio
        for (model, where), speed in results.speeds.items()
        if where == device and speed.train and speed.train.ratio
        and speed.train.ratio.verdict == "faster"
    }  # fmt: skip
    if not found:
        return None
    model = max(found, key=found.__getitem__)
    inference = results.speeds.get((model, device), NO_SPEED).inference
    settled = inference and inference.ratio and inference.ratio.verdict == "faster"
    return Faster(
        model=model,
        baseline=baseline,
        train=found[model],
        inference=inference.ratio.ratio if settled and inference and inference.ratio else None,
        device=device,
    )


RULES: tuple[Callable[[Results], Finding | None], ...] = (
    trouble,
    leader,
    printed,
    activation,
    pooling,
    regression,
    primary,
    bigger,
    wild,
    faster,
)
