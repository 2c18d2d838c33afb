"""Inference of a report's networks at batches of 1 to 1,024 pictures, for the report."""

from __future__ import annotations

import sys

import msgspec

from bench.cells.plan import Request
from bench.cli import progress
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.store import Store, experiment_key
from bench.report.distinct import distinct
from bench.report.write import rebuild
from bench.results.runs import read
from bench.suite.session import EXIT_FAILED, Workloads
from bench.timing.alone import measuring_alone
from bench.timing.batches import BATCHES, ROUNDS, measure_batches


def add_batches(chosen: Workloads, request: Request, *, quiet: bool) -> int:
    """Measures, records the speeds with the report's latest run, and rebuilds the report.

    Equal networks are measured once; networks that take no pictures, or are heavy, are not.

    Args:
        chosen: Workloads of networks that the report holds.
        request: Whose report it is.
        quiet: Shows nothing but where the report lies.

    Returns:
        0 if all were measured, 1 if some failed.

    Raises:
        RequestError: None of them is a network that it can be done with.
    """
    store = Store(request.folder)
    results = read(store)
    device = results.request.devices[0]
    cells = {
        workload.model: cell
        for workload, cell in chosen.items()
        if workload.device == device and cell.spec.takes_images and not cell.is_heavy
    }
    runs = [item for item in results.runs if item.device == device and item.model in cells]
    if not runs:
        asked = ", ".join(dict.fromkeys(f"{item.model} on {item.device}" for item in chosen))
        raise RequestError(
            f"batches are measured on {device}, with networks that take pictures and are not "
            f"heavy; none of {asked} is one"
        )
    cells = {item.model: cells[item.model] for item in distinct(runs)}
    shown = progress.choose(quiet=quiet)
    failed = 0
    try:
        with writing_alone(request.folder):
            with measuring_alone(shown.begins) as beside:
                shown.measuring(f"{len(cells)} networks at {len(BATCHES)} batches", ROUNDS)
                timings = measure_batches(
                    cells, device, shown.measured, seconds=request.cell_timeout
                )
            for timing in timings:
                store.append(_record(timing, results.request.key, beside.busy_cores))
                if timing.status != "ok":
                    failed += 1
                    said = f"{timing.model} at batch {timing.batch}: {timing.error}"
                    print(f"failed: {said}", file=sys.stderr)
            rebuild(request.folder)
    finally:
        shown.close()
    print(request.folder / "report.md")
    return EXIT_FAILED if failed else 0


def _record(timing: kinds.Timing, run: str, beside_cores: float | None) -> kinds.BatchSpeed:
    subject = {"model": timing.model, "device": timing.device, "batch": timing.batch}
    return kinds.BatchSpeed(
        key=experiment_key(kinds.BATCH_SPEED, run, **subject),
        experiment=kinds.BATCH_SPEED,
        run=run,
        timing=msgspec.structs.replace(timing, beside_cores=beside_cores),
    )
