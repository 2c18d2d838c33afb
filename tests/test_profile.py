from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest
import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]

from bench.profile import main
from bench.records import kinds
from bench.records.kinds import OperatorTime
from bench.records.store import Store, of_kind
from bench.report.profiles import profiles
from bench.results.runs import Results, read
from bench.timing import profiling as traces
from bench.timing.profiling import STEPS, split
from tests.boards import board, get, until
from tests.factories import request_record
from tests.programs import REPOSITORY, outside_pytest, run_module


@pytest.fixture(scope="module")
def without_report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The folder that profiling two networks leaves without a report, and what was printed."""
    folder = tmp_path_factory.mktemp("profiled")
    arguments = ["--models", "net,dnn", "--devices", "cpu", "--reports", ".", "--name", "run"]
    done = run_module("bench.profile", *arguments, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run", done.stdout, done.stderr


@pytest.fixture(scope="module")
def results(trained_report: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A report one of whose networks has been profiled twice."""
    folder = tmp_path_factory.mktemp("reports") / "run"
    shutil.copytree(trained_report, folder)
    where = ["--reports", str(folder.parent), "--name", folder.name]
    for _ in range(2):
        assert main(["--models", "lenet", "--devices", "cpu", *where, "--quiet"]) == 0
    assert "## Where training time goes" in (folder / "report.md").read_text()
    store = Store(folder)
    assert {record.run for record in of_kind(store.read(), kinds.Profile)} == {
        store.latest_request().key
    }
    return read(store)


def test_without_a_report_the_traces_stay_and_the_next_step_is_told(
    without_report: tuple[Path, str, str],
) -> None:
    folder, output, errors = without_report
    assert "python -m bench.compare makes one" in output
    assert "aten::" in output
    assert errors == ""
    assert [path.name for path in folder.iterdir()] == ["traces"]
    traces = sorted(path.relative_to(folder / "traces") for path in folder.rglob("*.json"))
    assert [str(path.parent) for path in traces] == ["dnn-cpu", "net-cpu"]
    assert all(path.name.endswith(".pt.trace.json") for path in traces)


def test_a_profile_replaces_the_earlier_one(results: Results) -> None:
    (profile,) = results.profiles
    assert (profile.model, profile.device) == ("lenet", "cpu")
    operators = [time.operator for time in profile.operators]
    assert len(operators) == len(set(operators)) == 9
    assert operators[-1] == "other"
    shares = [time.self_time_share for time in profile.operators]
    assert sum(shares) == pytest.approx(1)
    assert shares[:-1] == sorted(shares[:-1], reverse=True)


def test_a_training_step_of_lenet_runs_all_three_convolutions_backwards(results: Results) -> None:
    (profile,) = results.profiles
    calls = {time.operator: time.calls for time in profile.operators}
    # Each training step runs each of the document's three convolutions backwards once.
    assert calls["aten::convolution_backward"] == 3 * profile.steps


def test_shares_are_of_all_time_and_the_rest_is_summed() -> None:
    # 10 + 9 + ... + 1 = 55; the eight largest leave 2 and 1, called 2 and 1 times.
    events = [(f"op{time}", float(time), time) for time in range(1, 11)]
    times = split(events)
    assert [time.operator for time in times] == [f"op{n}" for n in range(10, 2, -1)] + ["other"]
    assert [time.self_time_share for time in times] == pytest.approx(
        [n / 55 for n in range(10, 2, -1)] + [3 / 55]
    )
    assert times[-1].calls == 3


def test_of_several_profiles_the_fastest_is_told_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def profiled(share: float, seconds: float) -> tuple[Mock, float]:
        events = [("aten::mm", share * 90.0), ("aten::add", (1 - share) * 90.0)]
        averages = [
            Mock(key=key, self_cpu_time_total=time, count=20, device_type=DeviceType.CPU)
            for key, time in events
        ]
        return Mock(key_averages=lambda: averages), seconds

    made = [profiled(0.9, 0.3), profiled(0.8, 0.12), profiled(0.7, 0.1), profiled(0.6, 0.15)]
    waiting = iter(made)
    written: list[object] = []
    monkeypatch.setattr(traces, "PROFILES", len(made))
    monkeypatch.setattr(traces, "_profile", lambda _: next(waiting))
    monkeypatch.setattr(traces, "tensorboard_trace_handler", lambda *_, **__: written.append)
    times = traces.profile_training(Mock(device=torch.device("cpu")), tmp_path)
    assert written == [made[2][0]]
    assert [time.self_time_share for time in times] == pytest.approx([0.7, 0.3])


def test_a_profile_is_timed_over_the_steps_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[None] = []
    monkeypatch.setattr(traces, "_now", lambda _: float(len(done)))  # a step takes a second
    runner = Mock(device=torch.device("cpu"), step=lambda: done.append(None))
    assert traces._profile(runner)[1] == STEPS


def test_time_outside_operators_is_named_in_words() -> None:
    (python,) = split([("ProfilerStep*", 2.0, 1)])
    assert (python.operator, python.self_time_share) == ("between operators", 1.0)


@pytest.fixture
def unprofiled() -> Results:
    return Results(request=request_record([], ["net"]), runs=(), speeds={}, counts={}, failures=())


def test_the_report_shows_shares_and_calls_per_step(unprofiled: Results) -> None:
    found = [
        kinds.Profile(
            key=model,
            experiment=kinds.PROFILE,
            run="request",
            model=model,
            device="cpu",
            steps=10,
            operators=(
                OperatorTime(operator="aten::mm", self_time_share=share, calls=30),
                OperatorTime(operator="other", self_time_share=0.6, calls=5),
            ),
        )
        for model, share in (("net", 0.4), ("dnn", 0.5))
    ]
    lines = profiles(replace(unprofiled, profiles=tuple(found))).splitlines()
    assert "- `aten::mm`: 40.00% to 50.00%, in `net` on cpu, `dnn` on cpu" in lines
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "| `net`" in line]
    assert rows == [
        ["`net`", "cpu", "`aten::mm`", "40.00%", "3.0"],
        ["`net`", "cpu", "other", "60.00%", "0.5"],
    ]


def test_without_profiles_there_is_no_section(unprofiled: Results) -> None:
    assert profiles(unprofiled) == ""


def test_tensorboard_opens_the_traces(
    without_report: tuple[Path, str, str], tmp_path: Path
) -> None:
    with board(without_report[0] / "traces", tmp_path / "log") as ask:

        def plugin(route: str, **query: str) -> Any:
            return ask(f"pytorch_profiler/{route}", **query)

        until(lambda: plugin("runs")["runs"] == ["dnn-cpu", "net-cpu"])
        views = plugin("views", run="net-cpu")
        assert {"Overview", "Operator", "Trace", "Memory"} <= set(views)
        (worker,) = plugin("workers", run="net-cpu", view="Operator")
        (span,) = plugin("spans", run="net-cpu", worker=worker)
        where = {"run": "net-cpu", "worker": worker, "span": span}
        operators = plugin("operation/table", **where, group_by="Operation")
    calls = {row["name"]: row["calls"] for row in operators["data"]}
    assert calls["aten::convolution_backward"] == 2 * STEPS  # the two convolutions of `net`


@pytest.mark.slow
def test_open_shows_overview_and_operators_without_a_network_and_ends_well_on_ctrl_c(
    tmp_path: Path, browser: Any
) -> None:
    arguments = ["--models", "net", "--devices", "cpu", "--reports", str(tmp_path), "--name", "x"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.profile", *arguments, "--open"],
        cwd=REPOSITORY,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = next(
            found.group() for line in process.stdout if (found := re.search(r"http://\S+/", line))
        )
        until(lambda: json.loads(get(f"{address}data/plugin/pytorch_profiler/runs"))["runs"] != [])
        started = psutil.Process(process.pid).children(recursive=True)
        _look(browser.new_page(), address)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert not any(child.is_running() for child in psutil.wait_procs(started, timeout=10)[1])


def _look(page: Any, address: str) -> None:
    """Opens two views of the profile of `net`, and checks what each shows."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(60_000)
    page.goto(address)
    plugin = page.frame_locator("iframe")

    def choose(view: str) -> None:
        plugin.locator("[role=button][aria-haspopup=listbox]").nth(1).click()
        plugin.locator("[role=option]", has_text=view).click()

    choose("Overview")
    row = plugin.locator("main tr", has_text="Average Step Time")
    assert float(row.locator("td").nth(1).inner_text().replace(",", "")) > 0  # microseconds
    steps = plugin.locator("main .barlayer .trace").nth(1)  # CPU Exec; a DataLoader there is not
    steps.wait_for()
    assert steps.locator(".point").count() == STEPS
    choose("Operator")
    plugin.locator("main .pielayer .slice").first.wait_for()
    assert plugin.locator("main .pielayer .trace").count() == 2  # own time, and with what it calls
    row = plugin.locator("main tr", has=page.get_by_text("aten::convolution_backward", exact=True))
    assert row.locator("td").nth(1).inner_text() == str(2 * STEPS)  # the two convolutions of `net`
    assert {url for url in asked if not url.startswith((address, "data:", "blob:"))} == set()
