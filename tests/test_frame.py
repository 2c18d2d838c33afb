"""Whatever ends a command: one line, a fixed exit code, no traceback."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

import bench
import zoo
from bench.cells.processes import ForkedProcess
from bench.cli import frame
from bench.cli.frame import framed
from bench.cli.parser import Parser, command
from bench.records.errors import RequestError
from bench.records.store import Store
from tests.factories import train_record
from tests.programs import REPOSITORY, outside_pytest, run_module


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RequestError("no such thing"), 2, "no such thing"),
        (KeyboardInterrupt(), 130, "stopped; what is finished is recorded"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 74, "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 74, "'/x'"),
        (MemoryError(), 74, "memory is short"),
        (SystemExit(0), 70, "asked Python to exit (0)"),
        (SystemExit(3), 70, "asked Python to exit (3)"),
        (RequestError("one\nof \x1b[31m red \x07"), 2, r"one of \x1b[31m red \x07"),
    ],
)
def test_what_ends_a_command_is_one_line_and_a_fixed_code(
    capfd: pytest.CaptureFixture[str], error: BaseException, code: int, says: str
) -> None:
    monitored = os.dup(1)  # a broken stdout is let go of
    try:
        assert framed("bench.x", raising(error)) == code
    finally:
        os.dup2(monitored, 1)
        os.close(monitored)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("bench.x: ")
    assert says in line


def test_an_error_of_the_program_itself_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        framed("bench.x", raising(ZeroDivisionError()))


def test_help_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    @command("bench.x")
    def main(arguments: list[str] | None) -> int:
        Parser("bench.x", "what it does").parse_args(arguments)
        return 1

    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "what it does" in capsys.readouterr().out


TERMINATED = """
import sys, time
from bench.cli.parser import command

@command("bench.x")
def main(arguments):
    try:
        print("runs", flush=True)
        time.sleep(60)
        return 0
    finally:
        print("tidied up", flush=True)

raise SystemExit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_tidies_up_and_is_told_in_one_line(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINATED],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert out == "tidied up\n"
    (line,) = err.splitlines()
    assert line.startswith("bench.x: stopped")
    assert process.returncode == 128 + number


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line],
        cwd=REPOSITORY,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY), "PY": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_closed_pipe_ends_a_command_without_a_word() -> None:
    result = shell(
        '"$PY" -m bench.diff digits-common-cpu digits-common-cpu | true; exit $PIPESTATUS'
    )
    assert (result.returncode, result.stderr) == (frame.EXIT_CLOSED_PIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    result = shell('"$PY" -m bench.diff digits-common-cpu digits-common-cpu > /dev/full')
    assert result.returncode == frame.EXIT_NO_INPUT_OR_OUTPUT
    (line,) = result.stderr.splitlines()
    assert "No space left on device" in line


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3_000])
def test_a_name_that_is_too_long_for_the_disk_is_one_line(name: str) -> None:
    result = run_module("bench.report", name)
    assert result.returncode in (2, frame.EXIT_NO_INPUT_OR_OUTPUT)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "ends", ["import sys; sys.exit(0)", "raise SystemExit(3)", "raise BaseException('no')", "1 / 0"]
)
def test_a_users_file_that_exits_is_an_error_and_no_success(tmp_path: Path, ends: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(ends)
    with pytest.raises(zoo.ExtensionError, match=r"mine\.py"):
        zoo.add(file)


class Exits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_meta and self.training:
            sys.exit(0)
        answers: Tensor = self.layer(x.flatten(1))
        return answers


def test_a_network_that_exits_is_a_failed_cell_and_the_report_is_written(tmp_path: Path) -> None:
    exits = replace(zoo.get("dnn"), name="exits", aliases=(), layers=None, build=Exits)
    options: dict[str, Any] = {"seeds": 1, "epochs": 1, "jobs": 1, "devices": ["cpu"], "rounds": 0}
    with zoo.temporary(exits):
        outcome = bench.run(["dnn", "exits"], name="local-x", reports=tmp_path, **options)
    assert (outcome.folder / "report.md").is_file()
    assert outcome.failed
    assert "SystemExit: 0" in " ".join(outcome.results.failures)


def test_a_damaged_record_is_told_in_one_line_and_the_command_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "x")
    store.append(train_record("lenet", 1, 390))
    store.path.write_bytes(store.path.read_bytes().replace(b'"seed":1', b'"seed":3'))
    result = run_module("bench.report", "x", "--reports", str(tmp_path))
    assert result.returncode == 2
    warning, refusal = result.stderr.splitlines()
    assert "bench.report: warning: line 1 of" in warning
    assert "its checksum does not fit" in warning
    assert "no comparison is recorded" in refusal


def test_ctrl_c_while_cells_train_says_what_is_kept_and_what_goes_on(tmp_path: Path) -> None:
    options = [
        *("--models", "lenet,dnn", "--seeds", "4", "--epochs", "200", "--jobs", "2"),
        *("--devices", "cpu", "--reports", str(tmp_path), "--name", "local-x"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.compare", *options, "--fresh"],
        cwd=REPOSITORY,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("training"), line
    time.sleep(4)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: all get it
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    kept = sum(x.startswith("[") for x in err.splitlines())
    assert [x for x in err.splitlines() if not x.startswith("[")] == [
        f"bench.compare: stopped; {kept} of 10 runs are kept in '{tmp_path / 'local-x'}', and this "
        f"goes on from there: python -m bench.compare {' '.join(options)}"
    ]


def test_workers_let_ctrl_c_pass_and_the_main_process_does_not() -> None:
    with ForkedProcess(signal.getsignal) as process:
        process.ask("__call__", signal.SIGINT)
        assert process.answer() == signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) != signal.SIG_IGN
