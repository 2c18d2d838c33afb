"""Time to accuracy: first crossings, misses, the same bits as training, and the page."""

from __future__ import annotations

import csv
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import zoo
from bench.cells import data, splits
from bench.cells.determinism import deterministic
from bench.cells.fast_recipe import FAST, Candidate, Settings, fast_recipe, read_outcome, winner
from bench.cells.plan import Cell
from bench.cells.train import train
from bench.records import kinds
from bench.records.kinds import AccuracyPoint
from bench.records.store import Store, of_kind
from bench.time_to_accuracy import __main__ as command
from bench.time_to_accuracy import run as race
from bench.time_to_accuracy.crossings import crossing, first_at
from bench.time_to_accuracy.page import write_page
from bench.time_to_accuracy.watch import Clocks, Untested, Watched, stops_of
from bench.time_to_accuracy.watch import run as run_watched
from tests.factories import MACHINE
from tests.test_data import write_idx
from zoo import ModelSpec, Recipe
from zoo.spec import MNIST_STATISTICS, Optimiser


def point(samples: int, validation: float, test: float = 0.5) -> AccuracyPoint:
    """A point a thousandth of its samples late, 1 s more when warm and 5 s more when cold."""
    steady = samples / 1_000
    return AccuracyPoint(samples, steady, steady + 1, steady + 5, validation, test)


def test_a_target_is_reached_at_the_first_point_that_has_it_whatever_comes_after() -> None:
    points = [point(100, 0.90), point(200, 0.97), point(300, 0.96), point(400, 0.99)]
    assert first_at(points, 0.97) == points[1]
    assert first_at(points, 0.98) == points[3]
    assert first_at(points, 0.995) is None
    assert first_at([], 0.97) is None


def test_a_miss_is_infinitely_late_in_the_median_and_no_part_of_the_test_accuracy() -> None:
    early, late, never = (
        [point(1_000, 0.98, test=0.981)],
        [point(1_000, 0.90), point(3_000, 0.98, test=0.979)],
        [point(1_000, 0.90), point(3_000, 0.95, test=0.2)],
    )
    found = crossing([late, never, early], 0.98)
    # In order: 1,000, 3,000 and infinity.
    assert (found.reached, found.seeds, found.samples) == (2, 3, 3_000)
    assert (found.steady, found.warm, found.cold) == (3.0, 4.0, 8.0)
    assert found.test == pytest.approx((0.981 + 0.979) / 2)


def test_a_network_that_half_of_its_seeds_miss_has_no_finite_time() -> None:
    there, missed = [point(1_000, 0.98)], [point(1_000, 0.5)]
    half = crossing([there, missed], 0.98)
    assert (half.reached, half.steady) == (1, math.inf)
    none = crossing([missed, []], 0.98)
    assert (none.reached, none.samples, none.test) == (0, math.inf, None)


def test_clocks_stand_still_together_and_the_first_step_counts_like_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clocks = Clocks(process=90.0, ready=97.0)
    clocks.first_step_done()
    now = 102.0
    # Four more steps in 2 s: five at that pace take 2.5 s.
    assert clocks.point(5, 320) == (320, 2.5, 5.0, 12.0)
    clocks.paused += 10.0
    now = 114.0  # four more steps in 2 s, after 10 s of evaluation
    assert clocks.point(9, 576) == (576, 4.5, 7.0, 14.0)


def test_the_clocks_stand_still_about_eight_times_an_epoch_and_at_its_end() -> None:
    assert sorted(stops_of(16)) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert sorted(stops_of(3)) == [1, 2, 3]
    assert len(stops_of(860)) == 8
    assert max(stops_of(860)) == 860


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits", data_root=Path("nowhere"), seed=0)


def watched(spec: ModelSpec, recipe: Recipe, split: splits.Split) -> Watched:
    with deterministic():
        training = Untested(spec, recipe, split, seed=1, device="cpu")
        return run_watched(training, Clocks(process=time.monotonic(), ready=time.monotonic()))


@pytest.mark.parametrize("model", ["lenet", "net"])  # `net` has dropout
def test_a_run_that_is_looked_at_ends_in_the_weights_of_one_that_is_not(
    model: str, digits: data.Dataset
) -> None:
    spec = zoo.get(model)
    recipe = replace(fast_recipe(spec), epochs=2)
    split = splits.view(digits, spec, recipe)
    plain = train(spec, recipe, split, seed=1, device="cpu")
    found = watched(spec, recipe, split)
    assert found.weights_sha256 == plain.weights_sha256
    last = found.points[-1]
    assert last.samples == 2 * 1_149
    assert last.test_accuracy == plain.test_accuracy
    assert last.validation_accuracy == plain.validation_accuracy
    times = [(p.samples, p.steady_seconds, p.warm_seconds, p.cold_seconds) for p in found.points]
    assert times == sorted(times)
    assert all(steady > 0 and 0 < warm <= cold for _, steady, warm, cold in times)


def test_a_run_whose_loss_is_no_number_is_a_miss_with_its_reason(digits: data.Dataset) -> None:
    spec = zoo.get("lenet")
    fast = fast_recipe(spec)
    recipe = replace(fast, optimiser=Optimiser(name="sgd", learning_rate=1e20))
    found = watched(spec, recipe, splits.view(digits, spec, recipe))
    assert found.weights_sha256 is None
    assert found.error is not None
    assert found.error.startswith("diverged: the loss is nan after ")
    assert crossing([found.points], 0.97).reached == 0


def test_the_fast_recipe_is_the_candidate_that_the_rule_chooses() -> None:
    assert winner(read_outcome()).settings == FAST


def candidate(batch: int, mean: float, seconds: float) -> Candidate:
    settings = Settings(batch=batch, learning_rate=0.003, epochs=2)
    return Candidate(settings=settings, mean=mean, lowest=mean, seconds=seconds)


def test_the_rule_takes_least_time_of_those_that_reach_99_then_most_accuracy() -> None:
    soon, sooner, level, short = (
        candidate(1, 0.995, 9.0),
        candidate(2, 0.990, 8.0),
        candidate(3, 0.991, 8.0),
        candidate(4, 0.989, 1.0),
    )
    assert winner([soon, sooner, level, short]) is level
    assert winner([soon, sooner, short]) is sooner
    assert winner([short, candidate(5, 0.98, 0.5)]) is short


def test_models_share_everything_of_the_fast_recipe_but_loss_and_statistics() -> None:
    recipes = {
        replace(fast_recipe(zoo.get(name)), loss="nll", normalisation=MNIST_STATISTICS)
        for name in zoo.names()
    }
    assert len(recipes) == 1
    (recipe,) = recipes
    assert (recipe.schedule, recipe.holds_out_validation) == ("linear", True)


@pytest.fixture
def tiny_mnist(tmp_path: Path) -> Path:
    write_idx(tmp_path, train=960, test=40)
    return tmp_path


MODELS = "lenet5-relu-max,lenet,cnn-100"


def ask(reports: Path, root: Path, *more: str, models: str = f"{MODELS},dnn") -> int:
    return command.main(
        [
            *("--models", models, "--devices", "cpu"),
            *("--reports", str(reports), "--data-root", str(root), *more),
        ]
    )


def test_runs_have_processes_of_their_own_and_are_not_repeated(
    tiny_mnist: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reports = tmp_path / "reports"
    assert ask(reports, tiny_mnist, "--seeds", "1", models=MODELS) == 0
    folder = reports / "time-to-accuracy-cpu"
    store = Store(folder)
    first = of_kind(store.read(), kinds.TimeToAccuracy)
    # The twin of `lenet` comes first in the request, and three digits are another task.
    assert [(run.model, run.twins) for run in first] == [("lenet5-relu-max", ("lenet",))]
    for run in first:
        assert (run.status, run.error, run.train_samples) == ("ok", None, 880)
        assert run.points[-1].samples == FAST.epochs * 880
        # A process that starts, imports torch and reads files needs a second or so.
        assert all(p.cold_seconds > p.warm_seconds + 0.3 for p in run.points)
    page = (folder / "report.md").read_text()
    assert "'cnn-100' tells 3 digits apart" in page
    assert "`lenet5-relu-max` is the same network as `lenet`" in page
    assert (folder / "figures" / "validation-error.svg").is_file()
    other = Watched(points=(point(880, 0.5),), weights_sha256="bits", error=None)
    monkeypatch.setattr(race, "_watch_alone", lambda *_: other)
    assert ask(reports, tiny_mnist, "--seeds", "2", models=MODELS) == 0
    second = of_kind(store.read(), kinds.TimeToAccuracy)
    assert second[:1] == first
    assert [run.seed for run in second] == [1, 2]
    assert capsys.readouterr().out.count("report.md") == 2


def test_a_run_that_raises_is_a_miss_and_is_tried_again(
    tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(cell: Cell, _: Path) -> Watched:
        if broken and cell.model == "dnn":
            raise MemoryError("no room")
        return Watched(points=(point(2_640, 0.991, 0.992),), weights_sha256="bits", error=None)

    monkeypatch.setattr(race, "_watch_alone", alone)
    broken, reports = True, tmp_path / "reports"
    assert ask(reports, tiny_mnist, "--seeds", "1") == 1
    page = (reports / "time-to-accuracy-cpu" / "report.md").read_text()
    assert "dnn seed 1: MemoryError: no room" in page
    assert "No seed reaches it: `dnn`." in page
    broken = False
    assert ask(reports, tiny_mnist, "--seeds", "1") == 0
    page = (reports / "time-to-accuracy-cpu" / "report.md").read_text()
    assert "MemoryError" not in page


def record(model: str, seed: int, *points: AccuracyPoint, **more: Any) -> kinds.TimeToAccuracy:
    return kinds.TimeToAccuracy(
        key=f"{model} {seed}",
        experiment=kinds.TIME_TO_ACCURACY,
        model=model,
        twins=("cnn",) if model == "lenet" else (),
        seed=seed,
        device="cpu",
        recipe=fast_recipe(zoo.get(model)),
        train_samples=55_000,
        status="ok",
        points=points,
        **more,
    )


def test_the_page_says_what_the_records_say(tmp_path: Path) -> None:
    folder = tmp_path / "time-to-accuracy-cpu"
    store = Store(folder)
    made = (
        # To 99%: 7, 9 and 8 s; steady 8, warm 9, cold 13. At the end 99.0, 99.1 and 99.2%.
        record("lenet", 1, point(5_000, 0.975), point(7_000, 0.99, 0.99)),
        record("lenet", 2, point(5_000, 0.975), point(9_000, 0.992, 0.991)),
        record("lenet", 3, point(5_000, 0.975), point(8_000, 0.991, 0.992)),
        # To 97%: 2 s, never, 4 s.
        record("dnn", 1, point(2_000, 0.97, 0.971)),
        record("dnn", 2, error="diverged: the loss is nan after 64 samples"),
        record("dnn", 3, point(4_000, 0.98, 0.981)),
    )
    for item in made:
        store.append(item)
    store.append(record("net", 1, point(1_000, 0.999)))  # of another race: not asked for
    store.append(
        kinds.AccuracyRace(
            key="race",
            experiment=kinds.ACCURACY_RACE,
            device="cpu",
            seeds=(1, 2, 3),
            left_out=(),
            command="python -m bench.time_to_accuracy --seeds 3",
            dataset_sizes=(55_000, 5_000, 10_000),
            environment=MACHINE,
            keys=tuple(item.key for item in made),
        )
    )
    write_page(folder)
    page = " ".join((folder / "report.md").read_text().split())
    assert page.startswith(
        "# `lenet` reaches 99% on MNIST after 8.0 s of training on one CPU thread"
    )
    assert "2 networks of the zoo under one recipe, 3 seeds each, on one CPU thread." in page
    assert "What is done once adds 1.00 s in a process" in page
    assert "and 5.0 s in one that has just been started" in page
    assert "97%: 2 of 2 networks reach it with most of their seeds, first `dnn` with 4.0 s." in page
    assert "| `dnn` | 4.0 | missed | missed | missed |" in page
    assert "| `dnn` | 2 of 3 | 4,000 | 4.0 | 5.0 | 9.0 | 97.60% |" in page
    assert "98%: 1 of 2 networks reach it with most of their seeds" in page
    assert "| `dnn` | 1 of 3 | missed | missed | missed | missed | 98.10% |" in page
    assert "No seed reaches it: `dnn`." in page
    assert "| published | laptop, GeForce GTX 1660 Ti | 0.762 | 99.04% |" in page
    assert "| `lenet`, whole recipe | one CPU thread | 8.0 | 99.10% |" in page
    assert "10 times as long" in page  # 8 / 0.762 is 10.5
    assert "dnn seed 2: diverged: the loss is nan after 64 samples" in page
    assert "`lenet` is the same network as `cnn`" in page
    assert "net " not in page.replace("lenet", "")
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert len(rows) == 4 * 2
    assert (rows[0]["model"], rows[0]["steady"], rows[2]["steady"]) == ("dnn", "4.0", "inf")
