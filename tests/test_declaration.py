"""Which controls are planned with a run, and what is declared before its first cell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cells.controls import permuted_cells
from bench.cells.plan import Request, plan
from bench.records import kinds
from bench.records.store import Store
from bench.report.outcome import Outcome
from bench.report.write import render
from bench.results.controls import controls
from bench.results.declared import read_declared
from bench.results.runs import read
from bench.timing.protocol import Workload
from bench.timing.workloads import plan_groups
from tests.factories import RECIPE, request_record, stored, train_record
from zoo.spec import Augmentation


def planned_workloads(models: str, baseline: str | None = None) -> list[Workload]:
    from bench.cells import machine

    request = Request(models=tuple(models.split(",")), baseline=baseline)
    groups = plan_groups(request, plan(request), machine.environment())
    return [workload for group in groups for workload in group.keys]


def test_a_delayed_step_of_the_baseline_alone_is_timed_in_the_same_rounds() -> None:
    delayed = [workload for workload in planned_workloads("lenet,net") if workload.delay]
    assert delayed == [Workload(model="lenet", device="cpu", phase="train", delay=0.03)]


def test_cells_on_permuted_pixels_are_those_of_the_fully_connected_network() -> None:
    cells = plan(Request(models=("lenet", "dnn"), seeds=(1, 2))).cells
    made = permuted_cells(cells)
    assert [(cell.model, cell.seed, cell.permuted) for cell in made] == [
        ("dnn-permuted", 1, True),
        ("dnn-permuted", 2, True),
    ]
    assert permuted_cells([cell for cell in cells if cell.model == "lenet"]) == []
    assert permuted_cells([cell for cell in cells if cell.seed == 1]) == []  # no spread, no control
    shifted = replace(RECIPE, augmentation=(Augmentation(name="RandomAffine"),))
    assert permuted_cells([replace(cell, recipe=shifted) for cell in cells]) == []


@pytest.mark.parametrize(
    ("models", "seeds", "taken"),
    [
        ("lenet,dnn,net", 5, 2),  # a tenth of 15 is less than two
        ("lenet,dnn,net", 20, 6),
        ("all", 20, 20),  # of 13 networks a tenth would be 26
    ],
)
def test_cells_on_permuted_pixels_are_a_tenth_of_all_at_most_or_two(
    models: str, seeds: int, taken: int
) -> None:
    request = Request(models=tuple(models.split(",")), seeds=tuple(range(1, seeds + 1)))
    made = permuted_cells(plan(request).cells)
    assert [cell.seed for cell in made] == list(range(1, taken + 1))


def test_seeds_on_permuted_pixels_are_trained_at_once_where_all_are() -> None:
    request = Request(models=("lenet", "dnn"), engine="batched")
    assert [cell.together for cell in permuted_cells(plan(request).cells)] == [(1, 2), (1, 2)]


def declaration(margin: float, seeds: int = 3) -> kinds.Declaration:
    return kinds.Declaration(
        key=f"margin {margin} seeds {seeds}",
        families={"against lenet": ("net",)},
        primary="net against lenet",
        level=0.05,
        margin=margin,
        speed_margins=kinds.SpeedMargins(difference=0.02, equivalence=0.05),
        devices=("cpu",),
        seeds=tuple(range(1, seeds + 1)),
    )


def test_a_declaration_before_the_first_cell_is_shown_with_its_digest(tmp_path: Path) -> None:
    cells = [train_record(model, seed, 390) for model in ("lenet", "net") for seed in (1, 2, 3)]
    first = declaration(0.005)
    Store(tmp_path).append(first)
    results = read(stored(tmp_path, cells, ["lenet", "net"], declaration=first.key))
    assert results.declared is not None
    assert (results.declared.cells, results.declared.trained_before) == (6, 0)
    text = render(results, {})
    assert f"`{first.key}`. No cell of this run had been trained then." in text


def test_a_declaration_that_changes_after_cells_were_trained_is_called_so(tmp_path: Path) -> None:
    cells = [train_record(model, seed, 390) for model in ("lenet", "net") for seed in (1, 2, 3)]
    first, second = declaration(0.005), declaration(0.02)
    store = Store(tmp_path)
    for record in (first, *cells, second):
        store.append(record)
    asked = request_record([c.key for c in cells], ["lenet", "net"], declaration=second.key)
    store.append(asked)
    results = read(store)
    assert results.declared is not None
    assert results.declared.trained_before == 6
    (change,) = results.declared.changes
    assert (change.what, change.before, change.now) == ("margin", 0.005, 0.02)
    text = render(results, {})
    assert "made when 6 of the run's 6 cells had been trained already**, and changed" in text
    assert "margin, first `0.005`, now `0.02`." in text


def test_records_older_than_declarations_have_none() -> None:
    assert read_declared([], request_record([], ["lenet"])) is None


@pytest.mark.timeout(600)
def test_a_run_trains_its_controls_declares_first_and_reports_them(tmp_path: Path) -> None:
    import bench

    def run(margin: float) -> Outcome:
        return bench.run(
            "dnn",
            seeds=[1, 2],
            epochs=1,
            jobs=1,
            rounds=0,
            margin=margin,
            name="r",
            reports=tmp_path,
        )

    outcome = run(0.005)
    lines = [
        json.loads(line) for line in (outcome.folder / "records.jsonl").read_text().splitlines()
    ]
    models = [record["model"] for record in lines if record["kind"] == "train"]
    assert models == ["dnn", "dnn", "dnn-permuted", "dnn-permuted"]
    assert lines[0]["kind"] == "declaration"
    assert [runs.model for runs in outcome.results.runs] == ["dnn"]
    (found,) = controls(outcome.results)
    assert found.permuted is not None
    assert found.permuted.seeds == 2
    assert not list((outcome.folder / "weights").glob("*permuted*"))

    again = run(0.02).results
    assert again.declared is not None
    assert again.declared.trained_before == again.declared.cells == 4
    assert [change.what for change in again.declared.changes] == ["margin"]
