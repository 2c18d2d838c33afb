"""Wrong answers, counted: which class is taken for which, and which test samples are hardest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from bench.records import kinds
from bench.results.runs import Runs

PICTURES_SHOWN = 8


def confusion_counts(runs: Runs, labels: Sequence[str | int]) -> Counter[tuple[int, int]]:
    """By true class and class answered, how many wrong answers all runs of a network gave.

    Args:
        runs: The network's.
        labels: The true class of each test sample, a number or its digit.
    """
    return Counter(
        (int(labels[position]), answer)
        for wrong in runs.misclassified.values()
        for position, answer in wrong.items()
    )


def hardest(cells: Iterable[kinds.Train], models: Collection[str], samples: int) -> list[int]:
    """Positions of the test samples that trained networks got wrong, those that most did first.

    Of networks that were tested on all of them; equal networks count once.

    Args:
        cells: Trained networks, those of controls among them.
        models: Which of them count.
        samples: How many test samples there are.
    """
    wrong = {
        cell.weights_sha256: cell.misclassified
        for cell in cells
        if cell.model in models and cell.test_samples == samples
    }
    return list(misreadings(wrong.values()))


def misreadings(networks: Iterable[Mapping[int, int]]) -> dict[int, Counter[int]]:
    """By test sample, how often trained networks gave which wrong answer; the hardest first.

    Of samples that are as hard, the one that comes first in the data.

    Args:
        networks: Of each, its wrong answers by position of the sample.
    """
    found: dict[int, Counter[int]] = {}
    for wrong in networks:
        for position, answer in wrong.items():
            found.setdefault(position, Counter())[answer] += 1
    return dict(sorted(found.items(), key=lambda item: (-item[1].total(), item[0])))
