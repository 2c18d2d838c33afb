"""The counting exercise: when a network has learned, which rates won, and the words of the page."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

import zoo
from bench.cells.counting_recipe import (
    MODELS,
    RATES,
    SEEDS,
    learned_after,
    read_outcome,
    winner,
)
from bench.counting import page as counting_page
from bench.counting.bars import write_bars
from bench.counting.page import CountingPage, Learning, Quantity, bars, learning_of, time_ratio
from bench.records import kinds
from bench.report.method import Deviation
from bench.statistics.basics import summarise
from bench.writing.markdown import factor
from bench.writing.templates import render
from tests.factories import MACHINE, request_record


def test_a_network_has_learned_at_the_first_test_with_95_percent_of_validation_right() -> None:
    def curve(*validation: float | None) -> list[kinds.TestPoint]:
        return [
            kinds.TestPoint(
                epoch=n, examples_seen=100 * n, loss=1.0, accuracy=0.0, validation_accuracy=right
            )
            for n, right in enumerate(validation)
        ]

    assert learned_after(curve(0.3, 0.94, 0.95, 0.2)) == 200
    assert learned_after(curve(0.3, 0.94)) is None
    assert learned_after(curve(None, None)) is None
    assert learning_of(None, 0.1) == Learning(
        seeds=0, learned=0, samples=None, accuracy=None, learning_rate=0.1
    )


def test_each_network_trains_at_the_rate_that_won_its_choice() -> None:
    candidates = read_outcome()
    assert [(c.model, c.learning_rate) for c in candidates] == [
        (model, rate) for model in MODELS for rate in RATES
    ]
    for model in MODELS:
        chosen = winner(candidates, model)
        assert zoo.get(model).recipe.optimiser.learning_rate == chosen.learning_rate
        assert chosen.accuracy == max(c.accuracy for c in candidates if c.model == model)
        assert not {1, 2, 3, 4, 5} & set(SEEDS[model])


def learning(*accuracies: float, samples: float, rate: float) -> Learning:
    return Learning(
        seeds=len(accuracies),
        learned=len(accuracies),
        samples=samples,
        accuracy=summarise(accuracies),
        learning_rate=rate,
    )


@pytest.fixture
def page() -> CountingPage:
    """Round numbers: 600 times the parameters, 12 times the work, 6 times the time a sample."""
    numbers: dict[str, tuple[float, float]] = {
        "module_parameters": (600_000, 1_000),
        "weight_bytes": (2_400_000, 4_000),
        "macs": (1_200_000, 100_000),
        "peak_memory_bytes": (8 * 2**20, 2 * 2**20),
        "train_samples_per_second": (50.0, 300.0),
        "inference_samples_per_second": (200.0, 1_000.0),
        "samples": (1_000, 4_000),
        "seconds": (20.0, 40.0 / 3),
    }
    found = {name: Quantity(bp=b, cnn=c) for name, (b, c) in numbers.items()}
    return CountingPage(
        request=request_record(
            [], ["bp-100"], recipes={m: zoo.get(m).recipe for m in MODELS}, environment=MACHINE
        ),
        train_samples=400,
        test_samples=100,
        target=0.95,
        rates=RATES,
        majority_class=0.34,
        bp=learning(0.97, samples=1_000, rate=0.01),
        cnn=learning(0.98, 1.0, samples=4_000, rate=0.03),
        quantities=found,
        time_ratios={phase: time_ratio(found, phase) for phase in ("train", "inference")},
        blocks=10,
        block_spread=1.25,
        failures=(),
        figure="a figure",
        counting="",
        deviations=(
            Deviation(models=MODELS, what="pictures of 100x100", reason="inferred"),
            Deviation(models=("cnn-100",), what="kernel 5", reason="lost"),
        ),
    )


def test_the_figure_shows_how_many_times_as_much_and_as_long(page: CountingPage) -> None:
    assert bars(page.quantities) == pytest.approx(
        {
            "parameters": 600,
            "multiply-accumulates": 12,
            "peak memory of a training step": 4,
            "time per training sample": 6,
            "time per sample, inference": 5,
            "samples until it has learned": 0.25,
            "training time until then": 1.5,
        }
    )
    memory = replace(page.quantities["peak_memory_bytes"], bp=None)
    unmeasured = {**page.quantities, "peak_memory_bytes": memory}
    assert "peak memory of a training step" not in bars(unmeasured)


def written(page: CountingPage) -> str:
    return render(Path(counting_page.__file__).parent, "counting", page)


def test_the_words_tell_parameters_work_and_time_apart(page: CountingPage) -> None:
    report = written(page)
    assert "600,000 against 1,000, 600 times as many" in report
    assert "12.0 times as many" in report
    assert "a training step of the BP network takes about 6 times as long" in report
    assert "a forward pass about 5 times" in report
    # 6 times the time for 12 times the work
    assert "for each multiply-accumulate it takes about 0.5 times as long" in report
    assert "the 10 blocks of a measurement took at most 1.25 times as long as its fastest" in report
    assert "would be right in 34.00%" in report
    assert "- `bp-100`, `cnn-100`: pictures of 100x100 (inferred).\n" in report
    assert "- `cnn-100`: kernel 5 (lost).\n" in report


def test_the_words_say_when_each_has_learned_and_how_well(page: CountingPage) -> None:
    report = written(page)
    assert "The BP network has learned after 1,000 training pictures, which take 20.0 s." in report
    assert "The CNN has learned after 4,000 training pictures, which take 13.3 s." in report
    assert "is right on 99.00% of the test pictures (98.00% to 100.00% in 2 runs)" in report
    assert "and the BP network on 97.00% (one run)" in report
    assert "are not needed for this task" in report


def test_a_network_that_has_not_learned_is_said_to_have_not(page: CountingPage) -> None:
    unlearned = {
        name: replace(quantity, cnn=None) if name in ("samples", "seconds") else quantity
        for name, quantity in page.quantities.items()
    }
    low = replace(learning(0.4, 0.5, samples=inf, rate=0.03), learned=0)
    report = written(replace(page, quantities=unlearned, cnn=low))
    assert "The CNN was not right on 95% of the validation pictures at any test of 2 of" in report
    assert "are not needed" not in report


def test_the_figure_is_the_same_bytes_every_time_and_tells_each_ratio(
    page: CountingPage, tmp_path: Path
) -> None:
    found = bars(page.quantities)
    assert write_bars(found, tmp_path / "one") == write_bars(found, tmp_path / "two")
    one, two = ((tmp_path / name / "ratios.svg").read_text() for name in ("one", "two"))
    assert one == two
    for text in (">600<", ">12.0<", ">4.00<", ">6.00<", ">5.00<", ">parameters<"):
        assert text in one


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(662.8, "663"), (1_234.5, "1,234"), (12.09, "12.1"), (5.678, "5.68"), (0.0698, "0.070")],
)
def test_a_ratio_is_written_with_about_three_digits(ratio: float, text: str) -> None:
    assert factor(ratio) == text
    assert factor(None) == "-"
