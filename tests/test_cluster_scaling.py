"""The simulation of many workers, by hand."""

from __future__ import annotations

import csv
from statistics import median

import pytest

from studies.cluster_scaling import cell_seconds, read_overhead, simulated
from studies.cluster_workers import MEASURED
from tests.programs import REPOSITORY


def test_a_free_worker_takes_the_next_cell() -> None:
    assert simulated([3, 1, 1, 1], 2, 0) == 3  # one takes the long one, the other all else
    assert simulated([1, 1, 1, 3], 2, 0) == 4  # the long one comes last
    assert simulated([1, 1, 1], 1_000, 0) == 1


def test_cells_are_handed_out_one_after_the_other() -> None:
    # They begin at 0.5, 1, 1.5 and 2 s, when a worker is free each time.
    assert simulated([1, 1, 1, 1], 2, 0.5) == 3
    # However many workers there are, the last of ten begins after 5 s.
    assert simulated([1] * 10, 1_000, 0.5) == pytest.approx(6)


def test_what_the_figure_is_drawn_from_is_there() -> None:
    overhead = read_overhead()
    assert overhead.cells >= 1_000
    assert overhead.seconds == max(overhead.client_seconds, overhead.scheduler_seconds) > 0
    # 13 networks and a control on up to 20 seeds, some of them equal to others.
    assert len(cell_seconds()) >= 13 * 20


def test_the_page_has_the_ratios_that_were_measured() -> None:
    seconds: dict[str, dict[str, float]] = {}
    with MEASURED.open(newline="") as file:
        for row in csv.DictReader(file):
            seconds.setdefault(row["round"], {})[row["workers"]] = float(row["seconds"])
    ratios = [taken["1"] / taken["2"] for taken in seconds.values()]
    assert len(ratios) == 3
    page = " ".join((REPOSITORY / "docs" / "cluster.md").read_text().split())
    assert f"train 14 runs {median(ratios):.2f} times as fast as one does" in page
    assert f"({min(ratios):.2f} to {max(ratios):.2f}; `python -m studies.cluster_workers`" in page
