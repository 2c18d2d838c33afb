"""What a user sees while a run goes on."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from bench.cli import progress
from bench.cli.progress import LiveProgress, PlainProgress, Progress
from tests.factories import failed_record, train_record

FINE = train_record("dnn", 1, 386, train_seconds=1.26)  # 96.5% of 400
BROKEN = msgspec.structs.replace(failed_record("dnn", 2), error="ValueError: [red] is too small")


def show(shown: Progress) -> None:
    """A run of four cells of which one is recorded and one fails."""
    shown.training([str(FINE), str(BROKEN), "net seed 1 cpu"], 4, 2)
    shown.trained(FINE)
    shown.trained(BROKEN)
    shown.begins("fitting 2 reference predictors")
    shown.measuring("6 workloads", 20)
    shown.measured(20)
    shown.close()


def test_a_log_has_a_line_for_each_step_with_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 110.0, 160.0])
    monkeypatch.setattr("bench.cli.progress.time.monotonic", lambda: next(clock))
    show(PlainProgress())
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "1 of 4 cells are recorded already",
        "training 3 cells, 2 at a time",
        "[2/4] dnn seed 1 cpu: 96.5% in 1.3 s, 20 s left",  # 10 s for one, two are left
        "[3/4] dnn seed 2 cpu: FAILED, ValueError: [red] is too small, 30 s left",  # 60 s for 2
        "fitting 2 reference predictors",
        "measuring 6 workloads in 20 rounds",
    ]
    assert out == ""


def test_a_terminal_shows_what_runs_what_failed_and_what_takes_a_while() -> None:
    screen = io.StringIO()
    show(LiveProgress(Console(file=screen, force_terminal=True, width=120)))
    text = screen.getvalue()
    assert "dnn seed 2 cpu: FAILED, ValueError: [red] is too small" in text
    assert "fitting 2 reference predictors" in text
    assert "training net seed 1 cpu" in text
    assert "measuring 6 workloads" in text
    assert "96.5%" not in text  # what went well needs no line


def test_a_run_without_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show(progress.choose(quiet=True))
    assert capsys.readouterr() == ("", "")
