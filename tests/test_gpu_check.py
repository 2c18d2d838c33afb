"""What is run on a GPU machine: every step is tried, and what failed is told."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from bench.cli.options import read_request, request_parser
from bench.gpu_check import steps, throughput
from bench.gpu_check.__main__ import main
from bench.gpu_check.steps import Step, run_steps, write_summary


def test_without_a_gpu_it_says_so_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["--folder", str(tmp_path / "gpu")]) == 2
    assert "no CUDA device here" in capsys.readouterr().err
    assert not (tmp_path / "gpu").exists()


def test_a_step_that_fails_or_hangs_stops_no_other(tmp_path: Path) -> None:
    sleeps = "import time; print('began', flush=True); time.sleep(60)"
    todo = [
        Step("good", "json.tool", ("--help",)),
        Step("bad", "json.tool", ("nothing.json",)),
        Step("slow", "timeit", ("-n", "1", "-s", sleeps)),
    ]
    found = run_steps(todo, tmp_path, seconds=4)
    assert [result.ended for result in found] == ["ok", "exit code 2", "stopped: no time was left"]
    assert "began" in found[2].output
    written = write_summary(found, tmp_path).read_text()
    assert "| bad | 0 | exit code 2 |" in written
    assert "nothing.json" in written.partition("## bad")[2]
    assert "positional arguments" not in written  # what succeeded is in output.txt only
    assert "positional arguments" in (tmp_path / steps.OUTPUT).read_text()


def test_every_command_line_is_one_that_its_program_takes(tmp_path: Path) -> None:
    todo = steps.steps(tmp_path, tmp_path / "data")
    comparisons = [step for step in todo if step.module == "bench.compare"]
    assert [step.arguments[-1] for step in comparisons] == [
        "mnist-document-cuda",
        "digits-common-cuda",
    ]
    for step in comparisons:
        options = request_parser("bench.compare", None).parse_args([*step.arguments])
        request = read_request(options)
        assert request.devices == ("cuda",)
        assert request.folder.parent == tmp_path


def test_throughput_is_measured_and_a_graph_without_a_gpu_is_a_line_with_its_reason() -> None:
    table = pd.DataFrame(throughput.throughput("cpu", models=("dnn",), batches=(1, 64)))
    assert list(table["batch"]) == [1] * 3 + [64] * 3
    if torch.cuda.is_available():
        return
    graph = table["way"] == "graph"
    assert table[graph]["error"].str.contains("without a CUDA graph").all()
    assert (table[~graph]["samples_per_second"] > 0).all()


def test_seeds_together_are_set_against_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "SEEDS", (1, 2))
    rows = list(throughput.seeds_together("cpu", models=("dnn",), epochs=1))
    assert [(row["engine"], row["seeds"]) for row in rows] == [
        ("sequential", 1),
        ("batched", 1),
        ("batched", 2),
    ]
    assert rows[2]["times_one"] == rows[2]["seconds"] / rows[0]["seconds"]
