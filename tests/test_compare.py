"""The command as a user meets it: files, exit codes, one-line errors, equal bits."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import bench
import zoo
from bench import compare
from bench.records.wrong_answers import from_plain
from bench.report.__main__ import main as rebuild
from bench.results.table import CSV_COLUMNS
from tests.programs import run_module


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind]


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of the command: two models, two seeds, one epoch, timed in few rounds."""
    folder = tmp_path_factory.mktemp("reports")
    result = run_module(
        "bench.compare",
        *("--models", "dnn,lenet", "--seeds", "2", "--epochs", "1", "--jobs", "2"),
        *("--reports", str(folder), "--name", "first", "--devices", "cpu", "--rounds", "2"),
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].endswith("first/report.md")
    assert "[6/6]" in result.stderr  # with two cells of a control
    assert "best first" in result.stdout
    return folder


def test_a_run_leaves_report_table_records_and_figures(reports: Path) -> None:
    folder = reports / "first"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names >= {"report.md", "results.csv", "records.jsonl", "figures/learning-curves.svg"}
    assert names >= {f"weights/{m}-cpu-{s}.safetensors" for m in ("dnn", "lenet") for s in (1, 2)}


def test_there_is_exactly_one_train_record_per_cell(reports: Path) -> None:
    cells = [(r["model"], r["seed"], r["device"]) for r in lines(reports / "first", "train")]
    models = ("dnn", "dnn-permuted", "lenet")  # the second is a control
    assert sorted(cells) == [(m, s, "cpu") for m in models for s in (1, 2)]


def test_the_table_is_what_the_records_come_to(reports: Path) -> None:
    rows = table(reports / "first")
    assert list(rows[0]) == list(CSV_COLUMNS)
    for row in rows:
        first, second = (
            record["test_accuracy"]
            for record in lines(reports / "first", "train")
            if record["model"] == row["model"]
        )
        assert float(row["test_accuracy_mean"]) == pytest.approx((first + second) / 2)
        # Two runs: the half width is t(0.975, 1) = 12.7062 times |a - b| / 2.
        high = (first + second) / 2 + 12.7062 * abs(first - second) / 2
        assert float(row["test_accuracy_high"]) == pytest.approx(high, rel=1e-5)
        assert (row["seeds"], row["status"]) == ("2", "ok")
        assert float(row["train_samples_per_second"]) > 0
        assert float(row["latency_p50_seconds"]) <= float(row["latency_p99_seconds"])


def test_the_misclassified_samples_account_for_the_accuracy(reports: Path) -> None:
    for record in lines(reports / "first", "train"):
        wrong = from_plain(record["misclassified"])
        assert len(wrong) == round((1 - record["test_accuracy"]) * 360)
        assert all(0 <= index < 360 and 0 <= answer < 10 for index, answer in wrong.items())


def test_the_accuracies_of_report_and_table_agree(reports: Path) -> None:
    text = (reports / "first" / "report.md").read_text()
    for row in table(reports / "first"):
        (line,) = (
            x for x in text.splitlines() if x.startswith(f"| `{row['model']}`") and " 2 ok " in x
        )
        assert f" {100 * float(row['test_accuracy_mean']):.2f}% " in line


def test_a_report_is_rebuilt_from_its_records_alone(reports: Path) -> None:
    folder = reports / "first"
    files = [folder / "report.md", folder / "results.csv", *folder.glob("figures/*.svg")]
    before = {path: path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    assert rebuild(["first", "--reports", str(reports)]) == 0
    assert {path: path.read_bytes() for path in files} == before


def test_the_same_request_again_trains_nothing(
    reports: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = lines(reports / "first", "train")
    asked = ["--models", "dnn,lenet", "--seeds", "2", "--epochs", "1", "--jobs", "1", "--quiet"]
    where = ["--reports", str(reports), "--name", "first", "--devices", "cpu", "--rounds", "2"]
    assert compare.main([*asked, *where]) == 0
    assert capfd.readouterr() == (f"{reports / 'first' / 'report.md'}\n", "")
    assert lines(reports / "first", "train") == before


@pytest.mark.usefixtures("unwritten")
def test_one_job_and_two_end_in_the_same_weights_and_twins_in_equal_ones(
    reports: Path, tmp_path: Path
) -> None:
    bench.run(
        ["dnn", "lenet", "lenet5-relu-max"],
        seeds=2,
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path,
    )
    digests = {
        (record["model"], record["seed"]): record["weights_sha256"]
        for record in lines(tmp_path / "local-digits-common", "train")
    }
    for record in lines(reports / "first", "train"):
        assert digests[record["model"], record["seed"]] == record["weights_sha256"]
    for seed in (1, 2):
        assert digests["lenet", seed] == digests["lenet5-relu-max", seed]


@pytest.mark.usefixtures("unwritten")
def test_fresh_sets_the_old_records_aside(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "jobs": 1, "rounds": 0}
    run = partial(bench.run, "dnn", seeds=[7], reports=tmp_path, name="x", **options)
    run()
    run(fresh=True)
    assert len(lines(tmp_path / "x", "train")) == 1
    assert (tmp_path / "x" / "records.old-1.jsonl").exists()


class Explodes(nn.Linear):
    """A network that fails when it is used."""

    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("this network\nexplodes")


def test_records_survive_a_failing_cell_and_the_exit_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(zoo.get("dnn"), name="exploding", aliases=(), build=partial(Explodes, 784, 10))
    arguments = ["--models", "exploding,dnn", "--seeds", "1", "--epochs", "1", "--jobs", "1"]
    arguments += ["--rounds", "0"]
    with zoo.temporary(spec):
        code = compare.main([*arguments, "--reports", str(tmp_path), "--name", "x", "--quiet"])
    assert code == 1
    failed, ran = sorted(lines(tmp_path / "x", "train"), key=lambda record: record["status"])
    assert (failed["model"], failed["status"]) == ("exploding", "failed")
    assert "RuntimeError: this network explodes" in failed["error"]
    assert (ran["model"], ran["status"]) == ("dnn", "ok")
    report = (tmp_path / "x" / "report.md").read_text()
    assert "`exploding` on cpu, seed 1: RuntimeError: this network explodes" in report
    assert "`exploding` counting its parameters: RuntimeError" in report
    assert "failed: `exploding`" in capsys.readouterr().err


WRONG: dict[str, tuple[list[str], str]] = {
    "unknown model": (["--models", "lenet6"], "did you mean 'lenet'"),
    "empty models": (["--models", ""], "--models"),
    "empty item": (["--models", "lenet,,dnn"], "empty item"),
    "unknown data set": (["--dataset", "cifar"], "unknown data set 'cifar'"),
    "unknown recipe": (["--recipe", "best"], "unknown recipe 'best'"),
    "unknown option": (["--frobnicate"], "--frobnicate"),
    "abbreviated option": (["--model", "lenet"], "--model"),
    "missing value": (["--models"], "--models"),
    "unknown device": (["--devices", "tpu"], "unknown device 'tpu'"),
    "seeds x": (["--seeds", "x"], "--seeds 'x'"),
    "seeds 0": (["--seeds", "0"], "no seeds"),
    "seeds 1,1": (["--seeds", "1,1"], "twice"),
    "epochs 0": (["--epochs", "0"], "--epochs 0"),
    "epochs -1": (["--epochs", "-1"], "--epochs -1"),
    "rounds -1": (["--rounds", "-1"], "--rounds -1 must be 0, which measures no speed, or more"),
    "epochs x": (["--epochs", "x"], "--epochs"),
    "jobs 0": (["--jobs", "0"], "--jobs: must be at least 1, not 0"),
    "wrong data set": (["--models", "lenet", "--dataset", "sums"], "'lenet' takes 1x28x28"),
    "name outside": (["--name", "../../x"], "--name '../../x'"),
    "no pictures folder": (["--dataset", "pictures:nowhere"], "no folder 'nowhere/train'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_line_exit_code_2_and_nothing_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, says = WRONG[case]
    assert compare.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert says in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert compare.main(["--devices", "cuda"]) == 2
    assert "no device 'cuda' here; choose from cpu" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def make_file(folder: Path) -> list[str]:
    (folder / "file").write_text("")
    return ["--reports", str(folder / "file")]


def make_empty_pictures(folder: Path) -> list[str]:
    for part in ("train", "test"):
        (folder / "pictures" / part).mkdir(parents=True)
    return ["--dataset", f"pictures:{folder / 'pictures'}"]


@pytest.mark.parametrize(
    ("make", "says"), [(make_file, "is a file"), (make_empty_pictures, "no pictures in")]
)
def test_a_folder_that_is_not_right_is_refused(
    make: Callable[[Path], list[str]],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert compare.main(arguments) == 2
    assert says in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_wrong_request_shows_no_traceback_in_a_real_process(tmp_path: Path) -> None:
    result = run_module(
        "bench.compare", "--models", "lenet6", "--reports", str(tmp_path / "reports")
    )
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "bench.compare: unknown model 'lenet6'; did you mean 'lenet'? (all: python -m zoo)"
    ]
    assert not (tmp_path / "reports").exists()


def test_pictures_of_ones_own_run_under_the_document_that_wants_them(tmp_path: Path) -> None:
    from PIL import Image

    for part in ("train", "test"):
        (tmp_path / "own" / part).mkdir(parents=True)
        for digit in range(10):
            picture = Image.new("RGB", (20, 30), (25 * digit, 255 - 25 * digit, 128))
            picture.save(tmp_path / "own" / part / f"p{digit}.png")
    outcome = bench.run(
        ["lenet-rgb", "dnn"],
        seeds=1,
        dataset=f"pictures:{tmp_path / 'own'}",
        recipe="document",
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path / "reports",
    )
    assert not outcome.failed
    assert outcome.folder.name == "local-pictures-document"
    assert {r["test_samples"] for r in lines(outcome.folder, "train")} == {10}


def test_networks_tested_on_other_samples_are_not_ranked_together(tmp_path: Path) -> None:
    outcome = bench.run(
        ["dnn", "lenet-rgb"],
        seeds=1,
        recipe="document",
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path,
    )
    groups = [[runs.model for runs in group] for group in outcome.results.groups]
    assert sorted(groups) == [["dnn"], ["lenet-rgb"]]
    text = (outcome.folder / "report.md").read_text()
    assert "the first 3 training and 3 test pictures of each digit of digits" in text


def test_a_long_name_is_cut_in_a_terminal_of_80_columns_and_no_number_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = bench.load_results(Path(__file__).parents[1] / "reports" / "digits-torchvision-cpu")
    compare._print_table(found)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "torchvision:mobil" in printed
    for number in ("11,181,642", "1,528,106", "98.06%", "97.37% to 98.75%"):
        assert number in printed
