"""What answers without a network get, on the samples of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.cells.data import load
from bench.cells.reference import NAMES, fit, reference_view
from bench.claims.trials import trials


def baselines(data_root: Path, _weights: Path, *, of: str, drawn: int) -> Mapping[str, Any]:
    """By reference predictor its accuracy; on `sums` its wrong test rows, too.

    Args:
        data_root: The folder above `MNIST/raw`.
        of: The trial whose samples are meant.
        drawn: The seed that `sums` is drawn for; 0 for other data.
    """
    trial = trials()[of]
    dataset = load(trial.dataset, data_root=data_root, seed=drawn)
    split = reference_view(dataset, trial.spec, trial.recipe)
    found = {name: fit(name, split) for name in NAMES}
    if trial.dataset != "sums":  # of the others only the accuracy is asked for
        return {name: {"accuracy": fitted.test_accuracy} for name, fitted in found.items()}
    return {
        name: {
            "accuracy": fitted.test_accuracy,
            "misclassified": [list(pair) for pair in fitted.misclassified],
        }
        for name, fitted in found.items()
    }
