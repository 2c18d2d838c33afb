"""Runs for MLflow: each training run with parameters and metrics, and the comparison with files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records.errors import TrackingError
from bench.records.text import one_line
from bench.results.runs import Results
from bench.tracking.entries import Entry, Value, entries, summary

if TYPE_CHECKING:
    from mlflow import MlflowClient

RECORD = "bench.record"  # a tag: the key of the record that a run is made of
MOST_METRICS = 1_000  # in one request; MLflow refuses more
FILES = ("report.md", "results.csv", "records.jsonl")
AGAIN = "give the same command again: nothing is trained twice"
# What a user has set counts. A server that is not there is told after seconds, not minutes.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def log_runs(results: Results, folder: Path) -> str:
    """Logs what MLflow does not have yet of a report; says in a line where it is.

    Where is said by `$MLFLOW_TRACKING_URI`; without it MLflow takes a file of its own.

    Args:
        results: What was trained.
        folder: Of the report, whose name becomes the experiment's.

    Raises:
        TrackingError: MLflow is not installed, or did not take everything.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient, get_tracking_uri
    except ImportError as error:
        raise TrackingError(
            "mlflow is not installed, so that it has none of the runs; "
            f"pip install -e '.[mlflow]' and {AGAIN}"
        ) from error
    where = get_tracking_uri()
    try:
        new = _log(MlflowClient(), results, folder)
    except Exception as error:  # of its own, of requests, or of the library that keeps its store
        raise TrackingError(
            f"MLflow at '{where}' did not take all runs ({_in_short(error)}); start "
            f"it, or set MLFLOW_TRACKING_URI to where it is, and {AGAIN}"
        ) from error
    return f"MLflow at '{where}', experiment '{folder.name}': runs added: {new}"


def _log(client: MlflowClient, results: Results, folder: Path) -> int:
    """Logs what is not there yet; how many runs that is."""
    found = client.get_experiment_by_name(folder.name)
    experiment = found.experiment_id if found else client.create_experiment(folder.name)
    there = _logged(client, experiment)
    new = [entry for entry in entries(results) if entry.key not in there]
    for entry in new:
        _log_entry(client, experiment, entry)
    if results.request.key not in there:
        _log_comparison(client, experiment, results, folder)
    return len(new)


def _logged(client: MlflowClient, experiment: str) -> set[str]:
    """The keys of records that are there whole; what was cut short is removed."""
    keys: set[str] = set()
    token = None
    while True:
        page = client.search_runs([experiment], page_token=token)
        for run in page:
            key = run.data.tags.get(RECORD)
            if key is not None and run.info.status == "RUNNING":
                client.delete_run(run.info.run_id)
            elif key is not None:
                keys.add(key)
        token = page.token
        if not token:
            return keys


def _log_entry(client: MlflowClient, experiment: str, entry: Entry) -> None:
    run = client.create_run(experiment, run_name=entry.name, tags={RECORD: entry.key}).info.run_id
    values = [(name, 0, value) for name, value in entry.metrics.items()]
    values += [
        (name, epoch, value) for name, curve in entry.curves.items() for epoch, value in curve
    ]
    _log_values(client, run, entry.parameters, values)
    client.set_terminated(run, "FINISHED" if entry.went_through else "FAILED")


def _log_comparison(client: MlflowClient, experiment: str, results: Results, folder: Path) -> None:
    request = results.request
    tags = {RECORD: request.key}
    run = client.create_run(experiment, run_name=f"comparison {folder.name}", tags=tags).info.run_id
    parameters: dict[str, Value] = {
        "command": request.command,
        "models": ", ".join(request.ran),
        "dataset": request.dataset,
        "recipe": request.recipe,
        "seeds": len(request.seeds),
        "devices": ", ".join(request.devices),
    }
    values = [(name, 0, value) for name, value in summary(results).items()]
    _log_values(client, run, parameters, values)
    for file in FILES:
        if (folder / file).is_file():
            client.log_artifact(run, str(folder / file))
    if (folder / "figures").is_dir():
        client.log_artifacts(run, str(folder / "figures"), "figures")
    client.set_terminated(run)


def _log_values(
    client: MlflowClient,
    run: str,
    parameters: Mapping[str, Value],
    values: Iterable[tuple[str, int, float]],
) -> None:
    from mlflow.entities import Metric, Param

    now = int(1_000 * time.time())
    metrics = [Metric(name, value, now, epoch) for name, epoch, value in values]
    client.log_batch(run, params=[Param(name, str(value)) for name, value in parameters.items()])
    for start in range(0, len(metrics), MOST_METRICS):
        client.log_batch(run, metrics=metrics[start : start + MOST_METRICS])


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)[:200]}"
