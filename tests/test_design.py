import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.anova import AnovaRM

from bench.statistics.basics import Bools, Floats
from bench.statistics.design import CELLS, QUESTIONS, effects

SAMPLES = 100


def with_right_answers(counts: dict[tuple[str, str], list[int]]) -> dict[tuple[str, str], Bools]:
    """Networks that get so many samples right, by seed: the first so many."""
    return {
        cell: np.arange(SAMPLES) < np.array(by_seed)[:, None] for cell, by_seed in counts.items()
    }


def random_design(seeds: int) -> dict[tuple[str, str], Bools]:
    rng = np.random.default_rng(1)
    luck = rng.normal(0, 0.05, (seeds, 1))
    return {cell: rng.random((seeds, 200)) < 0.8 + luck for cell in CELLS}


def differences(correct: dict[tuple[str, str], Bools]) -> dict[str, float]:
    return {effect.question.name: effect.comparison.difference for effect in effects(correct)}


def test_main_effects_are_averaged_over_the_other_factor() -> None:
    # Percent right: sigmoid 60 and 70, ReLU 80 and 86, tanh 76 and 82 (average, max pooling).
    found = differences(
        with_right_answers(
            {
                ("sigmoid", "avg"): [60],
                ("sigmoid", "max"): [70],
                ("relu", "avg"): [80],
                ("relu", "max"): [86],
                ("tanh", "avg"): [76],
                ("tanh", "max"): [82],
            }
        )
    )
    assert found == {
        "ReLU instead of sigmoid, averaged over both poolings": pytest.approx(0.83 - 0.65),
        "tanh instead of sigmoid, averaged over both poolings": pytest.approx(0.79 - 0.65),
        "ReLU instead of tanh, averaged over both poolings": pytest.approx(0.83 - 0.79),
        # (10 + 6 + 6) / 3 points.
        "max instead of average pooling, averaged over the three activations": pytest.approx(
            0.22 / 3
        ),
        # 86 - 70 = 16 with max pooling, 80 - 60 = 20 with average pooling; and so on.
        "the lead of ReLU over sigmoid with max pooling, minus its lead with average pooling": (
            pytest.approx(-0.04)
        ),
        "the lead of tanh over sigmoid with max pooling, minus its lead with average pooling": (
            pytest.approx(-0.04)
        ),
        "the lead of ReLU over tanh with max pooling, minus its lead with average pooling": (
            pytest.approx(0.0, abs=1e-12)
        ),
    }


def test_every_contrast_is_taken_seed_by_seed() -> None:
    correct = random_design(seeds=6)
    accuracy = {cell: values.mean(axis=1) for cell, values in correct.items()}
    leads: Floats = (
        accuracy["relu", "max"]
        - accuracy["sigmoid", "max"]
        - accuracy["relu", "avg"]
        + accuracy["sigmoid", "avg"]
    )
    expected = scipy_stats.ttest_1samp(leads, 0).confidence_interval()
    effect = next(effect for effect in effects(correct) if effect.question.kind == "interaction")
    assert effect.comparison.seeds is not None
    assert effect.comparison.seeds.low == pytest.approx(expected.low)
    assert effect.comparison.seeds.high == pytest.approx(expected.high)


def test_pooling_effect_is_the_one_of_repeated_measures_anova() -> None:
    correct = random_design(seeds=6)
    table = pd.DataFrame(
        [
            {"seed": seed, "activation": activation, "pooling": pooling, "accuracy": value}
            for (activation, pooling), values in correct.items()
            for seed, value in enumerate(values.mean(axis=1))
        ]
    )
    anova = AnovaRM(table, "accuracy", "seed", within=["activation", "pooling"]).fit().anova_table
    pooling = next(e.comparison for e in effects(correct) if e.question.kind == "pooling")
    # A factor of two levels has F = t^2; the interval reaches a quantile of standard errors.
    assert pooling.seeds is not None
    error = (pooling.seeds.high - pooling.difference) / scipy_stats.t.ppf(0.975, 5)
    t = pooling.difference / error
    assert t**2 == pytest.approx(anova.loc["pooling", "F Value"])


def test_effect_that_every_seed_and_sample_shows_is_better() -> None:
    correct = random_design(seeds=6)
    worst = np.random.default_rng(2).random((2, 6, 200)) < 0.3
    correct["sigmoid", "avg"], correct["sigmoid", "max"] = worst
    verdicts = {effect.question.name: effect.comparison.verdict for effect in effects(correct)}
    assert verdicts["ReLU instead of sigmoid, averaged over both poolings"] == "better"
    assert verdicts["tanh instead of sigmoid, averaged over both poolings"] == "better"
    assert list(verdicts.values()).count("inconclusive") == len(QUESTIONS) - 2


def test_contrasts_weigh_nothing_but_differences() -> None:
    assert [question.kind for question in QUESTIONS] == [
        *["activation"] * 3,
        "pooling",
        *["interaction"] * 3,
    ]
    for question in QUESTIONS:
        assert sum(question.weights) == pytest.approx(0)


def test_incomplete_design_names_what_it_lacks() -> None:
    correct = random_design(seeds=2)
    del correct["tanh", "max"]
    with pytest.raises(ValueError, match="the design lacks tanh-max; it needs all 6"):
        effects(correct)


def test_networks_of_different_shapes_are_refused() -> None:
    correct = random_design(seeds=2)
    correct["tanh", "max"] = correct["tanh", "max"][:1]
    with pytest.raises(ValueError, match="differ in shape"):
        effects(correct)


def test_questions_are_one_family_in_which_the_primary_one_may_have_half() -> None:
    # The least p first: seven may all be true, so 7 p; as the primary one it has half, so 2 p;
    # and of two families each has half of that.
    correct = random_design(seeds=6)
    correct["sigmoid", "avg"] = correct["sigmoid", "max"] = (
        np.random.default_rng(2).random((6, 200)) < 0.3
    )
    first, *_ = effects(correct)
    p = first.comparison.p
    assert p is not None
    assert first.comparison.adjusted_p == pytest.approx(7 * p)
    for times, asked in ((2, {"is_primary": True}), (4, {"is_primary": True, "families": 2})):
        shared, *_ = effects(correct, **asked)
        assert shared.comparison.adjusted_p == pytest.approx(times * p)
