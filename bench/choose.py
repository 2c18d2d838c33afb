"""`python -m bench.choose`: repeats the choice of a recipe and writes its candidates.

`digits` trains every candidate of the common recipe on every image network of the zoo on that data
set; the highest mean accuracy wins. `fast` trains every candidate on `lenet` on MNIST; the least
time to 99% wins. Both look at held-out validation samples; the test split plays no part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import zoo
from bench.cells import common_recipe, fast_recipe, machine
from bench.cells.catalogue import image_models, twins
from bench.cells.common_recipe import SEEDS
from bench.cells.data import load
from bench.cells.leftovers import temporary_folder
from bench.cells.parent import end_with
from bench.cells.splits import StoredSplit, open_stored, store, view
from bench.cli.parser import Parser, add_data_root, command
from zoo import Recipe

if TYPE_CHECKING:
    import pandas as pd


@command("bench.choose")
def main(arguments: list[str] | None) -> int:
    """Trains all candidates, writes the outcome and prints it."""
    parser = Parser("bench.choose", __doc__)
    parser.add_argument(
        "recipe",
        nargs="?",
        default="digits",
        choices=(*common_recipe.COMMON, "fast"),
        help="(digits)",
    )
    add_data_root(parser)
    options = parser.parse_args(arguments)
    data_root = options.data_root.resolve()
    if options.recipe == "fast":
        outcome, path = _fast(data_root), fast_recipe.OUTCOME
    else:
        outcome = _common(options.recipe, data_root)
        path = common_recipe.outcome_path(options.recipe)
    outcome.to_csv(path)
    print(outcome.to_string())
    return 0


def _common(dataset: str, data_root: Path) -> pd.DataFrame:
    """By candidate and network, accuracy and its spread over seeds; equal networks count once."""
    import pandas as pd

    runs = [
        (settings, model, seed)
        for settings in common_recipe.CANDIDATES
        for model in twins(image_models())
        for seed in SEEDS
    ]
    found = _train_all(
        [
            (model, common_recipe.common_recipe(zoo.get(model), dataset, settings), seed)
            for settings, model, seed in runs
        ],
        dataset,
        data_root,
    )
    table = pd.DataFrame(
        [
            {**asdict(settings), "model": model, "accuracy": accuracy}
            for (settings, model, _), (accuracy, _) in zip(runs, found, strict=True)
        ]
    )
    accuracy = table.groupby(["learning_rate", "schedule", "model"], sort=False)["accuracy"]
    return pd.DataFrame(
        {"validation_accuracy": accuracy.mean().round(5), "spread": accuracy.std().round(5)}
    )


def _fast(data_root: Path) -> pd.DataFrame:
    """By candidate, accuracy and seconds; the rate has no part in the time of an epoch."""
    import pandas as pd

    spec = zoo.get(fast_recipe.MODEL)
    runs = [(settings, seed) for settings in fast_recipe.CANDIDATES for seed in SEEDS]
    found = _train_all(
        [(spec.name, fast_recipe.fast_recipe(spec, settings), seed) for settings, seed in runs],
        "mnist",
        data_root,
    )
    table = pd.DataFrame(
        [
            {**asdict(settings), "accuracy": accuracy, "epoch_seconds": seconds / settings.epochs}
            for (settings, _), (accuracy, seconds) in zip(runs, found, strict=True)
        ]
    )
    epoch = table.groupby("batch")["epoch_seconds"].median()
    accuracy = table.groupby(["batch", "learning_rate", "epochs"], sort=False)["accuracy"]
    outcome = pd.DataFrame(
        {
            "validation_accuracy_mean": accuracy.mean().round(5),
            "validation_accuracy_lowest": accuracy.min().round(5),
        }
    )
    outcome["seconds"] = [
        round(epochs * epoch[batch], 2) for batch, _, epochs in outcome.index.to_list()
    ]
    return outcome


def _train_all(
    runs: Sequence[tuple[str, Recipe, int]], dataset: str, data_root: Path
) -> list[tuple[float, float]]:
    """Of each model under a recipe with a seed, validation accuracy and seconds of training."""
    from joblib import Parallel, delayed

    data = load(dataset, data_root=data_root, seed=0)
    with temporary_folder() as place:
        # All candidates hold the same samples out, so that a model's are stored once.
        seen = {
            model: store(view(data, zoo.get(model), recipe), Path(place))
            for model, recipe in {model: recipe for model, recipe, _ in runs}.items()
        }
        here = os.getpid()
        found: list[tuple[float, float]] = Parallel(n_jobs=machine.cores(), verbose=5)(
            delayed(_train)(model, recipe, seed, seen[model], here) for model, recipe, seed in runs
        )
    return found


def _train(
    model: str, recipe: Recipe, seed: int, stored: StoredSplit, parent: int
) -> tuple[float, float]:
    end_with(parent)
    from bench.cells.train import train

    trained = train(zoo.get(model), recipe, open_stored(stored), seed=seed, device="cpu")
    # Both data sets have validation samples, and both recipes hold them out.
    assert trained.validation_accuracy is not None
    return trained.validation_accuracy, trained.train_seconds


if __name__ == "__main__":
    raise SystemExit(main())
