"""Runs in other programs: what is handed on, and what those programs answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bench import compare
from bench.records import kinds
from bench.records.store import Store
from bench.results.runs import Results, read
from bench.tracking.entries import entries, summary
from bench.tracking.tensorboard import write_events
from tests.boards import board, until
from tests.factories import count_record, failed_record, stored, train_record

# Two points of 100 examples an epoch, then one: the losses of the epochs are the means.
UNEVEN = {
    "training_curve": [(75, 1.0), (100, 3.0), (200, 0.5)],
    "test_curve": [(0, 0, 2.3, 0.1, 0.125), (1, 100, 0.8, 0.9, 0.75), (2, 200, 0.4, 0.97, 0.875)],
}


def results_of(folder: Path, *records: kinds.Train) -> Results:
    """The results of a run that has these records."""
    seeds = tuple(record.seed for record in records)
    count = count_record("lenet", 61_706, 416_520)
    return read(stored(folder, [*records, count], ["lenet"], seeds=seeds))


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return results_of(
        tmp_path / "x", train_record("lenet", 1, 388, **UNEVEN), failed_record("lenet", 2)
    )


def test_a_run_has_its_recipe_what_came_of_it_and_curves_over_epochs(results: Results) -> None:
    entry, failed = entries(results)
    assert (entry.name, entry.key) == ("lenet-cpu-1", "train-lenet-1")
    expected = {
        "model": "lenet",
        "dataset": "digits",
        "seed": 1,
        "parameters": 61_706,
        "macs": 416_520,
        "optimiser.name": "adam",
        "optimiser.learning_rate": 0.003,
        "recipe.train_batch": 32,
        "recipe.epochs": 2,
    }
    assert {name: entry.parameters[name] for name in expected} == expected
    assert entry.metrics["test_accuracy"] == 0.97  # 388 of 400
    assert entry.curves == {
        "loss/train": ((1, 1.5), (2, 0.5)),  # (75 x 1 + 25 x 3) / 100
        "loss/test": ((0, 2.3), (1, 0.8), (2, 0.4)),
        "accuracy/test": ((0, 0.1), (1, 0.9), (2, 0.97)),
        "accuracy/validation": ((0, 0.125), (1, 0.75), (2, 0.875)),
    }
    assert (failed.went_through, failed.curves) == (False, {})
    assert "test_accuracy" not in failed.metrics
    assert summary(results) == {"lenet/cpu/test_accuracy_mean": 0.97}


def test_epochs_that_records_leave_out_and_losses_that_are_no_numbers_have_no_point(
    tmp_path: Path,
) -> None:
    record = train_record(
        "lenet",
        1,
        388,
        # Every second of four epochs was watched, and the last loss was not finite.
        training_curve=[(200, 0.5), (350, 0.25), (400, None)],
        test_curve=[(e, 100 * e, None if e == 4 else 0.5, 0.9, None) for e in range(5)],
    )
    (entry,) = entries(results_of(tmp_path / "x", record))
    assert entry.curves["loss/train"] == ((2, 0.5),)
    assert [epoch for epoch, _ in entry.curves["loss/test"]] == [0, 1, 2, 3]
    assert "accuracy/validation" not in entry.curves


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard's own reader finds of a tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_tensorboards_reader_finds_scalars_and_hyperparameters(
    results: Results, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    folder = write_events(results, tmp_path / "x")
    assert sorted(path.name for path in folder.iterdir()) == ["lenet-cpu-1", "lenet-cpu-2"]
    assert scalars(folder / "lenet-cpu-1", "loss/train") == [(1, 1.5), (2, 0.5)]
    ((_, accuracy),) = scalars(folder / "lenet-cpu-1", "test_accuracy")
    assert accuracy == pytest.approx(0.97)
    events = EventAccumulator(str(folder / "lenet-cpu-1"))
    events.Reload()
    plugin = events.SummaryMetadata(SESSION_START_INFO_TAG).plugin_data.content
    given = HParamsPluginData.FromString(plugin).session_start_info.hparams
    assert given["optimiser.name"].string_value == "adam"
    assert given["recipe.epochs"].number_value == 2


def test_a_run_that_goes_on_has_all_its_points_once(tmp_path: Path) -> None:
    first = train_record("lenet", 1, 388)
    write_events(results_of(tmp_path / "x", first), tmp_path / "x")
    second = train_record("lenet", 2, 384)
    folder = write_events(results_of(tmp_path / "x", first, second), tmp_path / "x")
    assert len(scalars(folder / "lenet-cpu-1", "accuracy/test")) == 3
    assert len(scalars(folder / "lenet-cpu-2", "accuracy/test")) == 3
    assert not (tmp_path / "x" / ".tensorboard").exists()


def compared(tmp_path: Path, *arguments: str) -> int:
    """The exit code of a comparison that trains a small network and times nothing."""
    where = ["--reports", str(tmp_path), "--name", "x", "--devices", "cpu", "--jobs", "1"]
    small = ["--models", "dnn-sums", "--dataset", "sums", "--seeds", "2", "--epochs", "2"]
    return compare.main([*small, *where, "--rounds", "0", *arguments])


def points(folder: Path, seed: int) -> list[tuple[int, float]]:
    """The test accuracies of a record."""
    trained = [r for r in Store(folder).read() if isinstance(r, kinds.Train) and r.seed == seed]
    return [(point.epoch, point.accuracy) for point in trained[-1].test_curve]


@pytest.mark.slow
def test_tensorboard_shows_the_scalars_of_a_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(tmp_path, "--tensorboard") == 0
    folder = tmp_path / "x" / "tensorboard"
    assert f"tensorboard --logdir {folder}" in capsys.readouterr().out
    with board(folder, tmp_path / "log") as ask:
        until(lambda: set(ask("scalars/tags")) == {"dnn-sums-cpu-1", "dnn-sums-cpu-2"})
        for seed in (1, 2):
            run = f"dnn-sums-cpu-{seed}"
            found: list[Any] = ask("scalars/scalars", run=run, tag="accuracy/test")
            expected = points(tmp_path / "x", seed)
            assert [step for _, step, _ in found] == [step for step, _ in expected]
            assert [value for *_, value in found] == pytest.approx([v for _, v in expected])
        shown = ask("hparams/experiment", request="{}")
    first, second, *_ = [info["name"] for info in shown["hparamInfos"]]
    assert (first, second) == ("seed", "dataset")  # what differs, then the others by name
    assert "test_accuracy" in {info["name"]["tag"] for info in shown["metricInfos"]}


def test_without_mlflow_the_report_is_kept_and_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not installed
    assert compared(tmp_path, "--tracker", "mlflow", "--quiet") == 1
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert "mlflow is not installed" in line
    assert "pip install -e '.[mlflow]' and give the same command again" in line
    assert captured.out == f"{tmp_path / 'x' / 'report.md'}\n"
    assert (tmp_path / "x" / "report.md").is_file()


def test_an_unknown_tracker_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, "--tracker", "wandb") == 2
    assert "'wandb'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
