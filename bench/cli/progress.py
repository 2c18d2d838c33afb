"""What a user sees while a run goes on: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.records.kinds import Train
from bench.records.text import one_line

if TYPE_CHECKING:
    from rich.console import Console


NAMED = 4  # of the cells that are training, in the line of a bar


class Progress:
    """Shows nothing; the base of those that show something."""

    def training(self, waiting: Sequence[str], total: int, side_by_side: int) -> None:
        """Training begins: the cells still to run, of how many, how many at once."""

    def trained(self, record: Train) -> None:
        """A cell is done; this is its record."""

    def begins(self, what: str) -> None:
        """Something begins that takes a while and of which nothing is shown but this."""

    def measuring(self, what: str, rounds: int) -> None:
        """Measuring begins, after all training: what is measured, in so many rounds."""

    def measured(self, rounds: int) -> None:
        """So many rounds of measuring are done."""

    def close(self) -> None:
        """Nothing more will come."""


class PlainProgress(Progress):
    """A line per cell, for logs and pipes."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.found = 0
        self.started = 0.0

    def training(self, waiting: Sequence[str], total: int, side_by_side: int) -> None:
        self.total, self.found = total, total - len(waiting)
        self.done, self.started = self.found, time.monotonic()
        if self.found:
            _say(f"{self.found} of {total} cells are recorded already")
        if waiting:
            _say(f"training {len(waiting)} cells, {side_by_side} at a time")

    def trained(self, record: Train) -> None:
        self.done += 1
        per_cell = (time.monotonic() - self.started) / (self.done - self.found)
        left = per_cell * (self.total - self.done)
        said = f"{record}: {_outcome(record)}{_where(record)}"
        _say(f"[{self.done}/{self.total}] {said}, {_duration(left)} left")

    def begins(self, what: str) -> None:
        _say(what)

    def measuring(self, what: str, rounds: int) -> None:
        _say(f"measuring {what} in {rounds} rounds")


class LiveProgress(Progress):
    """A bar with what runs, how many cells are done and the time left."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self.waiting: list[str] = []
        self.side_by_side = 1
        self.last = ""  # what came from a cluster's workers, and from which
        self.cells: Any = None
        self.rounds: Any = None

    def training(self, waiting: Sequence[str], total: int, side_by_side: int) -> None:
        self.waiting, self.side_by_side = list(waiting), side_by_side
        self.bars.start()
        self.cells = self.bars.add_task("", total=total, completed=total - len(waiting))
        self._describe()

    def trained(self, record: Train) -> None:
        self.waiting.remove(str(record))
        if record.status != "ok":
            self._print(f"{record}: {_outcome(record)}{_where(record)}", style="red")
        if record.worker is not None:
            self.last = f"; last: {record}{_where(record)}"
        self.bars.advance(self.cells)
        self._describe()

    def begins(self, what: str) -> None:
        self._print(what)

    def measuring(self, what: str, rounds: int) -> None:
        self.rounds = self.bars.add_task(f"measuring {what}", total=rounds)

    def measured(self, rounds: int) -> None:
        self.bars.update(self.rounds, completed=rounds)

    def close(self) -> None:
        self.bars.stop()

    def _print(self, line: str, style: str | None = None) -> None:
        # An error's brackets are no markup.
        self.bars.console.print(one_line(line), style=style, markup=False, highlight=False)

    def _describe(self) -> None:
        # Cells start in order, so the first of those waiting are the ones that run.
        running = self.waiting[: self.side_by_side]
        named = ", ".join(running[:NAMED])
        more = f" and {len(running) - NAMED} more" if len(running) > NAMED else ""
        words = f"training {named}{more}{self.last}" if running else "trained"
        self.bars.update(self.cells, description=words)


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


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _say(line: str) -> None:
    print(one_line(line), file=sys.stderr, flush=True)
