"""Runs in MLflow: in a store of its own, and at a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.boards import free_port, get, running, until
from tests.factories import failed_record, train_record
from tests.programs import REPOSITORY, outside_pytest
from tests.test_tracking import UNEVEN, points, results_of

mlflow = pytest.importorskip("mlflow", reason="the group `trackers` is not installed")

from bench.tracking.mlflow import RECORD, log_runs  # noqa: E402

SMALL = ["--models", "dnn-sums", "--dataset", "sums", "--seeds", "2", "--epochs", "2"]
SMALL += ["--rounds", "0"]  # no speeds
pytestmark = pytest.mark.filterwarnings("default")  # its packages warn of each other


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a store in a file, where nothing is logged yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'store.db'}")
    return mlflow.MlflowClient()


def runs(client: Any, experiment: str = "x") -> dict[str, Any]:
    """All runs of an experiment, by name."""
    found = client.get_experiment_by_name(experiment)
    return {run.info.run_name: run for run in client.search_runs([found.experiment_id])}


def curve(client: Any, run: Any, name: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, name)
    return sorted((metric.step, metric.value) for metric in history)


def test_a_store_has_each_run_and_the_comparison_with_the_reports_files(
    client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "x"
    results = results_of(folder, train_record("lenet", 1, 388, **UNEVEN), failed_record("lenet", 2))
    (folder / "report.md").write_text("the report")
    assert log_runs(results, folder).endswith(", experiment 'x': runs added: 2")
    found = runs(client)
    assert {name: run.info.status for name, run in found.items()} == {
        "lenet-cpu-1": "FINISHED",
        "lenet-cpu-2": "FAILED",
        "comparison x": "FINISHED",
    }
    run = found["lenet-cpu-1"]
    assert run.data.tags[RECORD] == "train-lenet-1"
    assert run.data.params["optimiser.learning_rate"] == "0.003"
    assert run.data.metrics["test_accuracy"] == 0.97
    assert curve(client, run, "loss/train") == [(1, 1.5), (2, 0.5)]
    comparison = found["comparison x"].info.run_id
    names = {item.path for item in client.list_artifacts(comparison)}
    assert names == {"report.md", "records.jsonl"}


def test_what_is_there_is_not_logged_again_and_what_was_cut_short_is(
    client: Any, tmp_path: Path
) -> None:
    first, second = train_record("lenet", 1, 388), train_record("lenet", 2, 384)
    log_runs(results_of(tmp_path / "x", first), tmp_path / "x")
    experiment = client.get_experiment_by_name("x").experiment_id
    client.create_run(experiment, run_name="cut short", tags={RECORD: second.key})
    said = log_runs(results_of(tmp_path / "x", first, second), tmp_path / "x")
    assert said.endswith("runs added: 1")
    names = [run.info.run_name for run in client.search_runs([experiment])]
    assert sorted(names) == ["comparison x", "lenet-cpu-1", "lenet-cpu-2"]


def compared(folder: Path, uri: str) -> subprocess.CompletedProcess[str]:
    where = ["--reports", str(folder), "--name", "x", "--devices", "cpu", "--tracker", "mlflow"]
    return subprocess.run(
        [sys.executable, "-m", "bench.compare", *SMALL, *where],
        cwd=folder,
        env={
            **outside_pytest(),
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY), os.environ.get("PYTHONPATH", ""))),
            "MLFLOW_TRACKING_URI": uri,
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_server_has_what_the_records_have_and_one_that_is_gone_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    uri = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    places = [
        *("--port", uri.rpartition(":")[2]),
        *("--backend-store-uri", f"sqlite:///{tmp_path / 'store.db'}"),
        *("--artifacts-destination", str(tmp_path / "artifacts")),
    ]
    (tmp_path / "reports").mkdir()
    without = compared(tmp_path / "reports", uri)
    assert without.returncode == 1
    last = without.stderr.splitlines()[-1]
    assert last.startswith(f"bench.compare: MLflow at '{uri}' did not take all runs")
    assert without.stdout.splitlines()[-1].endswith("x/report.md")
    with running([*command, *places], tmp_path / "log"):
        until(lambda: get(f"{uri}/health") == b"OK")
        done = compared(tmp_path / "reports", uri)
        assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
        assert "experiment 'x': runs added: 2" in done.stdout
        client = mlflow.MlflowClient(uri)
        found = runs(client)
        assert sorted(found) == ["comparison x", "dnn-sums-cpu-1", "dnn-sums-cpu-2"]
        for seed in (1, 2):
            logged = curve(client, found[f"dnn-sums-cpu-{seed}"], "accuracy/test")
            assert logged == points(tmp_path / "reports" / "x", seed)
        comparison = found["comparison x"].info.run_id
        report = client.download_artifacts(comparison, "report.md", str(tmp_path))
        assert Path(report).read_text() == (tmp_path / "reports/x/report.md").read_text()
        figures = {item.path for item in client.list_artifacts(comparison, "figures")}
        there = (tmp_path / "reports" / "x" / "figures").iterdir()
        assert figures == {f"figures/{file.name}" for file in there}
