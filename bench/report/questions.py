"""The design's questions over all finished reports: one answer for each data set, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results.learning_rates import Sweep, own_rate, read_sweep
from bench.results.runs import Results
from bench.statistics.accuracy import Comparison
from bench.statistics.design import QUESTIONS, Effect
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A report that put the questions at several learning rates.

    Attributes:
        report: The name of its folder.
        dataset: What its networks were trained and tested on.
        rate: The learning rate of its recipe.
        rates: All that were tried.
        seeds: Seeds of each network.
        updates: Optimiser steps of a run.
        test_samples: On which the answers rest.
        decided: How many questions are decided at the recipe's rate.
        decided_at_best: How many with each network at the rate that is best for it.
    """

    report: str
    dataset: str
    rate: float
    rates: tuple[float, ...]
    seeds: int
    updates: int
    test_samples: int
    decided: int
    decided_at_best: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one report replies to one question.

    Attributes:
        at_rate: At the recipe's learning rate.
        at_best: With each network at the rate that is best for it.
        everywhere: Whether it is better, or worse, at every rate that was tried.
    """

    at_rate: Comparison
    at_best: Comparison
    everywhere: bool


@dataclass(frozen=True, kw_only=True)
class QuestionsView:
    """The questions, and what every report replies.

    Attributes:
        asked: The reports, in their order.
        replies: By question, a reply of each report.
        differing: Of these questions, those with more than one verdict, or with a verdict and none,
            at the recipes' rates.
    """

    asked: tuple[Asked, ...]
    replies: dict[str, tuple[Reply, ...]]
    differing: tuple[str, ...]


def questions(reports: Sequence[tuple[str, Results]]) -> str:
    """The answers of all reports in words; nothing if none has varied the learning rate."""
    view = questions_view(reports)
    return render(Path(__file__).parent, "questions", view) if view.asked else ""


def questions_view(reports: Sequence[tuple[str, Results]]) -> QuestionsView:
    """What reports reply to the design's questions.

    Args:
        reports: Names and results; those that did not vary the learning rate are passed over.
    """
    found = [
        (name, results, sweep)
        for name, results in reports
        if (sweep := read_sweep(results)) is not None
    ]
    replies = {
        question.name: tuple(_reply(results, sweep, place) for _, results, sweep in found)
        for place, question in enumerate(QUESTIONS)
    }
    return QuestionsView(
        asked=tuple(_asked(*one) for one in found),
        replies=replies,
        differing=tuple(
            name for name, given in replies.items() if len({r.at_rate.verdict for r in given}) > 1
        ),
    )


def _asked(name: str, results: Results, sweep: Sweep) -> Asked:
    rate = own_rate(results.request)
    cell = next(cell for runs in results.runs for cell in runs.ran.values())
    return Asked(
        report=name,
        dataset=results.request.dataset,
        rate=rate,
        rates=sweep.rates,
        seeds=sweep.by_rate[rate][0].comparison.n_seeds,
        updates=cell.updates or 0,
        test_samples=sweep.samples,
        decided=_decided(sweep.by_rate[rate]),
        decided_at_best=_decided(sweep.at_best),
    )


def _decided(effects: Sequence[Effect]) -> int:
    return sum(effect.comparison.verdict != "inconclusive" for effect in effects)


def _reply(results: Results, sweep: Sweep, place: int) -> Reply:
    return Reply(
        at_rate=sweep.by_rate[own_rate(results.request)][place].comparison,
        at_best=sweep.at_best[place].comparison,
        everywhere=sweep.settled(place),
    )
