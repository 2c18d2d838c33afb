from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

import bench
import zoo
from bench.cells import data
from bench.cells.common_recipe import common_recipe
from bench.records import kinds
from bench.records.lines import encode
from bench.records.wrong_answers import from_plain
from bench.verify import retrain as verification
from bench.verify.__main__ import main
from bench.verify.retrain import first_mismatch
from tests.factories import train_record
from tests.lines import Line, read_lines, request_of, unsealed, write_lines


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports folder of an honest run: two networks, two seeds, one epoch, nothing timed."""
    reports = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.report.write.write_report", lambda *_: None)
        bench.run(
            ["dnn", "net"],
            seeds=2,
            epochs=1,
            jobs=1,
            rounds=0,
            devices=["cpu"],
            name="run",
            reports=reports,
        )
    return reports


@pytest.fixture
def altered(honest: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Copies the honest run, lets a function change its lines, gives arguments for `verify`."""

    def alter(change: Callable[[list[Line]], object], *more: str) -> list[str]:
        shutil.copytree(honest / "run", tmp_path / "run")
        lines = read_lines(tmp_path / "run")
        change(lines)
        write_lines(tmp_path / "run", lines)
        return ["run", "--reports", str(tmp_path), *more]

    return alter


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains in a thread: a new process costs seconds, and matters to one test alone."""

    monkeypatch.setattr(verification, "spawned_processes", lambda _: ThreadPoolExecutor(1))


def cell(lines: list[Line], model: str, seed: int) -> Line:
    (found,) = (
        line
        for line in lines
        if line["kind"] == "train" and (line["model"], line["seed"]) == (model, seed)
    )
    return found


def test_a_cell_is_verified_in_a_new_process(
    honest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (honest / "run" / "records.jsonl").read_bytes()
    assert main(["run", "--reports", str(honest), "--cells", "1"]) == 0
    said = "2 networks counted and 2 reference predictors fitted again, no difference found"
    assert f"1 of 4 cells trained, {said}" in capsys.readouterr().out
    assert (honest / "run" / "records.jsonl").read_bytes() == before


@pytest.mark.usefixtures("in_this_process")
def test_all_cells_of_an_honest_run_are_equal(
    honest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(honest / "run")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("4 of 4 cells trained, 2 networks counted")
    assert "no difference found" in out


@pytest.mark.usefixtures("in_this_process")
def test_a_changed_digest_is_named(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        line = cell(lines, "net", 1)
        line["weights_sha256"] = "0" * 64

    assert main(altered(change)) == 1
    (found,) = differences(capsys)
    assert found.startswith(f"differs: net seed 1 cpu: weights (SHA-256): recorded {'0' * 64}, now")


@pytest.mark.usefixtures("in_this_process")
def test_a_changed_prediction_is_named(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, list[int]] = {}

    def change(lines: list[Line]) -> None:
        line = cell(lines, "dnn", 1)
        pairs = [list(pair) for pair in from_plain(line["misclassified"]).items()]
        seen["true"] = list(pairs[2])
        pairs[2][1] = (pairs[2][1] + 1) % 10
        seen["false"] = pairs[2]
        line["misclassified"] = pairs

    assert main(altered(change, "--cells", "1")) == 1
    (found,) = differences(capsys)
    assert found == (
        "differs: dnn seed 1 cpu: predictions, wrong answer [test sample, class] 3: "
        f"recorded {seen['false']}, now {seen['true']}"
    )


@pytest.mark.usefixtures("in_this_process")
def test_a_changed_seed_is_named_even_where_its_cell_is_not_trained(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        cell(lines, "net", 2)["seed"] = 5

    assert main(altered(change, "--cells", "1")) == 1
    (found,) = differences(capsys)
    assert found == "differs: net seed 2 cpu: record: recorded none, now listed by the request"


@pytest.mark.usefixtures("in_this_process")
def test_a_seed_changed_in_record_and_request_breaks_the_key(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        cell(lines, "dnn", 2)["seed"] = 5
        cell(lines, "net", 2)["seed"] = 5
        request_of(lines)["seeds"] = [1, 5]

    assert main(altered(change, "--cells", "1")) == 1
    found = differences(capsys)
    assert [line.split(": ")[1:3] for line in found] == [
        [f"{model} seed 5 cpu", "key, made of the cell, its recipe, its data, the code and the "
         "environment"]
        for model in ("dnn", "net")
    ]  # fmt: skip


@pytest.mark.usefixtures("in_this_process")
def test_a_changed_recipe_breaks_the_keys_of_its_model(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        request_of(lines)["recipes"]["net"]["optimiser"]["learning_rate"] = 0.5

    assert main(altered(change, "--cells", "1")) == 1
    assert [line.split(": ")[1] for line in differences(capsys)] == [
        "net seed 1 cpu",
        "net seed 2 cpu",
    ]


@pytest.mark.usefixtures("in_this_process")
def test_a_removed_record_is_named(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        lines.remove(cell(lines, "dnn", 2))

    assert main(altered(change, "--cells", "1")) == 1
    (found,) = differences(capsys)
    assert found.startswith("differs: dnn seed 2 cpu: record: recorded none")


def test_another_environment_makes_it_3_and_says_which_way(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        recorded = request_of(lines)["environment"]
        recorded["processor"] = "Z80"
        recorded["packages"]["torch"] = "0.1"

    assert main(altered(change)) == 3
    out = capsys.readouterr().out
    assert "cannot be compared here: packages.torch: 0.1 recorded, " in out
    assert "cannot be compared here: processor: Z80 recorded, " in out
    assert "training code" not in out  # no second reason made up where the first explains it
    assert "0 of 4 cells trained, 0 networks counted and 0 reference predictors" in out
    assert "accuracies can: python -m bench.verify run --statistically" in out


def test_an_environment_that_changes_no_bit_is_no_obstacle(
    altered: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(lines: list[Line]) -> None:
        recorded = request_of(lines)["environment"]
        recorded["cores"], recorded["commit"] = 1000, "elsewhere"
        recorded["memory_bytes"] = 1

    monkeypatch.setattr(verification, "_retrain", lambda *_: ())
    assert main(altered(change)) == 0


def test_other_training_code_makes_it_3(
    honest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verification, "training_code", lambda *_, **__: "of other code")
    assert main(["run", "--reports", str(honest)]) == 3
    assert (
        "cannot be compared here: training code: what trains or builds" in capsys.readouterr().out
    )


@pytest.mark.usefixtures("in_this_process")
def test_a_record_that_claims_other_code_breaks_its_key(
    altered: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def change(lines: list[Line]) -> None:
        cell(lines, "dnn", 2)["code_sha256"] = "0" * 64

    assert main(altered(change, "--cells", "1")) == 1
    (found,) = differences(capsys)
    assert found.startswith("differs: dnn seed 2 cpu: key, made of the cell")


def test_other_data_make_it_3(
    honest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = data.load

    def other(name: str, **options: Any) -> Any:
        dataset = load(name, **options)
        samples = dataset.samples.copy()  # type: ignore[union-attr]
        samples[0, 0, 0] ^= 1
        return dataclasses.replace(dataset, samples=samples)

    monkeypatch.setattr(data, "load", other)
    assert main(["run", "--reports", str(honest)]) == 3
    out = capsys.readouterr().out
    # One line for each network's view, however many seeds saw it.
    assert out.count("cannot be compared here: data: what ") == 2


@pytest.mark.usefixtures("in_this_process")
def test_the_recorded_recipe_is_used_after_the_common_recipe_has_changed(
    honest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def changed(spec: zoo.ModelSpec, dataset: str) -> zoo.Recipe:
        return dataclasses.replace(common_recipe(spec, dataset), train_batch=7)

    monkeypatch.setattr("bench.cells.plan.common_recipe", changed)
    assert main(["run", "--reports", str(honest), "--cells", "1"]) == 0
    assert "note: the common recipe of dnn has changed since" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no report 'nothing'"),
        (["run", "--cells", "0"], "--cells: must be at least 1, not 0"),
        (["run", "--cells", "two"], "invalid at_least_one value: 'two'"),
        ([], "the following arguments are required: name"),
    ],
)
def test_a_wrong_request_is_one_line_and_2(
    honest: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--reports", str(honest)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench.verify: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


CELL = train_record(
    "dnn",
    1,
    200,
    misclassified=[(0, 3)],
    training_curve=[(32, 2.0), (64, 1.0)],
    test_curve=[(0, 0, 2.3, 0.1, None)],
    weights_sha256="a",
    updates=2,
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"weights_sha256": "b", "test_accuracy": 0.6}, "weights (SHA-256): recorded a, now b"),
        ({"test_accuracy": 0.6}, "test accuracy: recorded 0.5, now 0.6"),
        (
            {"misclassified": [[0, 3], [4, 1]]},
            "predictions, wrong answer [test sample, class] 2: recorded nothing, now [4, 1]",
        ),
        (
            {"training_curve": [[32, 2.0], [64, 1.5]]},
            "training loss [examples, loss], point 2: recorded [64, 1.0], now [64, 1.5]",
        ),
        ({"updates": 3}, "updates: recorded 2, now 3"),
        (
            {"status": "failed", "error": "OSError: no"},
            "outcome: recorded ok, now failed: OSError: no",
        ),
    ],
)
def test_the_first_difference_is_named(change: Line, expected: str) -> None:
    line = {**unsealed(json.loads(encode(CELL))), **change}
    now = msgspec.convert({**line, "misclassified": from_plain(line["misclassified"])}, kinds.Train)
    assert str(first_mismatch(CELL, now)) == f"dnn seed 1 cpu: {expected}"


def test_times_do_not_count() -> None:
    assert first_mismatch(CELL, msgspec.structs.replace(CELL, train_seconds=9.0, jobs=1)) is None


def test_a_record_without_its_digest_differs() -> None:
    found = first_mismatch(msgspec.structs.replace(CELL, weights_sha256=None), CELL)
    assert found is not None
    assert (found.recorded, found.now) == (None, "a")


def differences(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("differs")]
