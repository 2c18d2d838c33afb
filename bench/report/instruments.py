"""How far two instruments agree on speed: this suite's own and pytest-benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results.runs import Results
from bench.writing.templates import render

PYTEST_BENCHMARK = "pytest-benchmark"  # the experiment's name in the records
AGREEMENT = 0.10


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One workload, in samples per second by each instrument.

    Attributes:
        model: Registry name.
        device: Where it ran.
        phase: `train`, `inference` or `latency`.
        theirs: By pytest-benchmark.
        beside: By this suite's clock, right before and after.
    """

    model: str
    device: str
    phase: str
    theirs: float
    beside: float

    @property
    def from_beside(self) -> float:
        """By how much pytest-benchmark's number is larger than the one beside it; a fraction."""
        return self.theirs / self.beside - 1


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How many differences are small.

    Attributes:
        workloads: How many were compared.
        beyond: Those that differ by more than `AGREEMENT`, each with its difference.
    """

    workloads: int
    beyond: tuple[tuple[Workload, float], ...]

    @property
    def within(self) -> int:
        """How many differ by no more."""
        return self.workloads - len(self.beyond)


@dataclass(frozen=True, kw_only=True)
class InstrumentsView:
    """What the section on the two instruments shows.

    Attributes:
        rows: One for each workload.
        beside: Agreement of the numbers that were taken side by side.
        limit: The largest difference that counts as agreement.
    """

    rows: tuple[Workload, ...]
    beside: Agreement
    limit: float = AGREEMENT


def instruments(results: Results) -> str:
    """Samples per second by both, and where they disagree; nothing without pytest-benchmark's."""
    view = instruments_view(results)
    return render(Path(__file__).parent, "instruments", view) if view.rows else ""


def instruments_view(results: Results) -> InstrumentsView:
    """The workloads that both instruments timed."""
    rows = tuple(
        Workload(
            model=timed.model,
            device=timed.device,
            phase=timed.phase,
            theirs=timed.samples_per_second,
            beside=timed.own_samples_per_second,
        )
        for timed in results.clocks
    )
    return InstrumentsView(
        rows=rows,
        beside=_agreement([(row, row.from_beside) for row in rows]),
    )


def _agreement(differences: Sequence[tuple[Workload, float]]) -> Agreement:
    return Agreement(
        workloads=len(differences),
        beyond=tuple((row, by) for row, by in differences if abs(by) > AGREEMENT),
    )
