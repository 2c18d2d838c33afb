"""The counting exercise run for real, with shrunk networks: 200,000 parameters, not 300 million."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from bench import runner
from bench.cells.common_recipe import at_rate
from bench.cells.counting_recipe import (
    MODELS,
)
from bench.counting import __main__ as counting
from bench.records.store import Store
from bench.report.__main__ import main as rebuild
from bench.timing import memory
from bench.timing.memory import needed_bytes
from bench.writing.markdown import factor
from tests.factories import request_record
from zoo import ModelSpec
from zoo.counting import bp, bp_layers, cnn, cnn_layers

SIDE = 16


def shrunk(name: str) -> ModelSpec:
    layers, build = (bp_layers, bp) if name == "bp-100" else (cnn_layers, cnn)
    spec = zoo.get(name)
    return replace(
        spec,
        recipe=at_rate(spec.recipe, 0.3),  # at which the small ones learn within their epochs
        input_shape=(1, SIDE, SIDE),
        layers=layers(SIDE),
        build=partial(remembered, partial(build, SIDE)),
    )


BUILT: list[weakref.ref[nn.Module]] = []


def remembered(build: Callable[[], nn.Module]) -> nn.Module:
    network = build()
    if all(parameter.is_meta for parameter in network.parameters()):
        return network  # to be counted, without memory
    assert [earlier() for earlier in BUILT if earlier() is not None] == []
    BUILT.append(weakref.ref(network))
    return network


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Shrunk networks under the names of the real ones, and measured in two rounds."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name in MODELS:
            stack.enter_context(zoo.temporary(shrunk(name)))
        patch.setattr("bench.timing.workloads.HEAVY_ROUNDS", 2)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the command leaves."""
    reports = tmp_path_factory.mktemp("reports")
    BUILT.clear()
    gc.disable()  # so that what is found does not depend on when the collector runs
    try:
        assert counting.main(["--reports", str(reports)]) == 0
    finally:
        gc.enable()
    return reports / "local-counting"


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind]


def row(report: str, what: str) -> list[str]:
    (line,) = (line for line in report.splitlines() if line.startswith(f"| {what} "))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_a_run_leaves_a_report_a_figure_and_records_but_no_weights(folder: Path) -> None:
    files = {str(path.relative_to(folder)) for path in folder.rglob("[!.]*") if path.is_file()}
    assert files == {"report.md", "records.jsonl", "figures/ratios.svg", "figures/ratios-dark.svg"}


@pytest.mark.usefixtures("folder")
def test_a_network_is_gone_before_the_next_one_is_built() -> None:
    # Each measured in two phases. It is trained in another process, where the same is checked.
    assert len(BUILT) == 2 * 2


def test_one_seed_of_the_bp_network_and_five_of_the_cnn_train_on_the_same_three_digits(
    folder: Path,
) -> None:
    records = lines(folder, "train")
    seeds = [(record["model"], record["seed"]) for record in records]
    assert sorted(seeds) == [("bp-100", 1), *(("cnn-100", seed) for seed in range(1, 6))]
    for record in records:
        assert (record["epochs"], record["jobs"]) == (20, 1)
        assert (record["recipe"], record["classes"]) == ("document", 3)
    assert len({record["test_checksum"] for record in records}) == 1
    assert len({record["train_samples"] for record in records}) == 1


def test_every_network_is_measured_in_training_and_in_inference(folder: Path) -> None:
    measured = [(record["model"], record["phase"]) for record in lines(folder, "timing")]
    assert measured == [(model, phase) for model in MODELS for phase in ("train", "inference")]
    for record in lines(folder, "timing"):
        assert (record["batch"], record["device"], record["status"]) == (64, "cpu", "ok")
        assert ("peak_memory_bytes" in record) == (record["phase"] == "train")


def test_the_table_has_the_closed_forms_numbers_and_their_ratio(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    # BP: 256 pixels, 3 x (256 x 256 + 256) + 256 x 3 + 3; CNN, 16 to 2: 120 x 100 + 100 of 120
    # values, 30 x 2 x 2, beside 260 + 5,020 + 15,030 and 303
    bp_parameters, cnn_parameters = 198_147, 260 + 5_020 + 15_030 + 12_100 + 303
    ratio = f"{bp_parameters / cnn_parameters:.2f}"
    assert row(report, "parameters") == [f"{bp_parameters:,}", f"{cnn_parameters:,}", ratio]
    # 3 x 256^2 + 768; 256 x 10 x 25 + 64 x 20 x 250 + 16 x 30 x 500, then 12,000 + 300
    assert row(report, "multiply-accumulates for one picture")[:2] == ["197,376", "636,300"]


def test_the_table_shows_what_was_measured(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    for phase, what in (("train", "training"), ("inference", "inference")):
        speeds = [_speed(r) for r in lines(folder, "timing") if r["phase"] == phase]
        assert row(report, f"{what}, samples/s")[:2] == [f"{s:,.1f}" for s in speeds]
        assert row(report, f"{what}, samples/s")[2] == factor(speeds[0] / speeds[1])
    for model, cell in zip(MODELS, row(report, "test accuracy, mean"), strict=False):
        found = [r["test_accuracy"] for r in lines(folder, "train") if r["model"] == model]
        assert cell == f"{100 * fmean(found):.2f}%"


def test_the_time_until_a_network_has_learned_is_its_samples_over_its_speed(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    train = [r for r in lines(folder, "timing") if r["phase"] == "train"]
    samples = row(report, "training pictures until it has learned")
    seconds = row(report, "training time until then, s")
    for place, (model, timing) in enumerate(zip(MODELS, train, strict=True)):
        reached = [
            next((p[1] for p in r["test_curve"] if p[4] >= 0.95), inf)
            for r in lines(folder, "train")
            if r["model"] == model
        ]
        found = median(reached)
        assert samples[place] == (f"{found:,.0f}" if found < inf else "-")
        assert seconds[place] == (f"{found / _speed(timing):,.1f}" if found < inf else "-")
    assert samples[1] != "-"  # so that this test has seen a network that has learned


def _speed(timing: dict[str, Any]) -> float:
    """Samples per second of the median block."""
    blocks = [seconds for label in timing["block_seconds"] for seconds in label]
    speed: float = timing["batch"] * timing["steps_per_block"] / median(blocks)
    return speed


def test_the_report_has_the_closed_form_range_and_says_what_was_not_interleaved(
    folder: Path,
) -> None:
    report = (folder / "report.md").read_text()
    assert "569 to 682 times fewer parameters" in report
    assert "one after the other" in report
    assert "no verdict is given" in report


def test_a_second_run_trains_and_measures_nothing_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = (folder / "report.md").read_text()
    monkeypatch.setattr(runner, "run_jobs", lambda jobs, *_: jobs and pytest.fail("done already"))
    monkeypatch.setattr(runner, "measure_group", lambda *_: pytest.fail("done already"))
    monkeypatch.setattr(memory, "available_bytes", lambda: 0)  # nor is memory asked for
    (folder / "report.md").unlink()
    assert counting.main(["--reports", str(folder.parent)]) == 0
    assert (folder / "report.md").read_text() == report


def test_measured_memory_stays_within_what_the_closed_form_asks_for(folder: Path) -> None:
    for record in lines(folder, "timing"):
        if record["phase"] == "train":
            assert record["peak_memory_bytes"] < needed_bytes(shrunk(record["model"]))


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One epoch and one seed, where it does not matter what is learned."""
    monkeypatch.setattr(counting, "CNN_SEEDS", (1,))
    with ExitStack() as stack:
        for name in MODELS:
            spec = zoo.get(name)
            once = replace(spec, recipe=replace(spec.recipe, epochs=1))
            stack.enter_context(zoo.temporary(once))
        yield


def test_too_little_memory_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The real networks, of which nothing is built before the refusal.
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**31)
    with zoo.temporary(REAL["bp-100"]), zoo.temporary(REAL["cnn-100"]):
        assert counting.main(["--reports", str(tmp_path / "reports")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("bench.counting: memory is short: ")
    assert "'bp-100' needs 4.69 GiB, 2.00 GiB are available" in line  # derived below
    assert list(tmp_path.iterdir()) == []


REAL = {name: zoo.get(name) for name in MODELS}


def test_what_is_needed_follows_from_the_layers() -> None:
    # Three copies of the weights, the largest layer (10,000 x 10,000 + 10,000) once more, and
    # twice 64 times all outputs: three hidden layers before and after their ReLU, and 3.
    weights, largest, outputs = 300_060_003, 100_010_000, 6 * 10_000 + 3
    numbers = 3 * weights + largest + 2 * 64 * outputs
    assert needed_bytes(REAL["bp-100"]) == round(1.25 * 4 * numbers)
    assert f"{needed_bytes(REAL['bp-100']) / 2**30:.2f}" == f"{5 * numbers / 2**30:.2f}" == "4.69"


class Explodes(nn.Linear):
    """A network that fails when it is used."""

    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("this network explodes")


def exploding() -> nn.Module:
    on_meta = torch.get_default_device().type == "meta"  # where parameters are counted
    return nn.Sequential(nn.Flatten(), (nn.Linear if on_meta else Explodes)(SIDE * SIDE, 3))


@pytest.mark.usefixtures("brief")
def test_a_failure_is_a_line_of_the_report_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zoo.temporary(replace(zoo.get("bp-100"), build=exploding)):
        assert counting.main(["--reports", str(tmp_path)]) == 1
    for record in lines(tmp_path / "local-counting", "train"):
        assert record["status"] == ("failed" if record["model"] == "bp-100" else "ok")
    report = (tmp_path / "local-counting" / "report.md").read_text()
    assert "`bp-100` on cpu, seed 1: RuntimeError: this network explodes" in report
    assert row(report, "test accuracy, mean")[0] == row(report, "training, samples/s")[0] == "-"
    assert "failed: `bp-100` on cpu, seed 1" in capsys.readouterr().err


def test_the_report_of_a_comparison_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(tmp_path / "x").append(request_record(["train-lenet-1"], ["lenet"]))
    before = (tmp_path / "x" / "records.jsonl").read_bytes()
    assert counting.main(["--name", "x", "--reports", str(tmp_path)]) == 2
    assert "choose another --name" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "x").glob("[!.]*")] == ["records.jsonl"]
    assert (tmp_path / "x" / "records.jsonl").read_bytes() == before


def test_the_report_of_the_exercise_is_not_overwritten_by_that_of_a_comparison(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "report.md").read_bytes()
    assert rebuild([folder.name, "--reports", str(folder.parent)]) == 2
    error = capsys.readouterr().err
    assert "is no comparison; its report is written by: python -m bench.counting" in error
    assert error.count("\n") == 1
    assert (folder / "report.md").read_bytes() == before
    assert not (folder / "results.csv").exists()


@pytest.mark.parametrize(
    "arguments", [["--name", "a/b"], ["--name", ""], ["--seeds", "2"], ["local-counting"]]
)
def test_a_wrong_request_is_one_line_and_exit_code_2(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert counting.main([*arguments, "--reports", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench.counting: ")
    assert list(tmp_path.iterdir()) == []
