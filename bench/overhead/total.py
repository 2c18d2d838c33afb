"""Five networks on three seeds each: all of a small comparison, by documents' loops and here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import zoo
from bench.cells.jobs import Job
from bench.cells.places import Apart, run_jobs
from bench.cells.plan import Cell
from bench.cells.splits import store
from bench.overhead.data import MODELS, RUNS, SEEDS, name_of_run, split
from bench.overhead.loops import document
from bench.records.errors import RequestError


def documents(data_root: Path) -> float:
    """Seconds of all cells by documents' loops, one after the other, on torch's own threads."""
    started = time.perf_counter()
    for model in MODELS:
        for _ in SEEDS:
            document(model, data_root)
    return time.perf_counter() - started


def suite(side_by_side: int, data_root: Path) -> float:
    """Seconds of the same cells by this suite, so many at a time.

    The process that workers are forked from has been started before.
    """
    with tempfile.TemporaryDirectory() as place:
        jobs = _jobs(data_root, Path(place))
        _outcomes(jobs[:side_by_side], side_by_side)
        started = time.perf_counter()
        _outcomes(jobs, side_by_side)
        return time.perf_counter() - started


def each_cell(data_root: Path, side_by_side: int) -> dict[str, tuple[float, str]]:
    """By cell, its seconds and the digest of its weights, so many at a time.

    Raises:
        RequestError: A cell failed.
    """
    with tempfile.TemporaryDirectory() as place:
        return _outcomes(_jobs(data_root, Path(place)), side_by_side)


def _outcomes(jobs: Sequence[Job], side_by_side: int) -> dict[str, tuple[float, str]]:
    found = {}
    before = time.perf_counter()
    # In processes of their own, one at a time, too, as every command trains.
    apart = Apart(seconds=None, on_lost=lambda *_: None)
    for _, record in run_jobs(jobs, side_by_side, apart=apart):
        if record.weights_sha256 is None:
            raise RequestError(f"{record} failed: {record.error}")
        now = time.perf_counter()
        found[name_of_run(record.model, record.seed)] = (now - before, record.weights_sha256)
        before = now
    return found


def _jobs(data_root: Path, place: Path) -> list[Job]:
    return [_job(model, seed, data_root, place) for model, seed in RUNS]


def _job(model: str, seed: int, data_root: Path, place: Path) -> Job:
    spec = zoo.get(model)
    cell = Cell(
        spec=spec,
        recipe=replace(spec.recipe, epochs=1),
        dataset="mnist",
        recipe_name="document",
        seed=seed,
        device="cpu",
    )
    return Job(
        cell=cell,
        split=store(split(model, data_root), place),
        code="",
        key=str(cell),
        work=str(cell),
        weights=None,
    )
