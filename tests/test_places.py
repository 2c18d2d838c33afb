"""The order in which jobs are run on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bench.cells import places
from bench.cells.order import longest_first
from bench.cells.places import HERE
from bench.cells.side_by_side import Guard, run_all

SECONDS = {"quick": 1.0, "long": 9.0, "middle": 4.0}


def ran(
    monkeypatch: pytest.MonkeyPatch, seeds: Sequence[int], fails: str | None = None
) -> list[tuple[str, int]]:
    """Networks and seeds in the order in which they ran, one at a time."""

    def run_unit(unit: Any, side_by_side: int) -> list[Any]:  # noqa: ARG001 - as it is called
        model = unit[0].cell.model
        return [SimpleNamespace(train_seconds=None if model == fails else SECONDS[model])]

    monkeypatch.setattr(places, "run_unit", run_unit)
    units: list[Any] = [
        [SimpleNamespace(cell=SimpleNamespace(model=model, seed=seed))]
        for seed in seeds
        for model in SECONDS
    ]
    return [
        (unit[0].cell.model, unit[0].cell.seed) for unit, _ in HERE.train(units, 1, None, Guard())
    ]


def test_seeds_stay_in_order_and_after_the_first_the_longest_runs_of_a_seed_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ran(monkeypatch, seeds=(5, 2, 3)) == [
        *(("quick", 5), ("long", 5), ("middle", 5)),
        *(("long", 2), ("middle", 2), ("quick", 2)),
        *(("long", 3), ("middle", 3), ("quick", 3)),
    ]


def test_runs_that_failed_come_last_in_the_seeds_after(monkeypatch: pytest.MonkeyPatch) -> None:
    after = ran(monkeypatch, seeds=(1, 2), fails="long")[3:]
    assert after == [("middle", 2), ("quick", 2), ("long", 2)]


def test_what_is_not_known_yet_comes_first_because_it_is_running_still() -> None:
    known = {"quick": 1.0, "middle": 4.0}
    assert [*longest_first(SECONDS, lambda model: (model, 2), known)] == ["long", "middle", "quick"]


def test_an_item_is_asked_for_when_a_process_is_free_for_it() -> None:
    told: list[str] = []

    def items() -> Any:
        for number in (1, 2, 3, 4):
            told.append(f"ask {number}")
            yield number

    for number, _ in run_all(abs, items(), 2):
        told.append(f"done {number}")
    assert told[:2] == ["ask 1", "ask 2"]
    assert told[2].startswith("done")
    assert sorted(told[3:5]) != ["ask 3", "ask 4"]
