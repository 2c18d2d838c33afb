"""What a user sees while a run goes on: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cells.plan import Cell
from bench.cli.standings import Standings
from bench.cli.values import duration
from bench.records.kinds import Train
from bench.records.text import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

BAR_WIDTH = 20
AROUND = 6  # lines of a terminal beside those of the networks: headings, bar, what was said last


class Progress:
    """Shows nothing, but counts; the base of those that show something.

    Attributes:
        total: Runs of all, those included that were recorded before.
        done: Those of them that are recorded now.
    """

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self._found = 0
        self._started = 0.0

    def training(self, waiting: Sequence[Cell], total: int, side_by_side: int) -> None:  # noqa: ARG002
        """Training begins: the cells still to run, of how many, how many at once."""
        self.total, self._found = total, total - len(waiting)
        self.done, self._started = self._found, time.monotonic()

    def kept(self, record: Train) -> None:
        """This is the record of a cell that is not trained again."""

    def trained(self, record: Train) -> None:  # noqa: ARG002
        """A cell is done; this is its record."""
        self.done += 1

    def begins(self, what: str) -> None:
        """Something begins that takes a while and of which nothing is shown but this."""

    def measuring(self, what: str, rounds: int) -> None:
        """Measuring begins, after all training: what is measured, in so many rounds."""

    def measured(self, rounds: int) -> None:
        """So many rounds of measuring are done."""

    def close(self) -> None:
        """Nothing more will come."""

    def _left_seconds(self) -> float:
        """How long the cells that are left will take, if they take as long as those before."""
        per_cell = (time.monotonic() - self._started) / (self.done - self._found)
        return per_cell * (self.total - self.done)


class PlainProgress(Progress):
    """A line per cell, for logs and pipes."""

    def training(self, waiting: Sequence[Cell], total: int, side_by_side: int) -> None:
        super().training(waiting, total, side_by_side)
        if self._found:
            _say(f"{self._found} of {total} cells are recorded already")
        if waiting:
            _say(f"training {len(waiting)} cells, {side_by_side} at a time")

    def trained(self, record: Train) -> None:
        super().trained(record)
        left = duration(self._left_seconds())
        said = f"{record}: {_outcome(record)}{_where(record)}"
        _say(f"[{self.done}/{self.total}] {said}, {left} left")

    def begins(self, what: str) -> None:
        _say(what)

    def measuring(self, what: str, rounds: int) -> None:
        _say(f"measuring {what} in {rounds} rounds")


class LiveProgress(Progress):
    """A table with a line for each network, and one bar with the time left.

    Both are gone at the end, when what they led to is printed; what failed stays.
    """

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        super().__init__()
        self.console = console
        self.standings = Standings()
        self._what = ""  # what the bar is about, of how many parts, how many of them are done
        self._parts = 0
        self._parts_done = 0
        self._began = 0.0
        self._ends: float | None = None  # when it will be done, as far as that is known
        self.live = Live(
            console=console, get_renderable=self._view, refresh_per_second=4, transient=True
        )

    def training(self, waiting: Sequence[Cell], total: int, side_by_side: int) -> None:
        super().training(waiting, total, side_by_side)
        self.standings = Standings(waiting, side_by_side)
        self._begin("training", total, self._found)
        self.live.start(refresh=True)

    def kept(self, record: Train) -> None:
        self.standings.kept(record)

    def trained(self, record: Train) -> None:
        super().trained(record)
        self.standings.trained(record)
        if record.status != "ok":
            self._print(f"{record}: {_outcome(record)}{_where(record)}", style="red")
        self._parts_done = self.done
        self._ends = time.monotonic() + self._left_seconds()

    def begins(self, what: str) -> None:
        self._print(what)

    def measuring(self, what: str, rounds: int) -> None:
        self._begin(f"measuring {what}", rounds, 0)
        self.live.start(refresh=True)

    def measured(self, rounds: int) -> None:
        self._parts_done = rounds
        if rounds:
            now = time.monotonic()
            self._ends = now + (now - self._began) / rounds * (self._parts - rounds)

    def close(self) -> None:
        self.live.stop()

    def _begin(self, what: str, parts: int, done: int) -> None:
        self._what, self._parts, self._parts_done = what, parts, done
        self._began, self._ends = time.monotonic(), None

    def _print(self, line: str, style: str = "") -> None:
        from rich.text import Text  # where an error's brackets are no markup

        self.console.print(Text(one_line(line), style=style))

    def _view(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = Table.grid(padding=(0, 2, 0, 0))
        bar.add_column(no_wrap=True, overflow="ellipsis")
        for _ in range(3):
            bar.add_column(no_wrap=True)
        bar.add_row(
            self._what,
            ProgressBar(total=max(1, self._parts), completed=self._parts_done, width=BAR_WIDTH),
            f"{self._parts_done}/{self._parts}",
            self._left(),
        )
        width, height = self.console.size
        return Group(self.standings.table(width, max(1, height - AROUND)), "", bar)

    def _left(self) -> str:
        if self._ends is None or self._parts_done == self._parts:
            return ""
        return f"{duration(max(0.0, self._ends - time.monotonic()))} left"


def choose(*, quiet: bool) -> Progress:
    """What fits the place that standard error goes to."""
    if quiet:
        return Progress()
    from rich.console import Console

    console = Console(stderr=True)
    return LiveProgress(console) if console.is_terminal else PlainProgress()


def _where(record: Train) -> str:
    """Which worker of a cluster trained it, if one did."""
    if record.worker is None:
        return ""
    return f" on {record.worker.host}"


def _outcome(record: Train) -> str:
    if record.test_accuracy is None or record.train_seconds is None:
        return f"{record.status.upper()}, {record.error}"
    if record.outcome == "diverged":
        return f"DIVERGED at step {record.diverged_at}"
    return f"{record.test_accuracy:.1%} in {record.train_seconds:.1f} s"


def _say(line: str) -> None:
    print(one_line(line), file=sys.stderr, flush=True)
