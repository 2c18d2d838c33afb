"""Answers that need no network, for every accuracy of a report to be held against.

Both are fitted to the training samples that the networks have; the test samples play no
part until they are scored. They see pictures in grey at 28x28, whatever side and channels a network
takes, so that they cost seconds and are the same for every network of a ranking.

The logistic regression is scikit-learn's, its penalty at the default (C = 1) and tuned for nothing.
On MNIST's 55,000 training pictures it takes 269 steps, 51 seconds of one slow core, and gets 92.6%
of the test pictures right; with ten times the tolerance 41 steps, 8 seconds and 92.2%, which would
flatter the networks. On digits it takes 202 steps, in a second.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cells.arrays import Integers
from bench.cells.data import Dataset
from bench.cells.splits import Split, view
from zoo import ModelSpec, Recipe
from zoo.layers import Flatten, Linear

MAJORITY_CLASS = "largest class"
LOGISTIC_REGRESSION = "logistic regression"
PICTURE = (1, 28, 28)
TOLERANCE = 1e-4  # the largest entry of the mean loss's gradient at which the fit is done
MOST_STEPS = 5_000


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A reference predictor fitted to training samples and scored on test samples.

    Attributes:
        parameters: Numbers that were fitted; None where there are no weights.
        test_accuracy: Fraction of test samples right.
        misclassified: Wrong test samples: index among the test samples, class answered.
    """

    parameters: int | None
    test_accuracy: float
    misclassified: tuple[tuple[int, int], ...]


def fit(name: str, split: Split) -> Fitted:
    """A reference predictor's score on a split; the same bits every time.

    Args:
        name: One of `NAMES`.
        split: Pictures as uint8, or rows of floats; validation samples are left alone.

    Raises:
        ConvergenceWarning: The logistic regression was not done after `MOST_STEPS` steps.
        ValueError: The logistic regression's training samples are all of one class.
    """
    inputs, labels = split.part("train")
    test_inputs, test_labels = split.part("test")
    predictions, parameters = _PREDICTORS[name](inputs, labels, test_inputs)
    right = predictions == test_labels
    return Fitted(
        parameters=parameters,
        test_accuracy=float(np.mean(right)),
        misclassified=tuple(
            (int(index), int(predictions[index])) for index in (~right).nonzero()[0]
        ),
    )


def reference_view(dataset: Dataset, spec: ModelSpec, recipe: Recipe) -> Split:
    """What they see of a data set: a model's samples and classes, pictures at 28x28."""
    if not spec.takes_images:
        return view(dataset, spec, recipe)
    layers = (Flatten(), Linear(math.prod(PICTURE), spec.classes))
    return view(dataset, replace(spec, input_shape=PICTURE, layers=layers), recipe)


def _answer_largest_class(
    inputs: NDArray[Any],  # noqa: ARG001 - it does not look at the samples
    labels: Integers,
    test_inputs: NDArray[Any],
) -> tuple[Integers, None]:
    """The most frequent training label for every test sample; of several the lowest."""
    return np.full(len(test_inputs), np.bincount(labels).argmax()), None


def _regress(
    inputs: NDArray[Any], labels: Integers, test_inputs: NDArray[Any]
) -> tuple[Integers, int]:
    """The classes that a logistic regression predicts, and its number of parameters."""
    # Not at the top: importing them takes longer than all other imports of a report.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # One thread: how many there are decides the order of sums, and with it the last bits.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = LogisticRegression(tol=TOLERANCE, max_iter=MOST_STEPS)
        model.fit(_flat(inputs), labels)
        predictions: Integers = model.predict(_flat(test_inputs))
    return predictions, model.coef_.size + model.intercept_.size


def _flat(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """One row per sample, (N, features); pixels between 0 and 1."""
    rows: NDArray[np.float64] = inputs.reshape(len(inputs), -1).astype(np.float64)
    if inputs.dtype == np.uint8:
        rows /= 255
    return rows


_Predictor = Callable[[NDArray[Any], Integers, NDArray[Any]], tuple[Integers, int | None]]
_PREDICTORS: Mapping[str, _Predictor] = {
    MAJORITY_CLASS: _answer_largest_class,
    LOGISTIC_REGRESSION: _regress,
}
NAMES = tuple(_PREDICTORS)
