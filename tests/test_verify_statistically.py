from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.cells.jobs import failed_record
from bench.records.lines import decode
from bench.records.wrong_answers import from_plain
from bench.verify import replicate as replication
from bench.verify.__main__ import main
from tests.lines import Line, read_lines, request_of, write_lines

COMMITTED = Path(__file__).parents[1] / "reports" / "digits-common-cpu"
THREE = ("lenet", "dnn", "net")


def on_another_processor(lines: list[Line]) -> None:
    request_of(lines)["environment"]["processor"] = "Z80"


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The committed runs of three networks, altered; trained anew they end like another seed.

    That is what a network that amplifies rounding does on another processor: the runs of seeds 1,
    2, ..., 20 are now those that seeds 2, 3, ..., 1 had.
    """
    lines = read_lines(COMMITTED)
    cells = [x for x in lines if x["kind"] == "train" and x["model"] in THREE]
    asked = request_of(lines)
    asked["ran"] = list(THREE)
    recorded = {(x["model"], x["seed"]): decode(json.dumps(x).encode()) for x in cells}

    def train(jobs: list[Any], _: int, **__: object) -> Any:
        for job in jobs:
            yield job, recorded[job.cell.model, job.cell.seed % 20 + 1]

    def alter(change: Callable[[list[Line]], object], *more: str) -> list[str]:
        mine = json.loads(json.dumps([*cells, asked]))
        change(mine)
        (tmp_path / "run").mkdir()
        write_lines(tmp_path / "run", mine)
        return [str(tmp_path / "run"), "--statistically", *more]

    monkeypatch.setattr(replication, "run_jobs", train)
    return alter


def table(out: str) -> dict[str, list[str]]:
    """By network, the cells of its row."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines()]
    return {row[0]: row[1:] for row in rows if row and " pp" in row[4]}


def verdicts(out: str) -> dict[str, str]:
    return {network: cells[-1] for network, cells in table(out).items()}


def test_networks_that_end_like_another_seed_elsewhere_are_equivalent_where_seeds_are_calm(
    three: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(three(on_another_processor)) == 0
    out = capsys.readouterr().out
    assert "note: processor: Z80 recorded, " in out
    assert "60 of 60 cells trained anew" in out
    # The seeds of `dnn` and `net` spread most, by a standard deviation of 0.6 points: twice 20 of
    # them settle half a point, which is 0.5 / (0.6 sqrt(2 / 20)) = 2.6 standard errors.
    assert verdicts(out) == dict.fromkeys(THREE, "equivalent")


def test_a_network_with_a_handicap_of_points_is_different_and_the_exit_code_1(
    three: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def handicap(lines: list[Line]) -> None:
        on_another_processor(lines)
        for line in lines:
            if line.get("model") == "net":
                wrong = from_plain(line["misclassified"])
                more = [index for index in range(360) if index not in wrong][:14]
                line["misclassified"] = [*wrong.items(), *((index, 0) for index in more)]
                line["test_accuracy"] -= 14 / 360

    assert main(three(handicap)) == 1
    out = capsys.readouterr().out
    assert verdicts(out) == {"lenet": "equivalent", "dnn": "equivalent", "net": "different"}
    assert "+3.89 pp" in out  # 14 of 360


def test_a_few_cells_are_inconclusive(
    three: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(three(on_another_processor, "--cells", "5")) == 0
    out = capsys.readouterr().out
    assert "5 of 60 cells trained anew" in out
    assert set(verdicts(out).values()) == {"inconclusive"}
    # Of `net`, the last of the three, one seed was trained: too few for an interval.
    assert table(out)["net"][0] == "20 and 1"
    assert table(out)["net"][4] == "-"


def test_cells_are_really_trained_anew_and_records_stay(
    trained_report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained_report / "records.jsonl").read_bytes()
    assert main([str(trained_report), "--statistically"]) == 0
    out = capsys.readouterr().out
    # Here bits are equal, so that the difference is none; two seeds cannot tell more.
    assert [cells[3] for cells in table(out).values()] == ["0.00 pp"] * 3
    assert "6 of 6 cells trained anew" in out
    assert (trained_report / "records.jsonl").read_bytes() == before


def test_a_cell_that_fails_anew_is_named_and_the_exit_code_1(
    trained_report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(jobs: list[Any], _: int, **__: object) -> Any:
        for job in jobs:
            yield job, failed_record(job, 1, OSError("no"))

    monkeypatch.setattr(replication, "run_jobs", fail)
    assert main([str(trained_report), "--statistically"]) == 1
    assert "failed: dnn seed 1 cpu: OSError: no" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("unwritten")
def test_a_run_of_another_processor_is_judged_equivalent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"devices": ["cpu"], "rounds": 0}
    bench.run("lenet5-tanh-avg", seeds=14, name="run", reports=tmp_path, **options)
    lines = read_lines(tmp_path / "run")
    on_another_processor(lines)
    write_lines(tmp_path / "run", lines)
    assert main([str(tmp_path / "run")]) == 3
    assert main([str(tmp_path / "run"), "--statistically"]) == 0
    assert verdicts(capsys.readouterr().out) == {"lenet5-tanh-avg": "equivalent"}
