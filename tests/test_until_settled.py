"""`--seeds until-settled` as a user meets it: what is declared, trained, stopped, gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import compare, runner
from bench.cells import common_recipe
from bench.cells import plan as planning
from bench.cells.common_recipe import Settings
from bench.cells.jobs import Job
from bench.cells.places import run_jobs
from bench.cells.plan import Request
from bench.cells.request import command
from bench.cells.settling import until_settled
from bench.records.errors import RequestError
from bench.verify import retrain
from bench.verify.__main__ import main as verify


def lines(folder: Path, kind: str = "") -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [record for record in records if kind in ("", record["kind"])]


def trained(folder: Path) -> dict[str, list[int]]:
    """By model, the seeds that have a record, in the order trained."""
    seeds: dict[str, list[int]] = {}
    for record in lines(folder, "train"):
        seeds.setdefault(record["model"], []).append(record["seed"])
    return {model: sorted(found) for model, found in seeds.items()}


def run(reports: Path, models: Sequence[str] = ("dnn", "lenet-sigmoid", "net")) -> Path:
    """At most seven seeds of one epoch: `lenet-sigmoid` has learned little by then."""
    outcome = bench.run(
        models,
        seeds="until-settled",
        max_seeds=7,
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        name="run",
        reports=reports,
    )
    return outcome.folder


@pytest.fixture(scope="module", autouse=True)
def steady_rate() -> Iterator[None]:
    """A rate that stays, with which five seeds settle one of the networks and not the other."""
    with pytest.MonkeyPatch.context() as patch:
        steady = Settings(learning_rate=3e-3, schedule="constant")
        patch.setattr(common_recipe, "COMMON", {"digits": steady})
        yield


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run of three networks."""
    return run(tmp_path_factory.mktemp("reports"))


def test_a_network_stops_where_its_comparison_is_decided_and_the_baseline_goes_on(
    settled: Path,
) -> None:
    assert trained(settled) == {
        "dnn": [1, 2, 3, 4, 5, 6, 7],
        "lenet-sigmoid": [1, 2, 3, 4, 5],
        "net": [1, 2, 3, 4, 5, 6, 7],
        "dnn-permuted": [1, 2],  # a control
    }


def test_the_design_is_recorded_before_the_first_cell_and_does_not_change(settled: Path) -> None:
    declaration, before = lines(settled)[0], lines(settled, "request")[0]
    assert declaration["kind"] == "declaration"
    assert declaration["families"] == {"against dnn": ["lenet-sigmoid", "net"]}
    assert declaration["looks"] == [5, 7]
    assert [request["declaration"] for request in lines(settled, "request")] == [
        declaration["key"]
    ] * 2
    assert lines(settled).index(before) < lines(settled).index(lines(settled, "train")[0])
    declared, carried_out = (record["until_settled"] for record in lines(settled, "request"))
    assert declared["looks"] == carried_out["looks"] == [5, 7]
    assert "ran" not in declared or declared["ran"] == {}
    assert carried_out["ran"] == {"dnn": 7, "lenet-sigmoid": 5, "net": 7}


def test_the_report_shows_the_looks(settled: Path) -> None:
    text = (settled / "report.md").read_text()
    assert "up to 7 training runs each (until it was settled)" in text
    assert "**19 trained networks**; all networks on 7 seeds would be 21." in text
    (five,) = (line for line in text.splitlines() if line.startswith("| 5 seeds "))
    assert [cell.strip() for cell in five.split("|")[1:-1]] == [
        "5 seeds",
        "worse: `lenet-sigmoid`",
        "",
        "`net`",
    ]


def test_the_same_command_again_trains_nothing_and_takes_the_same_looks(settled: Path) -> None:
    before, report = lines(settled, "train"), (settled / "report.md").read_text()
    assert run(settled.parent) == settled
    assert lines(settled, "train") == before
    assert (settled / "report.md").read_text() == report


@pytest.mark.usefixtures("unwritten")
def test_a_run_that_was_stopped_goes_on_where_it_was(
    settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    def stop_in_the_second_look(jobs: Sequence[Job], side_by_side: int, *_: object) -> Any:
        for found in run_jobs(jobs, side_by_side):
            if len(done) == 16:
                raise KeyboardInterrupt
            done.append(found)
            yield found

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_jobs", stop_in_the_second_look)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert sum(map(len, trained(tmp_path / "run").values())) == 16
    run(tmp_path)
    assert trained(tmp_path / "run") == trained(settled)
    first, last = lines(tmp_path / "run", "request")[0], lines(tmp_path / "run", "request")[-1]
    assert first["declaration"] == last["declaration"]
    assert len(lines(tmp_path / "run", "declaration")) == 1
    weights = [
        {(r["model"], r["seed"]): r["weights_sha256"] for r in lines(folder, "train")}
        for folder in (settled, tmp_path / "run")
    ]
    assert weights[0] == weights[1]


def test_what_stopped_is_not_missed_by_verify(
    settled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retrain, "_retrain", lambda *_: ())
    assert verify([str(settled)]) == 0
    assert "19 of 19 cells" in capsys.readouterr().out


@pytest.mark.usefixtures("unwritten")
def test_twins_of_what_goes_on_go_on_because_they_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bench.runner.unsettled", lambda _, look: {"lenet"} if look == 5 else set[str]()
    )
    folder = run(tmp_path, ["lenet", "lenet5-relu-max", "dnn"])
    assert {model: len(seeds) for model, seeds in trained(folder).items()} == {
        "lenet": 7,
        "lenet5-relu-max": 7,
        "dnn": 5,
        "dnn-permuted": 2,
    }


def test_seeds_trained_at_once_are_those_between_two_looks() -> None:
    request = Request(models=("dnn",), engine="batched", seeds=tuple(range(1, 13)), looks=(5, 12))
    together = {cell.seed: cell.together for cell in planning.plan(request).cells}
    assert together[1] == together[5] == (1, 2, 3, 4, 5)
    assert together[6] == together[12] == (6, 7, 8, 9, 10, 11, 12)


def test_the_command_makes_the_same_run_again() -> None:
    seeds, looks = until_settled(40)
    request = Request(models=("dnn",), seeds=seeds, looks=looks)
    assert "--seeds until-settled --devices" in command(request)
    seeds, looks = until_settled(12)
    request = Request(models=("dnn",), seeds=seeds, looks=looks)
    assert "--seeds until-settled --max-seeds 12 " in command(request)


def test_one_seed_settles_nothing() -> None:
    with pytest.raises(RequestError, match="--max-seeds 1 must lie between 2 and 10000"):
        until_settled(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--max-seeds", "10"], "--max-seeds 10 goes with --seeds until-settled"),
        (["--seeds", "until-settled", "--max-seeds", "0"], "--max-seeds 0 must lie between"),
        (["--seeds", "until"], "or until-settled"),
    ],
)
def test_a_wrong_request_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([*arguments, "--reports", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
