"""The same run on a cluster: a scheduler and workers of their own, on the loopback."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from bench.cells import machine
from bench.cluster.address import require_address
from bench.compare import main
from bench.records.errors import RequestError
from tests.cluster import PATIENCE_SECONDS, Started, cluster, compare
from tests.programs import REPOSITORY, outside_pytest, run_module

pytest.importorskip("distributed")
pytestmark = pytest.mark.timeout(900)

TINY = ("--models", "dnn,net", "--epochs", "1", "--devices", "cpu", "--jobs", "1")
OWN = """
import zoo
from torch import nn


@zoo.model(input_shape=(1, 28, 28))
class Own(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))
"""


def trained(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "records.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["kind"] == "train"]


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of a command, and what it said on standard error."""
    _, said = process.communicate(timeout=PATIENCE_SECONDS * 2)
    return process.returncode, said


def run(*arguments: str, folder: Path = REPOSITORY) -> str:
    code, said = finish(compare(*arguments, folder=folder))
    assert code == 0, said
    return said


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A worker of two threads, under Dask's nanny as ever."""
    with cluster(tmp_path_factory.mktemp("cluster"), "one", threads=2) as started:
        yield started


@pytest.fixture(scope="module")
def reports(
    tmp_path_factory: pytest.TempPathFactory, trained_report: Path, two_workers: Started
) -> Path:
    """The same networks here and on a cluster, there also one of a user's own file.

    What the command said there lies beside the reports.
    """
    folder = tmp_path_factory.mktemp("reports")
    (folder / "here").symlink_to(trained_report)
    (folder / "own.py").write_text(OWN)
    request = ("--zoo", "own.py", "--models", "lenet,dnn,net,own", "--seeds", "2", "--epochs", "1")
    where = ("--devices", "cpu", "--reports", ".", "--cluster", two_workers.address)
    said = run(*request, *where, "--name", "there", folder=folder)
    (folder / "said").write_text(said)
    return folder


def test_the_same_request_ends_in_the_same_weights_and_answers_on_a_cluster(reports: Path) -> None:
    here = {record["key"]: record for record in trained(reports / "here")}
    there = {r["key"]: r for r in trained(reports / "there") if r["model"] != "own"}
    assert len(here) == 8  # three networks and a control on two seeds
    assert here.keys() == there.keys()
    for key, record in there.items():
        for field in ("weights_sha256", "test_accuracy", "misclassified", "training_curve"):
            assert record[field] == here[key][field]


def test_weights_come_back_from_the_workers(reports: Path) -> None:
    names = [f"{model}-cpu-{seed}.safetensors" for model in ("dnn", "net") for seed in (1, 2)]
    for name in names:
        one, other = (load_file(reports / side / "weights" / name) for side in ("here", "there"))
        assert one.keys() == other.keys()
        assert all((one[tensor] == other[tensor]).all() for tensor in one)


def test_a_record_says_which_worker_trained_it_and_a_local_one_says_nothing(
    reports: Path,
) -> None:
    for record in trained(reports / "there"):
        environment = record["worker"]["environment"]
        assert environment["processor"] == machine.environment().processor
        assert environment["packages"] == machine.environment().packages
        assert record["jobs"] == 2  # the worker's threads
    assert all("worker" not in record for record in trained(reports / "here"))
    said = (reports / "there" / "report.md").read_text()
    assert "Runs were trained on 1 machine." in said
    assert "Runs were trained on" not in (reports / "here" / "report.md").read_text()


def test_data_lie_once_in_a_workers_own_folder(reports: Path, two_workers: Started) -> None:
    views = {record["data_sha256"] for record in trained(reports / "there")}
    stored = [*(two_workers.folder / "one").rglob("*-inputs.npy")]
    assert sorted(path.name for path in stored) == sorted(f"{x[:32]}-inputs.npy" for x in views)


def test_a_user_is_told_of_workers_dashboard_and_every_cell(reports: Path) -> None:
    said = (reports / "said").read_text()
    assert re.search(r"dashboard at http://\S+", said)
    assert "1 worker joined: 1 worker for 2 cells at a time" in said
    assert "training 10 cells, 2 at a time" in said
    assert re.search(r"\[10/10\] .*: \d+\.\d% in .* s on \S+, 0 s left", said)


def test_a_users_own_file_travels_with_its_cells(reports: Path) -> None:
    own = [record for record in trained(reports / "there") if record["model"] == "own"]
    assert sorted((record["seed"], record["status"]) for record in own) == [(1, "ok"), (2, "ok")]


def test_a_worker_that_would_end_in_other_bits_is_refused_with_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster(tmp_path) as started:
        started.start_worker("old", ATEN_CPU_CAPABILITY="default")
        where = ("--reports", str(tmp_path / "r"), "--cluster", started.address)
        assert main([*TINY, *where]) == 2
    own = machine.environment().instruction_set
    said = capsys.readouterr().err
    (line,) = [x for x in said.splitlines() if x.startswith("bench.compare:")]
    assert "is refused: instruction_set is DEFAULT there and " + own in line
    assert not (tmp_path / "r").exists()


def lose_a_worker(folder: Path, seconds: float) -> None:
    """A run of eight cells and two controls, one of whose two workers dies meanwhile."""
    with cluster(folder, "one", "two") as started:
        request = (*TINY, "--seeds", "4", "--reports", str(folder), "--name", "x")
        process = compare(*request, "--cluster", started.address)
        assert process.stderr is not None
        said = ""
        while "training" not in said:
            said += process.stderr.readline()
        time.sleep(seconds)
        started.kill_worker("two")
        code, rest = finish(process)
        assert code == 0, said + rest
    keys = Counter(record["key"] for record in trained(folder / "x"))
    assert len(keys) == 10
    assert set(keys.values()) == {1}
    assert all(record["status"] == "ok" for record in trained(folder / "x"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_whenever_a_worker_dies_no_cell_is_lost_or_stored_twice(
    tmp_path: Path, number: int
) -> None:
    lose_a_worker(tmp_path, random.Random(number).uniform(0, 8))


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_run_in_a_line_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path, "one") as started:
        request = (*TINY, "--seeds", "3", "--reports", str(tmp_path), "--name", "x")
        there = (*request, "--cluster", started.address)
        process = compare(*there)
        assert process.stderr is not None
        said = ""
        while "[1/8]" not in said:
            said += process.stderr.readline()
        started.kill_scheduler()
        code, rest = finish(process)
        before = trained(tmp_path / "x")
        (line,) = [x for x in rest.splitlines() if x.startswith("bench.compare:")]
        assert code == 1
        assert line.startswith(f"bench.compare: the scheduler at {started.address} is lost; what")
        assert "Traceback" not in rest
        assert 1 <= len(before) < 8
        started.kill_worker("one")
        started.start_scheduler()
        started.start_worker("again")
        run(*there)
    keys = Counter(record["key"] for record in trained(tmp_path / "x"))
    assert len(keys) == 8
    assert set(keys.values()) == {1}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_with_the_certificates_of_the_docs_a_cluster_trains_and_without_them_it_refuses(
    tmp_path: Path,
) -> None:
    section = (REPOSITORY / "docs" / "cluster.md").read_text().partition("## TLS")[2]
    lines = section.partition("\n## ")[0].splitlines()
    for line in lines:
        if line.startswith("openssl "):
            subprocess.run(shlex.split(line), cwd=tmp_path, check=True, capture_output=True)
    request = ("--models", "dnn", "--epochs", "1", "--seeds", "1", "--devices", "cpu")
    with pytest.MonkeyPatch.context() as patch:
        for word in shlex.split(" ".join(x for x in lines if x.startswith("export "))):
            name, _, value = word.partition("=")
            if value:
                patch.setenv(name, value)
        with cluster(tmp_path, "one", options=("--protocol", "tls")) as started:
            assert started.address.startswith("tls://")
            where = (*request, "--cluster", started.address)
            run(*where, "--name", "local-with", folder=tmp_path)
            for name in list(os.environ):
                if name.startswith("DASK_DISTRIBUTED__COMM__"):
                    patch.delenv(name)
            code, said = finish(compare(*where, "--name", "local-without", folder=tmp_path))
    (record,) = trained(tmp_path / "reports" / "local-with")
    assert record["status"] == "ok"
    assert code == 2
    assert "no scheduler answers there (TLS expects" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "reports" / "local-without").exists()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("nonsense", "--cluster 'nonsense' is no address; give what `dask scheduler` prints"),
        ("tcp://10.0.0.1:port", "is no address"),
        ("tcp://10.0.0.1:99999", "is no address"),
    ],
)
def test_what_can_be_no_address_is_answered_before_anything_is_loaded(
    address: str, expected: str
) -> None:
    done = run_module("bench.compare", "--cluster", address)
    assert done.returncode == 2
    assert done.stderr.startswith("bench.compare: ")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_dask_the_option_says_what_to_install_and_all_else_works() -> None:
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from bench.compare import main\n"
        "raise SystemExit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--cluster", "tcp://127.0.0.1:8786"],
        cwd=REPOSITORY,
        env=outside_pytest(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "which is not installed; pip install 'distributed'" in done.stderr
    assert done.stderr.count("\n") == 1
    require_address(None)


def test_an_address_without_a_scheduler_is_answered_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.cluster import connection
    from bench.cluster.expected import Expected

    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    nobody = connection.connected(
        "tcp://127.0.0.1:1", Expected(decisive={"cpu": {}}, tag="x"), print
    )
    with pytest.raises(RequestError, match="no scheduler answers there") as found, nobody:
        pass
    assert "\n" not in str(found.value)
    assert not [*tmp_path.iterdir()]


def test_a_cluster_without_a_worker_is_answered_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.cluster import connection
    from bench.cluster.expected import Expected

    monkeypatch.setattr(connection, "JOIN_SECONDS", 0.5)
    with cluster(tmp_path) as started:
        empty = connection.connected(
            started.address, Expected(decisive={"cpu": {}}, tag="x"), lambda _: None
        )
        with pytest.raises(RequestError, match="has no worker that can train on cpu"), empty:
            pass
