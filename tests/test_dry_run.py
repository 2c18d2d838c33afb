"""What is said instead of running: the plan with a time, and what there is to choose from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bench
import zoo
from bench import compare
from bench.cells import machine
from bench.cells.fitting import NAMES, OWN_KINDS
from bench.cells.plan import Request, plan
from bench.cells.published import SOURCES
from bench.cells.request import command
from bench.cli.lists import DATA_SETS, OWN_DATA
from bench.forecast import MACS_PER_SECOND, forecast, in_words
from bench.records.store import Store
from bench.timing.protocol import ROUNDS
from bench.timing.workloads import Group, plan_groups
from tests.factories import train_record
from tests.programs import REPOSITORY, outside_pytest, run_module, run_program


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return Request(models=("dnn-sums",), dataset="sums", seeds=(1, 2), reports=tmp_path, epochs=3)


@pytest.mark.parametrize("data", ["digits", "mnist"])
def test_a_dry_run_writes_nothing_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--models", "lenet,cnn,lenet5-relu-max", "--seeds", "3", "--dry-run"]
    assert compare.main([*arguments, "--dataset", data, "--data-root", "nowhere"]) == 0
    assert list(tmp_path.iterdir()) == []
    out = capsys.readouterr().out
    assert "nothing was trained or written" in out
    if data == "mnist":
        assert "the files of mnist are not in 'nowhere' yet" in out
    else:
        # `lenet5-relu-max` is lenet under another name: it is trained, and timed, once.
        assert "9 runs, of which 0 are kept; 6 to train" in out
        assert "3 runs are of equal networks under another name" in out


def test_a_wrong_dry_run_is_refused_like_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(["--models", "lenet6", "--dry-run", "--reports", str(tmp_path)]) == 2
    assert "did you mean 'lenet'" in capsys.readouterr().err


def test_without_kept_runs_the_time_comes_from_the_work_of_the_networks(request_: Request) -> None:
    found = forecast(request_)
    (network,) = found.networks
    macs = 3 * 5 + 5 * 5 + 5 * 5 + 5 * 3  # of the document: 3 inputs, 3 layers of 5, 3 classes
    seconds = 3 * macs * 6_000 * 3 / MACS_PER_SECOND  # 6,000 rows to train on, three epochs
    assert network.run_seconds == pytest.approx(seconds)
    assert (network.runs, network.kept, network.to_train) == (2, 0, 2)
    assert network.basis == "multiply-accumulates"
    said = " ".join(in_words(found, request_))
    assert "from their work, at 4.5 billion multiply-accumulates a second and core" in said


def test_as_many_rounds_are_measured_as_are_asked_for_and_with_0_nothing_is(
    request_: Request,
) -> None:
    def groups(rounds: int | None) -> list[Group]:
        asked = replace(request_, rounds=rounds)
        return plan_groups(asked, plan(asked), machine.environment())

    assert [group.rounds for group in groups(None)] == [ROUNDS]
    assert [group.rounds for group in groups(48)] == [48]
    assert not {*groups(None)[0].keys.values()} & {*groups(48)[0].keys.values()}
    assert groups(0) == []
    assert "--rounds 48" in command(replace(request_, rounds=48))
    said = [
        " ".join(in_words(forecast(asked), asked))
        for asked in (replace(request_, rounds=0), request_)
    ]
    assert ["timed after the training" in text for text in said] == [False, True]


def test_runs_kept_are_counted_and_the_time_comes_from_them(request_: Request) -> None:
    bench.run(
        "dnn-sums",
        dataset="sums",
        seeds=[1],
        epochs=3,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=request_.reports,
    )
    records = Store(request_.folder)
    for seconds in (2.0, 4.0):  # of other code, so that they are not kept, but took their time
        records.append(train_record("dnn-sums", 9, 1, epochs=3, train_seconds=seconds, key="other"))
    (taken,) = (
        json.loads(line)["train_seconds"]
        for line in records.path.read_text().splitlines()
        if '"kind":"train"' in line and '"key":"other"' not in line
    )
    before = sorted(request_.reports.rglob("*"))
    found = forecast(request_)
    (network,) = found.networks
    assert (network.runs, network.kept, network.to_train) == (2, 1, 1)
    assert network.basis == "kept runs"
    assert network.run_seconds == pytest.approx((taken + 2.0 + 4.0) / 3)
    assert found.training_seconds == pytest.approx(network.run_seconds)
    said = " ".join(in_words(found, request_))
    assert "for 1 of 1 networks from the time of runs kept in" in said
    assert forecast(replace(request_, fresh=True)).networks[0].kept == 0
    assert sorted(request_.reports.rglob("*")) == before


def test_the_list_of_data_sets_has_all_and_says_where_each_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {*DATA_SETS} == {*NAMES}
    assert {name.partition(":")[0] for name in OWN_DATA} == {"pictures", *OWN_KINDS}
    for name, make in SOURCES.items():
        place = DATA_SETS[name][2]
        assert place is not None
        assert all(file.startswith(place.replace("usps.bz2", "usps.")) for file in make().files)
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    assert compare.main(["--list-data", "--data-root", str(tmp_path)]) == 0
    here = {
        line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()[3:-1]
    }
    assert (here["mnist"], here["kmnist"], here["digits"]) == ("yes", "no", "yes")


LISTED = """
import sys
from bench import compare
assert compare.main(["--list-models", "--list-data"]) == 0
print([name for name in ("torch", "numpy", "pandas", "PIL") if name in sys.modules])
"""


def test_lists_need_no_torch_and_name_every_network() -> None:
    *printed, modules = run_program(LISTED).splitlines()
    assert modules == "[]"
    rows = {line.split()[0]: line for line in printed if line.strip()}
    for name in zoo.names():
        assert f"{zoo.get(name).declared_parameters:,}" in rows[name]
        assert zoo.get(name).document.title[:40] in rows[name]


def completions(line: str, tmp_path: Path, module: str = "bench.compare") -> list[str]:
    """What a shell is offered after a line, by the protocol of argcomplete's global completion."""
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "3",  # the words `python -m bench.compare` are the program
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    subprocess.run(
        [sys.executable, "-m", module],
        cwd=tmp_path,
        env={**outside_pytest(), **asked, "PYTHONPATH": str(REPOSITORY)},
        check=True,
        timeout=120,
    )
    assert sorted(tmp_path.iterdir()) == [answer]
    return [word.strip() for word in answer.read_text().split("\n")]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("--models ", [*zoo.names(), "all"]),
        ("--models dnn,lenet-s", ["dnn,lenet-sigmoid", "dnn,lenet-sigmoid-max"]),
        ("--models dnn,dnn", ["dnn,dnn-sums"]),
        ("--recipe d", ["document"]),
        ("--list-", ["--list-models", "--list-data"]),
    ],
)
def test_tab_offers_names_of_networks_and_other_values(
    tmp_path: Path, rest: str, expected: list[str]
) -> None:
    pytest.importorskip("argcomplete", reason="the extra `completion` is not installed")
    assert completions(f"python -m bench.compare {rest}", tmp_path) == expected


def test_tab_without_argcomplete_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "argcomplete.py").write_text("raise ImportError('not here')")
    result = subprocess.run(
        [sys.executable, "-m", "bench.compare"],
        cwd=tmp_path,
        env={
            **outside_pytest(),
            "_ARGCOMPLETE": "3",
            "PYTHONPATH": os.pathsep.join((str(tmp_path), str(REPOSITORY))),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_commands_that_do_not_know_a_dry_run_refuse_it() -> None:
    result = run_module("bench.profile", "--dry-run")
    assert (result.returncode, "--dry-run" in result.stderr) == (2, True)
