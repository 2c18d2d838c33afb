"""What a user sees while a run goes on."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from bench.cli import progress
from bench.cli.progress import LiveProgress, PlainProgress, Progress

FINE: dict[str, Any] = {"status": "ok", "test_accuracy": 0.964, "train_seconds": 1.26}
BROKEN: dict[str, Any] = {"status": "failed", "error": "ValueError: [red] is too small"}


def show(shown: Progress) -> None:
    """A run of four cells of which one is recorded and one fails."""
    shown.training(["dnn 1", "dnn 2", "net 1"], 4, 2)
    shown.trained("dnn 1", FINE)
    shown.trained("dnn 2", BROKEN)
    shown.begins("fitting 2 baselines")
    shown.measuring(6)
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
        "[2/4] dnn 1: 96.4% in 1.3 s, 20 s left",  # 10 s for one, two are left
        "[3/4] dnn 2: FAILED, ValueError: [red] is too small, 30 s left",  # 60 s for 2
        "fitting 2 baselines",
        "measuring 6 workloads in 20 interleaved rounds",
    ]
    assert out == ""


def test_a_terminal_shows_what_runs_what_failed_and_what_takes_a_while() -> None:
    screen = io.StringIO()
    show(LiveProgress(Console(file=screen, force_terminal=True, width=120)))
    text = screen.getvalue()
    assert "dnn 2: FAILED, ValueError: [red] is too small" in text
    assert "fitting 2 baselines" in text
    assert "training net 1" in text
    assert "measuring 6 workloads" in text
    assert "96.4%" not in text  # what went well needs no line


def test_a_run_without_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show(progress.choose(quiet=True))
    assert capsys.readouterr() == ("", "")
