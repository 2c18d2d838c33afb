"""The counting exercise run for real, with shrunk networks: 200,000 parameters, not 300 million."""

from __future__ import annotations

import gc
import json
import os
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from bench.counting import __main__ as counting
from bench.counting.bars import write_bars
from bench.counting.measured import MODELS, Measured, Pair
from bench.counting.memory import available_bytes, needed_bytes
from bench.counting.page import bars, factor, render
from bench.records.store import Store
from tests.test_report import request_record
from zoo import ModelSpec, registry
from zoo.counting import bp, bp_layers, cnn, cnn_layers

SIDE = 16


def shrunk(name: str) -> ModelSpec:
    layers, build = (bp_layers, bp) if name == "bp-100" else (cnn_layers, cnn)
    return replace(
        zoo.get(name),
        input_shape=(1, SIDE, SIDE),
        layers=layers(SIDE),
        build=partial(build, SIDE),
    )


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Shrunk networks under the names of the real ones, and measured in two rounds."""
    with pytest.MonkeyPatch.context() as patch:
        for name in MODELS:
            patch.setitem(registry._ENTRIES, name, shrunk(name))
        patch.setattr(counting, "ROUNDS", 2)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the command leaves."""
    reports = tmp_path_factory.mktemp("reports")
    assert counting.main(["--reports", str(reports)]) == 0
    return reports / "local-counting"


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind]


def row(report: str, what: str) -> list[str]:
    (line,) = (line for line in report.splitlines() if line.startswith(f"| {what} "))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_a_run_leaves_a_report_a_figure_and_records_but_no_weights(folder: Path) -> None:
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"report.md", "records.jsonl", "figures/ratios.svg"}


def test_both_networks_are_trained_once_on_the_same_three_digits(folder: Path) -> None:
    first, second = lines(folder, "train")
    assert (first["model"], second["model"]) == MODELS
    for record in (first, second):
        assert (record["seed"], record["epochs"], record["jobs"]) == (1, 3, 1)
        assert (record["recipe"], record["classes"]) == ("document", 3)
    assert first["test_checksum"] == second["test_checksum"]
    assert first["train_samples"] == second["train_samples"]


def test_every_network_is_measured_in_training_and_in_inference(folder: Path) -> None:
    measured = [(record["model"], record["phase"]) for record in lines(folder, "timing")]
    assert measured == [(model, phase) for model in MODELS for phase in ("train", "inference")]
    for record in lines(folder, "timing"):
        assert (record["batch"], record["device"], record["status"]) == (64, "cpu", "ok")
        assert (record["peak_memory_bytes"] is None) == (record["phase"] == "inference")


def test_the_table_has_the_closed_forms_numbers_and_their_ratio(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    # BP: 256 pixels, 3 x (256 x 256 + 256) + 256 x 3 + 3; CNN, 16 to 2: 120 x 100 + 100 of 120
    # values, 30 x 2 x 2, beside 260 + 5,020 + 15,030 and 303
    bp_parameters, cnn_parameters = 198_147, 260 + 5_020 + 15_030 + 12_100 + 303
    ratio = f"{bp_parameters / cnn_parameters:.2f}"
    assert row(report, "parameters") == [f"{bp_parameters:,}", f"{cnn_parameters:,}", ratio]
    # 3 x 256^2 + 768; 256 x 10 x 25 + 64 x 20 x 250 + 16 x 30 x 500, then 12,000 + 300
    assert row(report, "multiply-accumulates for one picture")[:2] == ["197,376", "636,300"]
    # three epochs of so many batches of 64 as the training samples fill, the last one smaller
    steps = 3 * -(-lines(folder, "train")[0]["train_samples"] // 64)
    assert row(report, "optimiser steps") == [str(steps), str(steps), "1.00"]


def test_the_table_shows_what_was_measured(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    seconds = [record["train_seconds"] for record in lines(folder, "train")]
    assert row(report, "training time, s")[:2] == [f"{s:,.1f}" for s in seconds]
    for phase, what in (("train", "training"), ("inference", "inference")):
        speeds = [r["samples_per_second"] for r in lines(folder, "timing") if r["phase"] == phase]
        assert row(report, f"{what}, samples/s")[:2] == [f"{s:,.1f}" for s in speeds]
        assert row(report, f"{what}, samples/s")[2] == factor(speeds[0] / speeds[1])
    accuracies = [f"{100 * r['test_accuracy']:.2f}%" for r in lines(folder, "train")]
    assert row(report, "test accuracy") == [*accuracies, ""]


def test_the_report_has_the_closed_form_range_and_says_what_was_not_interleaved(
    folder: Path,
) -> None:
    report = (folder / "report.md").read_text()
    assert "569 to 682 times fewer parameters" in report
    assert "one after the other" in report
    assert "they carry no verdict" in report


def test_a_second_run_trains_and_measures_nothing_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = (folder / "report.md").read_text()
    for name in ("run_jobs", "measure"):
        monkeypatch.setattr(counting, name, lambda *_, **__: pytest.fail("done already"))
    monkeypatch.setattr(counting, "available_bytes", lambda: 0)  # nor is memory asked for
    (folder / "report.md").unlink()
    assert counting.main(["--reports", str(folder.parent)]) == 0
    assert (folder / "report.md").read_text() == report


def test_measured_memory_stays_within_what_the_closed_form_asks_for(folder: Path) -> None:
    for record in lines(folder, "timing"):
        if record["phase"] == "train":
            assert record["peak_memory_bytes"] < needed_bytes(shrunk(record["model"]))


BUILT: list[weakref.ref[nn.Module]] = []


def remembered(build: Callable[[], nn.Module]) -> nn.Module:
    """A network, after a check that none of those built before is left."""
    assert [network() for network in BUILT if network() is not None] == []
    network = build()
    BUILT.append(weakref.ref(network))
    return network


def test_a_network_is_gone_before_the_next_one_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUILT.clear()
    for name in MODELS:
        spec = shrunk(name)
        kept = replace(spec, build=partial(remembered, spec.build))
        monkeypatch.setitem(registry._ENTRIES, name, kept)
    gc.disable()  # nothing is to hang on when the collector happens to pass
    try:
        assert counting.main(["--reports", str(tmp_path)]) == 0
    finally:
        gc.enable()
    assert len(BUILT) == 2 * (1 + 1 + 2)  # counted, trained, measured in two phases


def test_too_little_memory_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The real networks, of which nothing is built before the refusal.
    for name in MODELS:
        monkeypatch.setitem(registry._ENTRIES, name, REAL[name])
    monkeypatch.setattr(counting, "available_bytes", lambda: 2**31)
    assert counting.main(["--reports", str(tmp_path / "reports")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("bench.counting: memory is short: ")
    assert "'bp-100' needs 4.70 GiB, 2.00 GiB are available" in line  # derived below
    assert list(tmp_path.iterdir()) == []


REAL = {name: zoo.get(name) for name in MODELS}


def test_what_is_needed_follows_from_the_layers() -> None:
    # Three copies of the weights, the largest layer (10,000 x 10,000 + 10,000) once more, and
    # twice 64 times all outputs: 10,000 flat, three hidden layers before and after their ReLU, 3.
    weights, largest, outputs = 300_060_003, 100_010_000, 10_000 + 6 * 10_000 + 3
    numbers = 3 * weights + largest + 2 * 64 * outputs
    assert needed_bytes(REAL["bp-100"]) == round(1.25 * 4 * numbers)
    assert f"{needed_bytes(REAL['bp-100']) / 2**30:.2f}" == f"{5 * numbers / 2**30:.2f}" == "4.70"


def test_available_memory_includes_page_cache_that_would_be_given_up(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 16000000 kB\nMemFree: 100 kB\nMemAvailable:    2048 kB\n")
    assert available_bytes(meminfo) == 2 * 2**20


def test_where_the_system_does_not_tell_all_memory_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"SC_PAGE_SIZE": 4_096, "SC_PHYS_PAGES": 1_000}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert available_bytes(tmp_path / "none") == 4_096_000


class Explodes(nn.Linear):
    """A network that fails when it is used."""

    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("this network explodes")


def test_a_failure_is_a_line_of_the_report_and_exit_code_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def exploding() -> nn.Module:
        flat = nn.Flatten()
        on_meta = torch.get_default_device().type == "meta"  # where parameters are counted
        return nn.Sequential(flat, (nn.Linear if on_meta else Explodes)(SIDE * SIDE, 3))

    monkeypatch.setitem(registry._ENTRIES, "bp-100", replace(shrunk("bp-100"), build=exploding))
    assert counting.main(["--reports", str(tmp_path)]) == 1
    failed, ran = lines(tmp_path / "local-counting", "train")
    assert (failed["status"], ran["status"]) == ("failed", "ok")
    report = (tmp_path / "local-counting" / "report.md").read_text()
    assert "`bp-100` training: RuntimeError: this network explodes" in report
    assert row(report, "training time, s")[0] == "-"
    assert "failed: `bp-100` training" in capsys.readouterr().err


def test_the_report_of_a_comparison_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(tmp_path / "x").append(request_record(["train-lenet-1"], ["lenet"]))
    before = (tmp_path / "x" / "records.jsonl").read_bytes()
    assert counting.main(["--name", "x", "--reports", str(tmp_path)]) == 2
    assert "choose another --name" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["records.jsonl"]
    assert (tmp_path / "x" / "records.jsonl").read_bytes() == before


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


@pytest.fixture
def pair() -> Pair:
    """Round numbers: 600 times the parameters, 12 times the work, 6 times the time."""
    environment = {
        "processor": "a processor",
        "cores": 2,
        "memory_bytes": 2**34,
        "instruction_set": "AVX2",
        "system": "Linux",
        "python": "3.12",
        "packages": {"torch": "2.11"},
        "flags": {"TF32": "off"},
        "commit": None,
    }
    made = {
        "command": "python -m bench.counting",
        "dataset": "digits",
        "dataset_sha256": "0123456789abcdef0123",
        "sizes": [400, 0, 100],
        "largest_class_share": 0.34,
        "seed": 1,
        "rounds": 5,
        "recipe": "SGD 0.01, batch 64, 3 epochs, cross-entropy",
        "deviations": {
            "bp-100": [{"what": "pictures of 100x100", "reason": "inferred"}],
            "cnn-100": [
                {"what": "pictures of 100x100", "reason": "inferred"},
                {"what": "kernel 5", "reason": "lost"},
            ],
        },
        "environment": environment,
    }
    slow = Measured(
        parameters=600_000,
        weight_bytes=2_400_000,
        macs=1_200_000,
        updates=21,
        train_seconds=60.0,
        peak_memory_bytes=8 * 2**20,
        train_samples_per_second=50.0,
        inference_samples_per_second=200.0,
        test_accuracy=0.95,
        block_spread=1.25,
    )
    fast = Measured(
        parameters=1_000,
        weight_bytes=4_000,
        macs=100_000,
        updates=21,
        train_seconds=10.0,
        peak_memory_bytes=2 * 2**20,
        train_samples_per_second=300.0,
        inference_samples_per_second=1_000.0,
        test_accuracy=0.34,
        block_spread=1.1,
    )
    return Pair(bp=slow, cnn=fast, made=made, failures=())


def test_the_figure_shows_how_many_times_as_much_and_as_long(pair: Pair) -> None:
    assert bars(pair) == pytest.approx(
        {
            "parameters": 600,
            "multiply-accumulates": 12,
            "peak memory of a training step": 4,
            "training time": 6,
            "time per training sample": 6,
            "time per sample, inference": 5,
        }
    )
    unmeasured = replace(pair, bp=replace(pair.bp, peak_memory_bytes=None))
    assert "peak memory of a training step" not in bars(unmeasured)


def test_the_words_tell_parameters_work_and_time_apart(pair: Pair) -> None:
    report = render(pair, {})
    assert "**600 times the parameters**" in report
    assert "**12.0 times the work**" in report
    assert "about **6 times the time**" in report
    assert "about 5 times for a forward pass" in report
    assert "took about 0.5 times as long" in report  # 6 times the time for 12 times the work
    assert "at most 1.25 times as long as its fastest" in report
    assert "would score 34.00%" in report
    assert "- `bp-100`, `cnn-100`: pictures of 100x100 (inferred).\n" in report
    assert "- `cnn-100`: kernel 5 (lost).\n" in report


def test_the_figure_is_the_same_bytes_every_time_and_tells_each_ratio(
    pair: Pair, tmp_path: Path
) -> None:
    drawn = [write_bars(bars(pair), tmp_path / name) for name in ("one", "two")]
    assert drawn[0] == drawn[1] == {"ratios": next(iter(drawn[0].values()))}
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
