"""What a document's error is made of, and what the errors' views have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Generic, TypeVar

from matplotlib.figure import Figure

from bench.cells.reference import NAMES
from bench.claims.checks.experiments import correct
from bench.claims.evidence import Evidence
from bench.results.runs import Runs
from bench.statistics.accuracy import Comparison, compare_paired, pair
from bench.statistics.basics import Summary

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class DocumentError:
    """A place where a document errs, and what the error costs.

    Attributes:
        name: Of its figure and of its template, which says what goes wrong, why, and what to do
            instead.
        claims: Ids of the claims that it bears on.
        trials: What has to be trained to show the cost.
        probes: What has to be measured.
        view: The cost as numbers: what the template sees as `found`.
        draw: The cost as a figure.
        caption: What the figure shows.
    """

    name: str
    claims: tuple[str, ...]
    trials: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    view: Callable[[Evidence], object]
    draw: Callable[[Evidence], Figure]
    caption: str


@dataclass(frozen=True, kw_only=True)
class RowsView(Generic[Row]):
    """A table of networks, and the reference predictors on the same samples.

    Attributes:
        rows: One for each network.
        references: By reference predictor, its accuracy.
    """

    rows: tuple[Row, ...]
    references: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ContrastsView:
    """Networks compared with one another, and the reference predictors on the same samples.

    Attributes:
        accuracies: A label and the accuracy over seeds for each network.
        references: By reference predictor, its accuracy.
        contrasts: The family of differences, each with what it is between.
        seeds: How many.
    """

    accuracies: tuple[tuple[str, Summary | None], ...]
    references: dict[str, float]
    contrasts: tuple[tuple[str, Comparison], ...]
    seeds: int


def reference_accuracies(evidence: Evidence, samples_of: str) -> dict[str, float]:
    """By reference predictor its mean accuracy on the samples of a trial."""
    outcomes = [found for found in evidence.probe("baselines") if found["of"] == samples_of]
    return {name: fmean(found[name]["accuracy"] for found in outcomes) for name in NAMES}


def contrasts(pairs: Sequence[tuple[str, Runs, Runs]]) -> tuple[tuple[str, Comparison], ...]:
    """A family of paired differences by name, the first of each pair minus the second."""
    compared = compare_paired(
        [
            pair(name, correct(ours), correct(theirs), same_samples=ours.same_samples)
            for name, ours, theirs in pairs
        ]
    )
    return tuple((comparison.name, comparison) for comparison in compared)
