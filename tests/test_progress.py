"""What a user sees while a run goes on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from rich.console import Console

import zoo
from bench.cells.plan import Cell
from bench.cli import progress
from bench.cli.progress import LiveProgress, PlainProgress, Progress
from bench.cli.standings import Standings
from tests.factories import RECIPE, failed_record, train_record

FINE = train_record("dnn", 1, 386, train_seconds=1.26)  # 96.5% of 400
BROKEN = msgspec.structs.replace(failed_record("dnn", 2), error="ValueError: [red] is too small")


def cell(model: str, seed: int, device: str = "cpu") -> Cell:
    return Cell(
        spec=zoo.get(model),
        recipe=RECIPE,
        dataset="digits",
        recipe_name="common",
        seed=seed,
        device=device,
    )


def show(shown: Progress) -> None:
    """A run of four cells of which one is recorded and one fails."""
    shown.training([cell("dnn", 1), cell("dnn", 2), cell("net", 1)], 4, 2)
    shown.kept(train_record("net", 2, 380))
    shown.trained(FINE)
    shown.trained(BROKEN)
    shown.begins("fitting 2 reference predictors")
    shown.measuring("6 workloads", 20)
    shown.measured(20)
    shown.close()


def lines(standings: Standings, width: int = 80, fit: int = 99) -> list[str]:
    """The table as a terminal shows it."""
    screen = io.StringIO()
    Console(file=screen, width=width).print(standings.table(width, fit))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def standings(waiting: Sequence[Cell], side_by_side: int = 1) -> Standings:
    return Standings(waiting, side_by_side)


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


def test_a_terminal_keeps_what_failed_and_what_takes_a_while_and_nothing_else() -> None:
    screen = io.StringIO()
    show(LiveProgress(Console(file=screen, force_terminal=True, width=80)))
    text = screen.getvalue()
    assert "dnn seed 2 cpu: FAILED, ValueError: [red] is too small" in text
    assert "fitting 2 reference predictors" in text
    assert "measuring 6 workloads" in text
    # At the end every line of the last frame is erased.
    last_frame, erased = text[text.rindex("network") :].split("\x1b[?25h")
    assert erased.count("\x1b[2K") == last_frame.count("\n") == 5


def test_a_line_says_what_is_done_the_mean_the_last_loss_and_what_runs() -> None:
    shown = standings([cell("dnn", 1), cell("net", 1), cell("dnn", 2), cell("net", 3)], 2)
    shown.kept(train_record("net", 2, 380))  # 95% of 400; the records' last loss is 0.5
    shown.trained(train_record("dnn", 1, 386, training_curve=[(100, 1.0), (200, 0.25)]))
    head, *rows = (line.split() for line in lines(shown))
    assert head == ["network", "done", "accuracy", "loss", "now"]
    assert rows == [
        ["dnn", "1/2", "96.50%", "0.2500", "seed", "2"],
        ["net", "1/3", "95.00%", "0.5000", "seed", "1"],
    ]
    shown.trained(train_record("net", 1, 384))  # 96%, and the mean of both is 95.5%
    shown.trained(failed_record("dnn", 2))
    assert [line.split() for line in lines(shown)[1:]] == [
        ["dnn", "2/2", "96.50%", "0.2500", "1", "failed"],
        ["net", "2/3", "95.50%", "0.5000", "seed", "3"],
    ]


def test_a_network_without_a_run_has_no_numbers_and_waits() -> None:
    (row,) = lines(standings([cell("dnn", 1), cell("net", 1)]))[2:]
    assert row.split() == ["net", "0/1", "-", "-", "waits"]


def test_devices_are_named_where_there_are_several() -> None:
    rows = lines(standings([cell("dnn", 1), cell("dnn", 1, "cuda")]))[1:]
    assert [row[:8].strip() for row in rows] == ["dnn cpu", "dnn cuda"]


@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_line_is_wider_than_the_terminal_or_goes_on_in_the_next(width: int) -> None:
    names = ("lenet5-sigmoid-max", "torchvision:mobilenet_v3_large", "lenet")
    cells = [
        replace(cell("lenet", seed), spec=replace(zoo.get("lenet"), name=name))
        for seed in range(1, 41)
        for name in names
    ]
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=24)
    shown = LiveProgress(console)
    shown.training(cells, len(cells), 16)
    shown.trained(train_record("lenet", 1, 386))
    shown.trained(failed_record("lenet5-sigmoid-max", 1))
    for _ in ("training", "measuring"):
        screen = io.StringIO()
        Console(file=screen, width=width, height=24).print(shown.live.get_renderable())
        # Headings, a line for each network, a space, the bar: one that went on would add to them.
        assert len(screen.getvalue().splitlines()) == 1 + len(names) + 1 + 1
        shown.measuring("123 workloads by 5 processes", 8)
    shown.close()


def test_a_low_terminal_shows_what_runs_before_what_waits_and_what_is_done() -> None:
    models = ("dnn", "net", "lenet", "cnn", "lenet-rgb")
    shown = standings([cell(model, 1) for model in models], 1)
    shown.trained(train_record("dnn", 1, 386))
    rows = lines(shown, fit=3)[1:]
    assert [row.split()[0] for row in rows] == ["net", "lenet", "and"]
    assert rows[-1] == "and 3 more"


def test_a_quiet_run_says_nothing_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress.choose(quiet=True)
    show(shown)
    assert capsys.readouterr() == ("", "")
    assert (shown.done, shown.total) == (3, 4)
