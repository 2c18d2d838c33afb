"""`python -m bench.choose`: repeats the choice of the common recipe and writes `common.csv`.

Every candidate trains every image model of the zoo on `digits`. The candidate with the highest
mean accuracy on the held-out validation samples wins; the test split plays no part.
"""

from __future__ import annotations

from pathlib import Path

import zoo
from bench.cells import machine
from bench.cells.catalogue import why_not
from bench.cells.common_recipe import CANDIDATES, OUTCOME, SEEDS, common_recipe
from bench.cells.data import load
from bench.cells.splits import view
from bench.cli.parser import Parser, command
from zoo.spec import Optimiser


@command("bench.choose")
def main(arguments: list[str] | None) -> int:
    """Trains all candidates, writes the outcome and prints it."""
    Parser("bench.choose", __doc__).parse_args(arguments)
    import pandas as pd
    from joblib import Parallel, delayed

    specs = [zoo.get(name) for name in zoo.names()]
    models = [
        spec.name for spec in specs if why_not(spec, "digits") is None and "heavy" not in spec.tags
    ]
    runs = [
        (optimiser, model, seed) for optimiser in CANDIDATES for model in models for seed in SEEDS
    ]
    accuracies = Parallel(n_jobs=machine.cores(), verbose=5)(
        delayed(_validation_accuracy)(*run) for run in runs
    )
    table = pd.DataFrame(
        [
            {"optimiser": str(optimiser), "model": model, "accuracy": accuracy}
            for (optimiser, model, _), accuracy in zip(runs, accuracies, strict=True)
        ]
    )
    per_model = table.groupby(["optimiser", "model"], sort=False)["accuracy"].mean().unstack()
    outcome = pd.DataFrame(
        {
            "validation_accuracy_mean": per_model.mean(axis=1).round(5),
            "lowest_model_mean": per_model.min(axis=1).round(5),
            "lowest_model": per_model.idxmin(axis=1),
        }
    )
    outcome.to_csv(OUTCOME)
    print(outcome)
    return 0


def _validation_accuracy(optimiser: Optimiser, model: str, seed: int) -> float:
    from bench.cells.train import train

    spec = zoo.get(model)
    recipe = common_recipe(spec, optimiser)
    split = view(load("digits", data_root=Path(), seed=seed), spec, recipe)
    accuracy = train(spec, recipe, split, seed=seed, device="cpu").validation_accuracy
    assert accuracy is not None  # digits has validation samples and the recipe holds them out
    return accuracy


if __name__ == "__main__":
    raise SystemExit(main())
