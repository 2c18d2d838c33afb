"""`python -m studies.fold_errors`: does testing every picture once, by five folds, keep its word?

The 1,797 digits are split once: 1,437 pictures to learn from, 360 to be tested on. With five folds,
seed s is tested on fold (s - 1) mod 5 and learns from the other four, so that every picture is a
test picture, and the standard error over pictures is smaller. But the five training sets overlap,
and the spread within a fold says nothing of what another training set would do (Nadeau and Bengio
2003, Machine Learning 52:239-281; Bengio and Grandvalet 2004, JMLR 5:1089-1105).

So pairs of quick learners are compared on many fresh sets of 1,797 pictures, drawn from MNIST's
70,000, by both designs, with 20 seeds each. What is true is a pair's mean difference over all sets.
A false verdict is an interval of 95% that does not hold it. Takes minutes; needs MNIST.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from bench.cells.data import load
from bench.statistics.basics import Bools, Floats, student_quantile
from bench.statistics.error_rates import FOLD_ERRORS, FoldErrors
from studies.results import upper_bound, write

SETS, PICTURES, FOLDS, SEEDS = 400, 1_797, 5, 20
Labels = NDArray[np.int64]
# Learns from pictures (n, pixels) and labels (n,), and answers other pictures (m, pixels).
Learner = Callable[[np.random.Generator, Floats, Labels, Floats], Labels]


def features(count: int, pictures: int | None = None) -> Learner:
    """Ridge regression on random features, as one hidden layer that stays as it was drawn.

    Args:
        count: Features.
        pictures: Learns from the first so many only; None takes all.
    """

    def answers(rng: np.random.Generator, train: Floats, labels: Labels, test: Floats) -> Labels:
        weights = rng.standard_normal((train.shape[1], count)) / train.shape[1] ** 0.5
        offsets = rng.standard_normal(count) / 10

        def hidden(pixels: Floats) -> Floats:
            positive: Floats = np.maximum(pixels @ weights + offsets, 0)
            return positive

        known, classes = hidden(train[:pictures]), np.eye(10)[labels[:pictures]]
        ridge = known.T @ known + 0.1 * np.eye(count)
        found: Labels = (hidden(test) @ np.linalg.solve(ridge, known.T @ classes)).argmax(axis=1)
        return found

    return answers


def nearest(rng: np.random.Generator, train: Floats, labels: Labels, test: Floats) -> Labels:
    """The label of the nearest picture in a random half of those to learn from."""
    half = rng.permutation(len(train))[: len(train) // 2]
    squares = (train[half] ** 2).sum(axis=1) - 2 * test @ train[half].T
    found: Labels = labels[half][squares.argmin(axis=1)]
    return found


BASELINE = features(200)
PAIRS: Mapping[str, Learner] = {
    "250 features": features(250),
    "nearest picture": nearest,
    "200 features, from 60 pictures": features(200, pictures=60),
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a design says of a pair on one set: a difference, and how far off it may be."""

    mean: float
    size: float
    half: float


def main() -> int:
    """Compares, writes the result and prints it."""
    root = Path(os.environ.get("BENCH_DATA_ROOT", "data"))
    write(FOLD_ERRORS, FoldErrors, compare_designs(*pictures(root)))
    return 0


def pictures(root: Path) -> tuple[Floats, Labels]:
    """MNIST's 70,000 pictures at half their side, (70000, 196), and their labels."""
    mnist = load("mnist", data_root=root, seed=0)
    whole = np.asarray(mnist.samples, dtype=np.float64) / 255
    halved = whole.reshape(len(whole), 14, 2, 14, 2).mean(axis=(2, 4))
    return halved.reshape(len(whole), -1), np.asarray(mnist.labels, dtype=np.int64)


def compare_designs(samples: Floats, labels: Labels, sets: int = SETS) -> Iterator[FoldErrors]:
    """A row for every pair of learners.

    Args:
        samples: (pictures, pixels).
        labels: (pictures,).
        sets: How many sets are drawn.
    """
    found: dict[str, list[tuple[Found, Found]]] = {name: [] for name in PAIRS}
    for number in range(sets):
        rng = np.random.default_rng([number])
        drawn = rng.choice(len(samples), PICTURES, replace=False)
        for name, designs in on_one_set(rng, samples[drawn], labels[drawn]).items():
            found[name].append(designs)
    for name, of_sets in found.items():
        fixed, folds = ([designs[place] for designs in of_sets] for place in (0, 1))
        true = float(np.mean([one.mean for one in folds]))
        yield FoldErrors(
            learner=name,
            sets=sets,
            difference=round(true, 5),
            fixed_error=round(float(np.median([one.size for one in fixed])), 5),
            fold_error=round(float(np.median([one.size for one in folds])), 5),
            fixed_false=(fixed_false := _false(fixed, true)) / sets,
            fixed_upper=round(upper_bound(fixed_false, sets), 5),
            fold_false=(fold_false := _false(folds, true)) / sets,
            fold_upper=round(upper_bound(fold_false, sets), 5),
        )


def _false(found: list[Found], true: float) -> int:
    return sum(abs(one.mean - true) > one.half for one in found)


def on_one_set(
    rng: np.random.Generator, samples: Floats, labels: Labels
) -> dict[str, tuple[Found, Found]]:
    """By learner, what the fixed split and what the folds say on a set."""
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(samples, labels))
    # The fixed split is the first fold with all seeds; the other folds have every fifth seed.
    seeds = [SEEDS, *[SEEDS // FOLDS] * (FOLDS - 1)]
    right: dict[str, list[Bools]] = {name: [] for name in ("", *PAIRS)}
    for (train, test), runs in zip(folds, seeds, strict=True):
        for name, learner in (("", BASELINE), *PAIRS.items()):
            answers = [
                learner(rng, samples[train], labels[train], samples[test]) for _ in range(runs)
            ]
            right[name].append(np.array(answers) == labels[test])
    return {name: _both(right[name], right[""]) for name in PAIRS}


def _both(ours: list[Bools], theirs: list[Bools]) -> tuple[Found, Found]:
    differences = [a.astype(float) - b for a, b in zip(ours, theirs, strict=True)]
    few = [values[: SEEDS // FOLDS] for values in differences]
    return pooled(differences[:1]), pooled(few)


def pooled(folds: list[Floats]) -> Found:
    """The mean over folds, each with seeds and pictures of its own.

    The mean squares of seeds, pictures and residual are pooled over the folds; the variance and its
    degrees of freedom follow as for one table (`bench.statistics.uncertainty.crossed`).

    Args:
        folds: Of each, (seeds, pictures), differences of right answers.
    """
    squares, freedoms = np.sum([_squares(values) for values in folds], axis=0)
    seeds, samples, residual = mean_squares = squares / freedoms
    parts = np.array([max(seeds - residual, 0), max(samples - residual, 0), residual])
    cells = np.mean([values.size for values in folds])
    size = float((parts.sum() / cells / len(folds)) ** 0.5)
    half = 0.0
    if size:
        together = parts.sum() ** 2 / (mean_squares**2 / freedoms).sum()  # Satterthwaite
        half = float(student_quantile(np.asarray(together)) * size)
    mean = float(np.mean([values.mean() for values in folds]))
    return Found(mean=mean, size=size, half=half)


def _squares(values: Floats) -> Floats:
    """(2, 3), sums of squares and degrees of freedom of seeds, pictures and residual."""
    seeds, samples = values.shape
    mean = values.mean()
    of_seeds = samples * ((values.mean(axis=1) - mean) ** 2).sum()
    of_samples = seeds * ((values.mean(axis=0) - mean) ** 2).sum()
    rest = ((values - mean) ** 2).sum() - of_seeds - of_samples
    free = (seeds - 1.0, samples - 1.0, (seeds - 1.0) * (samples - 1.0))
    return np.array([[of_seeds, of_samples, rest], free])


if __name__ == "__main__":
    raise SystemExit(main())
