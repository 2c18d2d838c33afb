"""Why it is so: how networks learn, activation and pooling, learning rate, filters, mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report.design import activation_and_pooling
from bench.report.distinct import drawn
from bench.report.figures.curves import median_errors
from bench.report.filters import filters
from bench.results.answers import confusion_counts, misreadings
from bench.results.runs import Results
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How the networks learn.

    Attributes:
        epoch: The first epoch after which they were tested.
        quickest: The network with the fewest errors then, and its share of errors.
        slowest: The network with the most.
        passed: By network, its errors then, where those are fewer than the last errors of some
            other network; with that network.
        turned: By network, its best errors on the way and its last ones, where the last ones are
            more by at least a quarter.
    """

    epoch: int
    quickest: tuple[str, float]
    slowest: tuple[str, float]
    passed: tuple[str, str] | None
    turned: dict[str, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """What is misread most often.

    Attributes:
        true: The digit, or the name of the class.
        answer: What it is read as.
        named: Whether classes have names.
        leads_in: In how many networks this is the most frequent mistake.
        networks: How many networks there are.
        trained: How many trained networks, all runs together.
        test_samples: How many pictures they were tested on.
        always_right: How many of these no trained network got wrong.
        always_wrong: How many none got right.
    """

    true: str
    answer: str
    named: bool
    leads_in: int
    networks: int
    trained: int
    test_samples: int
    always_right: int
    always_wrong: int


@dataclass(frozen=True, kw_only=True)
class WhyView:
    """What the chapter shows.

    Attributes:
        learning: How the networks learn; None where that was not recorded.
        design: Activation, pooling and learning rates, a text of its own.
        filters: The filters of the first layers, a text of its own.
        mistakes: What is misread; None where the labels are not recorded.
        figures: By name, what the figures of the chapter show.
    """

    learning: Learning | None
    design: str
    filters: str
    mistakes: Mistakes | None
    figures: Mapping[str, str]


def why(results: Results, figures: Mapping[str, str]) -> str:
    """The chapter on reasons, as far as the records know them."""
    return render(Path(__file__).parent, "why", why_view(results, figures))


def why_view(results: Results, figures: Mapping[str, str]) -> WhyView:
    """What can be said of each of the four."""
    return WhyView(
        learning=learning(results),
        design=activation_and_pooling(results, dict(figures)),
        filters=filters(results, figures),
        mistakes=mistakes(results),
        figures=figures,
    )


def learning(results: Results) -> Learning | None:
    """The first and the last test errors of all networks, medians over the runs."""
    found = {runs.model: median_errors(runs) for runs in drawn(results)}
    errors = {model: [error for _, error in line.values()] for model, line in found.items() if line}
    if not errors:
        return None
    quickest = min(errors, key=lambda model: errors[model][0])
    slowest = max(errors, key=lambda model: errors[model][0])
    worst = max(errors, key=lambda model: errors[model][-1])
    passed = errors[quickest][0] < errors[worst][-1]
    return Learning(
        epoch=next(iter(found[quickest])),
        quickest=(quickest, errors[quickest][0]),
        slowest=(slowest, errors[slowest][0]),
        passed=(quickest, worst) if passed else None,
        turned={
            model: (min(line), line[-1])
            for model, line in errors.items()
            if line[-1] >= 1.25 * min(line)
        },
    )


def mistakes(results: Results) -> Mistakes | None:
    """The most frequent wrong answer, and how many pictures are easy or hard for all."""
    labels = results.request.test_labels
    shown = [runs for runs in drawn(results) if labels and len(labels) == runs.test_samples]
    counts = [confusion_counts(runs, labels or "") for runs in shown]
    together = sum(counts, Counter())
    if not together:
        return None
    (true, answer), _ = together.most_common(1)[0]
    answers = [wrong for runs in shown for wrong in runs.misclassified.values()]
    wrong = misreadings(answers)
    return Mistakes(
        true=results.request.class_name(true),
        answer=results.request.class_name(answer),
        named=bool(results.request.class_names),
        leads_in=sum(count[true, answer] == max(count.values(), default=0) > 0 for count in counts),
        networks=len(shown),
        trained=len(answers),
        test_samples=shown[0].test_samples,
        always_right=shown[0].test_samples - len(wrong),
        always_wrong=sum(found.total() == len(answers) for found in wrong.values()),
    )
