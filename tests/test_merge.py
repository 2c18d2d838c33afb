"""Reports made apart and joined: hand-written records, real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.merge.__main__ import main
from bench.records import kinds
from bench.records.store import Store
from bench.results.runs import read
from tests.factories import (
    MACHINE,
    count_record,
    reference_record,
    stored,
    timing_records,
    train_record,
)

RIGHT = {"lenet": 390, "dnn": 380, "net": 385}


def write(folder: Path, models: list[str], seeds: tuple[int, ...], **changes: Any) -> None:
    """A report of these networks and seeds, as `bench.compare` leaves it."""
    cells = [train_record(model, seed, RIGHT[model] - seed) for seed in seeds for model in models]
    cells = [changes.pop(str(cell), cell) for cell in cells]
    records: list[kinds.Record] = [
        *cells,
        *(count_record(model, 1_000, 2_000) for model in models),
        reference_record("largest class", 40),
        *(timing for model in models for timing in timing_records(model, 0.01)),
    ]
    words = ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")
    asked = {
        "seeds": seeds,
        "baseline": models[0],
        "left_out": (),
        "command": f"python -m bench.compare --models {','.join(models)} --seeds {words}",
        **changes,
    }
    stored(folder, records, models, **asked)


def merge(reports: Path, *names: str) -> int:
    return main([*names, "--name", "c", "--reports", str(reports)])


def test_seeds_of_two_reports_become_one_report(tmp_path: Path) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (3,))
    assert merge(tmp_path, "a", "b") == 0
    results = read(Store(tmp_path / "c"))
    assert results.request.seeds == (1, 2, 3)
    for runs in results.runs:
        assert runs.accuracy == {s: (RIGHT[runs.model] - s) / 400 for s in (1, 2, 3)}
    assert results.speeds["lenet", "cpu"].train is not None  # measured in the same rounds
    assert not results.failures
    assert (tmp_path / "c" / "report.md").is_file()
    assert "--models lenet,dnn" in results.request.command
    assert "--seeds 3" in results.request.command
    assert "--name c" in results.request.command


def test_networks_of_two_reports_become_one_report_without_speeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["net", "lenet"], (1, 2))
    assert merge(tmp_path, "a", "b") == 0
    results = read(Store(tmp_path / "c"))
    assert results.request.ran == ("lenet", "dnn", "net")
    assert [runs.model for runs in results.runs if len(runs.accuracy) == 2] == [
        *("lenet", "dnn", "net")
    ]
    assert results.speeds == {}
    out = capsys.readouterr().out
    assert "6 cells of 2 reports" in out
    assert "this measures them: python -m bench.compare --models lenet,dnn,net" in out


def test_what_is_declared_for_all_says_that_it_came_after_the_cells(tmp_path: Path) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (3,))
    merge(tmp_path, "a", "b")
    declared = read(Store(tmp_path / "c")).declared
    assert declared is not None
    assert declared.record.seeds == (1, 2, 3)
    assert declared.trained_before == declared.cells == 6


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert merge(tmp_path, "a", "b") == 2
    assert not (tmp_path / "c").exists()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_equal_keys_with_other_weights_are_a_contradiction_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = msgspec.structs.replace(train_record("dnn", 2, 378), weights_sha256="others")
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (2, 3), **{"dnn seed 2 cpu": other})
    said = refused(tmp_path, capsys)
    assert "'a' and 'b' contradict each other: dnn seed 2 cpu has the key train-dnn-2" in said
    assert "dnn-2 in the one and others in the other" in said


def test_a_cell_trained_by_other_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = msgspec.structs.replace(train_record("dnn", 2, 378), key="x", code_sha256="other")
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (2, 3), **{"dnn seed 2 cpu": other})
    assert "trained otherwise in 'a' than in 'b' (code differ)" in refused(tmp_path, capsys)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"margin": 0.01}, "--margin is 0.005 in the one and 0.01 in the other"),
        ({"dataset": "mnist"}, "--dataset is digits in the one and mnist in the other"),
        (
            {"environment": replace(MACHINE, instruction_set="AVX512")},
            "instruction_set was AVX2 where the one was made and AVX512",
        ),
        (
            {"command": "python -m bench.compare --models lenet,dnn --epochs 3"},
            "--epochs is None in the one and 3 in the other",
        ),
    ],
)
def test_requests_that_differ_otherwise_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], expected: str
) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (3,), **changes)
    assert expected in refused(tmp_path, capsys)


def test_reports_that_together_lack_a_cell_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["net"], (3,))
    assert "none of the reports has net seed 1 cpu and 3 more" in refused(tmp_path, capsys)


def test_a_report_that_is_there_is_never_merged_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / name, ["lenet"], (1, 2))
    before = (tmp_path / "c" / "records.jsonl").read_bytes()
    assert merge(tmp_path, "a", "b") == 2
    assert "holds records already; choose another --name" in capsys.readouterr().err
    assert (tmp_path / "c" / "records.jsonl").read_bytes() == before


def test_cells_made_on_another_machine_say_so_in_the_joined_report(tmp_path: Path) -> None:
    write(tmp_path / "a", ["lenet", "dnn"], (1, 2))
    write(tmp_path / "b", ["lenet", "dnn"], (3,), environment=replace(MACHINE, cores=64))
    assert merge(tmp_path, "a", "b") == 0
    lines = (tmp_path / "c" / "records.jsonl").read_text().splitlines()
    cells = [record for line in lines if (record := json.loads(line))["kind"] == "train"]
    cores = {cell["seed"]: cell.get("worker", {}).get("environment", {}) for cell in cells}
    assert cores[1] == {}
    assert cores[3]["cores"] == 64
    said = (tmp_path / "c" / "report.md").read_text()
    assert "Runs were trained on 2 machines." in said
