from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import zoo
from bench.cells import data
from bench.cells.common_recipe import (
    COMMON,
    SWEEP_RATES,
    best_for,
    common_recipe,
    read_outcome,
    winner,
)
from bench.cells.fitting import image_models, twins
from bench.statistics.design import MODELS
from zoo.spec import MNIST_STATISTICS


@pytest.mark.parametrize("dataset", COMMON)
def test_the_common_recipe_is_the_candidate_with_the_best_mean_validation_accuracy(
    dataset: str,
) -> None:
    outcome = pd.read_csv(Path(data.__file__).with_name(f"common-{dataset}.csv"))
    means = outcome.groupby(["learning_rate", "schedule"])["validation_accuracy"].mean()
    assert len(means) == 10
    chosen = COMMON[dataset]
    assert means.idxmax() == (chosen.learning_rate, chosen.schedule)
    assert winner(read_outcome(dataset)).settings == chosen


@pytest.mark.parametrize("dataset", COMMON)
def test_the_sweeps_rates_span_the_best_rate_of_every_network_of_the_design(dataset: str) -> None:
    rates, outcome = SWEEP_RATES[dataset], read_outcome(dataset)
    assert COMMON[dataset].learning_rate in rates
    tried = twins(image_models())  # equal networks under the first one's name
    for model in MODELS:
        name = next(first for first, others in tried.items() if model in (first, *others))
        best = best_for(outcome, name, COMMON[dataset].schedule).settings.learning_rate
        assert rates[0] <= best <= rates[-1], model


@pytest.mark.parametrize("dataset", COMMON)
def test_models_share_everything_of_the_common_recipe_but_loss_and_statistics(dataset: str) -> None:
    recipes = {
        replace(common_recipe(zoo.get(name), dataset), loss="nll", normalisation=MNIST_STATISTICS)
        for name in zoo.names()
    }
    assert len(recipes) == 1


def test_data_sets_without_a_choice_of_their_own_take_the_recipe_of_digits() -> None:
    lenet = zoo.get("lenet")
    assert common_recipe(lenet, "pictures:somewhere") == common_recipe(lenet, "digits")


def test_settings_leave_out_defaults_so_that_a_new_one_changes_no_recipe() -> None:
    recipe = common_recipe(zoo.get("lenet"))
    assert recipe.settings["schedule"] == "linear"
    assert "schedule" not in replace(recipe, schedule="constant").settings
    assert recipe.settings["train_batch"] == recipe.train_batch
