"""How far each network of a run has come, as a table for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.cells.plan import Cell
from bench.records.kinds import Train

if TYPE_CHECKING:
    from rich.table import Table

Kind = tuple[str, str, str, str]  # model, device, recipe, data set: what one line is about
SEEDS_NAMED = 3  # of those that train now
NOW_WIDTH = 20  # columns of a terminal for what a network does now
FIXED_WIDTH = 31 + NOW_WIDTH  # for all but the name, with the space between


@dataclass(kw_only=True)
class Standing:
    """One network's runs so far.

    Attributes:
        waiting: Seeds that train or wait, in order.
        accuracies: Of the runs that went through, fractions in 0..1.
        loss: The last training loss of the run that finished last; None before, or not finite.
        finished: How many runs have a record.
        failed: How many of those did not go through.
    """

    waiting: list[int] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    loss: float | None = None
    finished: int = 0
    failed: int = 0

    @property
    def mean(self) -> float | None:
        """Mean test accuracy; None before the first run."""
        return sum(self.accuracies) / len(self.accuracies) if self.accuracies else None

    def add(self, record: Train) -> None:
        """Counts a run in."""
        self.finished += 1
        self.failed += record.status != "ok"
        if record.test_accuracy is not None:
            self.accuracies.append(record.test_accuracy)
        if record.training_curve:
            self.loss = record.training_curve[-1].loss


class Standings:
    """All networks of a run, in the order in which they are trained.

    Args:
        waiting: What is still to train, in order.
        side_by_side: How many runs go on at a time.
    """

    def __init__(self, waiting: Sequence[Cell] = (), side_by_side: int = 1) -> None:
        self.side_by_side = side_by_side
        self.standings: dict[Kind, Standing] = {}
        self.waiting: list[tuple[Kind, int]] = []
        for cell in waiting:
            kind = (cell.model, cell.device, cell.recipe_name, cell.dataset)
            self.standings.setdefault(kind, Standing()).waiting.append(cell.seed)
            self.waiting.append((kind, cell.seed))

    def kept(self, record: Train) -> None:
        """Counts a run in that was recorded before."""
        self.standings.setdefault(_kind(record), Standing()).add(record)

    def trained(self, record: Train) -> None:
        """Counts a run in that waited until now."""
        kind = _kind(record)
        self.waiting.remove((kind, record.seed))
        self.standings[kind].waiting.remove(record.seed)
        self.standings[kind].add(record)

    def table(self, width: int, lines: int) -> Table:
        """The table, for a terminal with so many columns.

        Args:
            width: Of the terminal.
            lines: How many networks fit; those that train now come first, then those that wait.
        """
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        name_width = max(8, width - FIXED_WIDTH)
        table.add_column("network", no_wrap=True, overflow="ellipsis", max_width=name_width)
        for column in ("done", "accuracy", "loss"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("now", no_wrap=True, overflow="ellipsis", max_width=NOW_WIDTH)
        running = self._running()
        shown = self._shown(running, lines)
        for kind in shown:
            standing = self.standings[kind]
            loss = "-" if standing.loss is None else f"{standing.loss:.4f}"
            mean = "-" if standing.mean is None else f"{standing.mean:.2%}"
            done = f"{standing.finished}/{standing.finished + len(standing.waiting)}"
            now, style = _now(standing, running[kind])
            table.add_row(self._name(kind), done, mean, loss, now, style=style)
        left_out = len(self.standings) - len(shown)
        if left_out:
            table.add_row(f"and {left_out} more", style="dim")
        return table

    def _running(self) -> Counter[Kind]:
        """By network, how many of its runs go on now: they start in order."""
        return Counter(kind for kind, _ in self.waiting[: self.side_by_side])

    def _shown(self, running: Counter[Kind], lines: int) -> list[Kind]:
        """The networks that fit, in the order of all."""
        kinds = [*self.standings]
        if len(kinds) <= lines:
            return kinds
        urgent = sorted(kinds, key=lambda kind: (not running[kind], not self._left(kind)))
        chosen = {*urgent[: max(1, lines - 1)]}
        return [kind for kind in kinds if kind in chosen]

    def _left(self, kind: Kind) -> int:
        return len(self.standings[kind].waiting)

    def _name(self, kind: Kind) -> str:
        """The network, and whatever else tells its line from that of another."""
        varying = [len(set(values)) > 1 for values in zip(*self.standings, strict=True)]
        others = zip(kind[1:], varying[1:], strict=True)
        return " ".join((kind[0], *(part for part, varies in others if varies)))


def _kind(record: Train) -> Kind:
    return (record.model, record.device, record.recipe, record.dataset)


def _now(standing: Standing, running: int) -> tuple[str, str | None]:
    """What a network's line says of this moment, and how it looks."""
    failed = f"{standing.failed} failed" if standing.failed else ""
    if running:
        seeds = ", ".join(map(str, standing.waiting[: min(running, SEEDS_NAMED)]))
        more = f" and {running - SEEDS_NAMED} more" if running > SEEDS_NAMED else ""
        return f"seed {seeds}{more}" + (f"; {failed}" if failed else ""), None
    if failed:
        return failed, "red"
    return ("waits", "dim") if standing.waiting else ("done", None)
