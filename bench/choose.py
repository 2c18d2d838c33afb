"""`python -m bench.choose`: repeats the choice of a recipe and writes its candidates.

`digits` and `mnist` train every candidate of the common recipe on every image network of the zoo
on that data set; the highest mean accuracy wins. `fast` trains every candidate on `lenet` on MNIST;
the least time to 99% wins. `counting` trains both networks of the counting exercise at every rate;
each takes the rate with the highest accuracy. All look at held-out validation samples; the test
split plays no part. What is trained is kept, so that a choice that was interrupted goes on where it
stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zoo
from bench.cells import common_recipe, counting_recipe, fast_recipe, machine
from bench.cells.data import Datasets
from bench.cells.fitting import image_models, twins
from bench.cells.jobs import make_jobs
from bench.cells.places import run_jobs
from bench.cells.plan import Cell
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_jobs, add_reports, command
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind
from zoo import ModelSpec, Recipe

if TYPE_CHECKING:
    import pandas as pd

FAST, COUNTING = "fast", "counting"


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Where a choice reads its data and keeps what it trained.

    Attributes:
        recipe: The choice, by name.
        datasets: Where data are read.
        kept: The folder for stored views of the data and for records.
        side_by_side: How many networks to train at a time.
    """

    recipe: str
    datasets: Datasets
    kept: Path
    side_by_side: int

    def run(
        self, dataset: str, recipe_name: str, asked: Iterable[tuple[ModelSpec, Recipe, int]]
    ) -> list[kinds.Train]:
        """Each training's record; what was kept is not trained again.

        Args:
            dataset: By name.
            recipe_name: Where the recipes come from.
            asked: Networks, each with its recipe and a seed.

        Raises:
            RequestError: A cell failed.
        """
        cells = [
            Cell(
                spec=spec,
                recipe=recipe,
                dataset=dataset,
                recipe_name=recipe_name,
                seed=seed,
                device="cpu",
            )
            for spec, recipe, seed in asked
        ]
        environment = machine.environment()
        jobs = make_jobs(
            cells, self.datasets, splits=self.kept, environment=environment, weights=None
        )
        records = Store(self.kept / f"choice-{self.recipe}")
        waiting = list(records.missing({job.key: job for job in jobs}).values())
        shown = progress.choose(quiet=False)
        try:
            shown.training([job.cell for job in waiting], len(jobs), self.side_by_side)
            for _, record in run_jobs(waiting, self.side_by_side):
                if record.status != "ok":
                    raise RequestError(f"{record} {record.status}: {record.error}")
                records.append(record)
                shown.trained(record)
        finally:
            shown.close()
        found = {record.key: record for record in of_kind(records.read(), kinds.Train)}
        return [found[job.key] for job in jobs]


@command("bench.choose")
def main(arguments: list[str] | None) -> int:
    """Trains all candidates, writes the outcome and prints it."""
    parser = Parser("bench.choose", __doc__)
    parser.add_argument(
        "recipe",
        nargs="?",
        default="digits",
        choices=(*common_recipe.COMMON, FAST, COUNTING),
        help="(digits)",
    )
    add_jobs(parser)
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    trials = Trials(
        recipe=options.recipe,
        datasets=Datasets(options.data_root.resolve()),
        kept=options.reports / ".data",
        side_by_side=options.jobs or machine.cores(),
    )
    if options.recipe == FAST:
        outcome, path = _fast(trials), fast_recipe.OUTCOME
    elif options.recipe == COUNTING:
        outcome, path = _counting(trials), counting_recipe.OUTCOME
    else:
        outcome, path = _common(trials), common_recipe.outcome_path(options.recipe)
    outcome.to_csv(path)
    print(outcome.to_string())
    return 0


def _common(trials: Trials) -> pd.DataFrame:
    """By candidate and network, accuracy and its spread over seeds; equal networks count once."""
    import pandas as pd

    runs = [
        (settings, zoo.get(model), seed)
        for seed in common_recipe.SEEDS[trials.recipe]
        for settings in common_recipe.CANDIDATES
        for model in twins(image_models())
    ]
    asked = [
        (spec, common_recipe.common_recipe(spec, trials.recipe, settings), seed)
        for settings, spec, seed in runs
    ]
    found = trials.run(trials.recipe, "common", asked)
    table = pd.DataFrame(
        [
            {**asdict(settings), "model": spec.name, "accuracy": record.validation_accuracy}
            for (settings, spec, _), record in zip(runs, found, strict=True)
        ]
    )
    accuracy = table.groupby(["learning_rate", "schedule", "model"], sort=False)["accuracy"]
    return pd.DataFrame(
        {"validation_accuracy": accuracy.mean().round(5), "spread": accuracy.std().round(5)}
    )


def _fast(trials: Trials) -> pd.DataFrame:
    """By candidate, accuracy and seconds; the rate has no part in the time of an epoch."""
    import pandas as pd

    spec = zoo.get(fast_recipe.MODEL)
    runs = [(settings, seed) for settings in fast_recipe.CANDIDATES for seed in fast_recipe.SEEDS]
    asked = [(spec, fast_recipe.fast_recipe(spec, settings), seed) for settings, seed in runs]
    found = trials.run("mnist", "fast", asked)
    table = pd.DataFrame(
        [
            {
                **asdict(settings),
                "accuracy": record.validation_accuracy,
                "epoch_seconds": (record.train_seconds or 0.0) / settings.epochs,
            }
            for (settings, _), record in zip(runs, found, strict=True)
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


def _counting(trials: Trials) -> pd.DataFrame:
    """By network and rate, accuracy and the samples until it has learned."""
    import pandas as pd

    runs = [
        (zoo.get(model), rate, seed)
        for model in counting_recipe.MODELS
        for rate in counting_recipe.RATES
        for seed in counting_recipe.SEEDS[model]
    ]
    asked = [(spec, common_recipe.at_rate(spec.recipe, rate), seed) for spec, rate, seed in runs]
    found = trials.run("digits", "document", asked)
    table = pd.DataFrame(
        [
            {
                "model": spec.name,
                "learning_rate": rate,
                "accuracy": record.validation_accuracy,
                "samples": counting_recipe.learned_after(record.test_curve),
            }
            for (spec, rate, _), record in zip(runs, found, strict=True)
        ]
    ).fillna({"samples": float("inf")})
    by_rate = table.groupby(["model", "learning_rate"], sort=False)
    samples = by_rate["samples"].median()
    return pd.DataFrame(
        {
            "validation_accuracy": by_rate["accuracy"].mean().round(5),
            "samples_until_learned": samples.where(samples < float("inf")),
        }
    )


if __name__ == "__main__":
    raise SystemExit(main())
