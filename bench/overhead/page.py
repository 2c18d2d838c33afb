"""The overhead report: what was measured, as ratios with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.overhead.data import (
    MODELS,
    RUNS,
    SEEDS,
    STEP_BATCHES,
    STEP_TURNS,
    TEST_PICTURES,
    TRAIN_PICTURES,
    name_of_run,
)
from bench.overhead.modes_view import ModesView, modes_view
from bench.overhead.names import (
    BARE,
    BARE_ALONE,
    BARE_BESIDE,
    DEFAULTS,
    DOCUMENT,
    MANY,
    ONE,
    OWN,
    SUITE,
)
from bench.overhead.ratios import Ratio, Row, ratio, rows, seconds_of
from bench.overhead.simulate import simulated
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.place import write_text
from bench.records.store import Store, latest, of_kind
from bench.writing.templates import render

WORKERS = (4, 8, 16)


@dataclass(frozen=True, kw_only=True)
class OverheadPage:
    """What the page shows.

    Attributes:
        steps: Of a training step: how many times a bare loop's time each contender takes.
        options: Of a training step: how many times as fast each option is as torch's defaults.
        modes: Of a trained network's forward pass in each mode; None where nothing was measured.
        epochs: Of an epoch: how many times this suite's time each contender takes.
        rounds: By part, how many rounds.
        document: Median seconds of all cells by documents' loops.
        one: The same by this suite, one cell at a time.
        many: The same, as many at a time as there are cores.
        documents_over_suite: Documents' time over the suite's on all cores.
        documents_over_one: The same over the suite's time one at a time.
        one_over_many: The suite's time one at a time over its time on all cores.
        uneven: How many times as fast all cores are if each cell takes as long as it took alone.
        cores: How many times as much bare loops get done on all cores as one of them does.
        cells: Cells of the whole comparison.
        same_bits: Whether they end in the same weights both ways.
        workers: How many cells ran side by side.
        simulated: By number of workers, documents' time over the suite's.
        longest: The longest cell's seconds.
        failures: What failed, a line each; modes that failed are in `modes`.
        environment: Where it was measured.
        models: The networks of the epochs and of the whole comparison.
        train_pictures: Pictures of an epoch.
        test_pictures: Pictures tested after it.
        turns: Epochs of the suite and of the bare loop in a round of a training step.
        batches: Steps of such an epoch.
        own: The contender of a step that is the suite's own code alone.
    """

    steps: tuple[Row, ...]
    options: tuple[Row, ...]
    modes: ModesView | None
    epochs: tuple[Row, ...]
    rounds: dict[str, int]
    document: float
    one: float
    many: float
    documents_over_suite: Ratio
    documents_over_one: Ratio
    one_over_many: Ratio
    uneven: float
    cores: Ratio
    cells: int
    same_bits: bool
    workers: int
    simulated: dict[int, float]
    longest: float
    failures: tuple[str, ...]
    environment: Environment
    models: tuple[str, ...] = MODELS
    seeds: int = len(SEEDS)
    train_pictures: int = TRAIN_PICTURES
    test_pictures: int = TEST_PICTURES
    turns: int = STEP_TURNS
    batches: int = STEP_BATCHES
    own: str = OWN


def write_page(folder: Path) -> None:
    """Writes `report.md` into the folder that holds the records."""
    records = Store(folder).read()
    view = page_view(latest(records, {record.key: None for record in records}))
    write_text(folder / "report.md", render(Path(__file__).parent, "overhead", view) + "\n")


def page_view(records: Mapping[str, kinds.Record]) -> OverheadPage:
    """What the page shows of the newest records.

    Args:
        records: By key.
    """
    found = of_kind(records.values(), kinds.Overhead)
    (cells,) = of_kind(records.values(), kinds.OverheadCells)
    (where,) = of_kind(records.values(), kinds.Machine)
    total = seconds_of(found, "total", "")
    alone = {(model, seed): cells.seconds[name_of_run(model, seed)] for model, seed in RUNS}
    documents = median(total[DOCUMENT])
    modes = modes_view(found)
    return OverheadPage(
        steps=rows(found, "step", BARE),
        options=rows(found, "option", DEFAULTS, as_speed=True),
        modes=modes,
        epochs=rows(found, "epoch", SUITE),
        rounds={record.part: len(record.seconds) for record in found if not record.error},
        document=documents,
        one=median(total[ONE]),
        many=median(total[MANY]),
        documents_over_suite=ratio(total[DOCUMENT], total[MANY]),
        documents_over_one=ratio(total[DOCUMENT], total[ONE]),
        one_over_many=ratio(total[ONE], total[MANY]),
        uneven=sum(alone.values()) / simulated(alone, cells.side_by_side),
        cores=ratio(cells.side_by_side * total[BARE_ALONE], total[BARE_BESIDE]),
        cells=len(alone),
        same_bits=cells.same_bits,
        workers=cells.side_by_side,
        simulated={workers: documents / simulated(alone, workers) for workers in WORKERS},
        longest=max(alone.values()),
        failures=tuple(
            f"{record.part} {record.model} {record.contender}: {record.error}"
            for record in found
            if record.error and not (modes and record.part == "inference")
        ),
        environment=where.environment,
    )
