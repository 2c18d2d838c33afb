from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cells.plan import Request
from bench.profile import main as profile
from bench.records import kinds
from bench.records.store import Store, experiment_key, of_kind
from bench.report.instruments import instruments
from bench.results.runs import Results
from bench.suite.__main__ import HANDED_ON_ELSEWHERE
from bench.suite.__main__ import main as suite
from bench.suite.session import Workloads, workloads
from bench.suite.track import main as track
from bench.timing.protocol import Workload
from tests.factories import request_record
from tests.programs import REPOSITORY, run_module, run_program


@pytest.fixture(scope="module")
def reports(trained_report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report one of whose networks the suite has timed."""
    folder = tmp_path_factory.mktemp("reports")
    shutil.copytree(trained_report, folder / "run")
    arguments = ["--models", "dnn", "--devices", "cpu", "--name", "run", "--reports", str(folder)]
    done = run_module("bench.suite", *arguments, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_suite_records_every_phase_with_the_latest_run(reports: Path) -> None:
    store = Store(reports / "run")
    timed = of_kind(store.read(), kinds.SecondClock)
    assert [(record.model, record.phase, record.batch) for record in timed] == [
        ("dnn", "train", 64),
        ("dnn", "inference", 64),
        ("dnn", "latency", 1),
    ]
    for record in timed:
        assert record.run == store.latest_request().key
        assert record.rounds >= 10
        # Two clocks on the same steps, seconds apart: more would be a wrong unit or count.
        assert 0.4 < record.samples_per_second / record.own_samples_per_second < 2.5


def test_samples_per_second_are_the_batch_over_the_median_step(reports: Path) -> None:
    timed = json.loads((reports / "run" / "pytest-benchmark.json").read_text())["benchmarks"]
    groups = [benchmark["group"] for benchmark in timed]
    assert groups == ["train, cpu, batch 64", "inference, cpu, batch 64", "latency, cpu, batch 1"]
    for benchmark in timed:
        info, median = benchmark["extra_info"], benchmark["stats"]["median"]
        assert info["samples_per_second"] * median == pytest.approx(info["batch"])


def test_the_suite_adds_its_section_to_the_report(reports: Path) -> None:
    assert "## Two instruments" in (reports / "run" / "report.md").read_text()


def test_the_suite_needs_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suite(["--models", "net", "--devices", "cpu", "--reports", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("bench.suite: no comparison is recorded in")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_networks_that_the_report_lacks_are_left_out_with_a_line(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timed: list[Workload] = []

    def run(chosen: Workloads, *_: str, **_quiet: bool) -> int:
        timed.extend(chosen)
        return 0

    monkeypatch.setattr("bench.suite.session.run", run)
    options = ["--devices", "cpu", "--name", "run", "--reports", str(reports), "--quiet"]
    assert suite(["--models", "cnn,dnn", *options]) == 0
    assert {(workload.model, workload.device) for workload in timed} == {("dnn", "cpu")}
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("left out")] == [
        f"left out: cnn on cpu, which the report in '{reports / 'run'}' does not hold"
    ]

    timed.clear()
    assert suite(["--models", "cnn", *options]) == 2
    assert not timed
    error = capsys.readouterr().err
    assert error.startswith("bench.suite: the report in")
    assert "does not hold cnn on cpu; it holds dnn on cpu, lenet on cpu, net on cpu" in error
    assert error.count("\n") == 1


def test_it_says_that_trackers_do_nothing_here_and_profiles_refuse_them(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.suite.session.run", lambda *_, **_quiet: 0)
    monkeypatch.setattr("bench.report.write.rebuild", lambda _: None)
    options = ["--models", "dnn", "--devices", "cpu", "--name", "run", "--reports", str(reports)]
    for given in (["--tensorboard"], ["--tracker", "mlflow"]):
        assert suite([*options, *given]) == 0
        assert HANDED_ON_ELSEWHERE in capsys.readouterr().err
        assert suite([*options, *given, "--quiet"]) == suite(options) == 0
        assert "--tracker" not in capsys.readouterr().err
        for other in (profile, track):
            assert other([*options, *given]) == 2
            assert f"unrecognized arguments: {given[0]}" in capsys.readouterr().err
    assert not (reports / "run" / "tensorboard").exists()


def test_without_rounds_no_clock_measures(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr("bench.suite.session.run")
    options = ["--models", "dnn", "--devices", "cpu", "--name", "run", "--reports", str(reports)]
    assert suite([*options, "--rounds", "0"]) == 0
    assert capsys.readouterr().err == "--rounds 0 measures no speed, by no clock\n"


def test_the_first_tracked_run_says_so_and_the_second_compares(tmp_path: Path) -> None:
    printed = run_program(
        "from bench.suite.track import main\n"
        "for number in ('first', 'second'):\n"
        "    assert main(['--models', 'net', '--devices', 'cpu']) == 0\n"
        "    print('end of the', number)\n",
        tmp_path,
    )
    first, _, second = printed.partition("end of the first")
    assert first.count("nothing to compare with yet") == 1
    assert "benchmark 'train" in first
    assert "0001_" not in first.partition("benchmark 'train")[2]

    assert "nothing to compare with yet" not in second
    # pytest-benchmark marks the rows of a comparison by the number of the saved run, and NOW.
    assert "net-cpu-train] (0001_" in second
    assert "net-cpu-train] (NOW)" in second
    saved = sorted(path.name[:4] for path in (tmp_path / ".benchmarks").glob("*/*.json"))
    assert saved == ["0001", "0002"]


def test_a_wrong_model_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert track(["--models", "lenet6"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("bench.suite.track: unknown model 'lenet6'")
    assert error.count("\n") == 1


def test_the_storage_of_tracked_runs_is_ignored_by_git() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert ".benchmarks/" in ignored


def test_the_suite_times_what_the_report_measures() -> None:
    chosen = workloads(Request(models=("net", "dnn"), devices=("cpu",)))
    assert [(w.phase, w.model) for w in chosen] == [
        ("train", "net"),
        ("train", "dnn"),
        ("inference", "net"),
        ("inference", "dnn"),
        ("latency", "net"),
        ("latency", "dnn"),
    ]


def test_an_experiment_replaces_the_earlier_one_of_its_subject() -> None:
    key = experiment_key("e", "run", model="net", device="cpu")
    assert key == experiment_key("e", "run", model="net", device="cpu")
    assert key != experiment_key("e", "other run", model="net", device="cpu")
    assert key != experiment_key("e", "run", model="dnn", device="cpu")


@pytest.fixture
def results() -> Results:
    """As much of a report as the section reads."""
    return Results(request=request_record([], ["net"]), runs=(), speeds={}, counts={}, failures=())


def _timed(phase: kinds.Phase, samples_per_second: float, own: float) -> kinds.SecondClock:
    return kinds.SecondClock(
        key=phase,
        experiment=kinds.SECOND_CLOCK,
        run="request",
        model="net",
        device="cpu",
        phase=phase,
        batch=64,
        samples_per_second=samples_per_second,
        own_samples_per_second=own,
        rounds=20,
    )


def test_the_report_says_which_workloads_disagree_and_by_how_much(results: Results) -> None:
    # 1,050 / 1,200 is 12.5% less, the others are equal.
    timed = (
        _timed("train", 1050.0, 1200.0),
        _timed("inference", 1600.0, 1600.0),
        _timed("latency", 180.0, 180.0),
    )
    lines = instruments(replace(results, clocks=timed)).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "| `net`" in line]
    assert rows == [
        ["`net`", "cpu", "train", "1,050", "1,200", "-12.5%"],
        ["`net`", "cpu", "inference", "1,600", "1,600", "0.0%"],
        ["`net`", "cpu", "latency", "180", "180", "0.0%"],
    ]
    agreement = "2 of 3 workloads lie within 10% of each other; these do not: `net`"
    assert f"Side by side: {agreement} train on cpu (-12.5%)." in lines


def test_without_the_second_instrument_there_is_no_section(results: Results) -> None:
    assert instruments(results) == ""
