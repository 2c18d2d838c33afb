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
from bench.runner import plan_here
from bench.timing.alone import measuring_alone
from bench.timing.batches import BATCHES, ROUNDS, measure_batches

EXIT_FAILED = 1


def add_batches(request: Request, *, quiet: bool) -> int:
    """Measures, records the speeds with the report's latest run, and rebuilds the report.

    Equal networks are measured once; networks that take no pictures, or are heavy, are not.

    Returns:
        0 if all were measured, 1 if some failed.

    Raises:
        RequestError: The report holds none of the networks, or was made on another device.
    """
    planned = plan_here(request)
    store = Store(request.folder)
    results = read(store)
    device = results.request.devices[0]
    if device not in request.devices:
        raise RequestError(
            f"the report in '{request.folder}' is of {', '.join(results.request.devices)}, not of "
            f"{', '.join(request.devices)}; give --devices {device}"
        )
    fit = {
        model: cell
        for model, cell in planned.first_cells.items()
        if cell.spec.takes_images and not cell.is_heavy
    }
    held = distinct([runs for runs in results.runs if runs.device == device and runs.model in fit])
    if not held:
        raise RequestError(
            f"the report in '{request.folder}' holds no network of pictures among "
            f"{', '.join(planned.first_cells)}; it holds {', '.join(results.request.ran)}"
        )
    cells = {runs.model: fit[runs.model] for runs in held}
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
