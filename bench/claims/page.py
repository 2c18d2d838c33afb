"""The report on claims: markdown, CSV and figures from what has been decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import pandas as pd

import zoo
from bench.claims.document_errors import Entry
from bench.claims.evidence import Evidence, MissingEvidenceError
from bench.claims.judge import Decision
from bench.claims.tables import (
    claims_table,
    draw_stochastic,
    drifted,
    left,
    lessons,
    measured,
    stochastic,
    summary,
)
from bench.writing.markdown import figure, plural
from bench.writing.style import save

_STOCHASTIC = "one-run"
_STOCHASTIC_CAPTION = (
    "Test accuracy of every seed, the range in which 95% of further runs lie, and the number that "
    "the document prints."
)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What has come of a ledger.

    Attributes:
        decisions: One for every claim.
        entries: The documents' errors to show.
        evidence: What the decisions and entries rest on.
        obstacles: Why something could not be trained or measured.
        failures: What failed.
    """

    decisions: tuple[Decision, ...]
    entries: tuple[Entry, ...]
    evidence: Evidence
    obstacles: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """The claims that lack something."""
        return tuple(decision for decision in self.decisions if decision.verdict is None)

    @property
    def drifting(self) -> tuple[Decision, ...]:
        """The claims that are decided, and not as the ledger has them."""
        return tuple(decision for decision in self.decisions if decision.drift)

    @property
    def agrees(self) -> bool:
        """Whether every claim is decided as the ledger has it, and nothing failed."""
        return not (self.undecided or self.drifting or self.failures)


def write(found: Judgement, folder: Path) -> None:
    """Writes `claims.csv`, `figures/*.svg` and `report.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    claims_frame(found.decisions).to_csv(folder / "claims.csv", index=False)
    figures = _figures(found, folder / "figures")
    lines = [
        "# What the documents claim, checked",
        "",
        summary(found.decisions),
        "",
        *drifted(found.decisions),
        *_failed(found.failures),
        *left(found.decisions, found.obstacles),
        *_reading(),
        *_tables(found.decisions),
        *lessons(found.decisions),
        "",
        *_stochastic(found.decisions, figures),
        *measured(found.decisions),
        "",
        *_errors(found, figures),
        *_method(found),
    ]
    (folder / "report.md").write_text("\n".join(lines).strip() + "\n")


def claims_frame(decisions: Sequence[Decision]) -> pd.DataFrame:
    """One row per claim, unrounded."""
    return pd.DataFrame(
        [
            {
                "claim": decision.claim.id,
                "document": decision.claim.document,
                "place": decision.claim.place,
                "kind": decision.claim.kind,
                "expected": decision.claim.expected,
                "found": _plain(decision),
                "runs": decision.runs,
                "low": decision.interval.low if decision.interval else None,
                "high": decision.interval.high if decision.interval else None,
                "verdict": decision.verdict,
                "verdict_by_numbers": decision.statistical,
                "verdict_in_ledger": decision.claim.verdict,
                "drift": decision.drift or None,
            }
            for decision in decisions
        ]
    ).astype({"runs": "Int64"})


def _plain(decision: Decision) -> object:
    if decision.values:
        return sum(decision.values) / len(decision.values)
    if decision.effects:
        return "; ".join(
            f"{e.name} = {e.value!r} [{e.low!r}, {e.high!r}]" for e in decision.effects
        )
    return decision.found


def _figures(found: Judgement, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    drawn = {}
    path = folder / f"{_STOCHASTIC}.svg"
    if save(partial(draw_stochastic, found.decisions), path, _STOCHASTIC_CAPTION):
        drawn[_STOCHASTIC] = _STOCHASTIC_CAPTION
    for entry in found.entries:
        try:
            save(partial(entry.draw, found.evidence), folder / f"{entry.name}.svg", entry.caption)
        except MissingEvidenceError:
            continue
        drawn[entry.name] = entry.caption
    return drawn


def _failed(failures: Sequence[str]) -> list[str]:
    if not failures:
        return []
    return [f"> **{plural(len(failures), 'failure')}.** " + "; ".join(failures) + ".", ""]


def _reading() -> list[str]:
    return [
        "*How to read it.* An *exact* claim, a count, a shape or a formula, is `reproduced` or "
        "`contradicted`. A *stochastic* one is what a single training run gave: `within noise` if "
        "it lies where 95% of further runs lie, else `contradicted`. A *measured* one, about an "
        "effect, speed or memory, is `reproduced`, `contradicted` or `inconclusive` by a paired "
        "experiment. `misleading` is a number that holds and means something else than it seems "
        "to; what the numbers alone would say stands beside it. A *requirement* is what a document "
        "sets out to do and this suite has to. The same rows, unrounded: [claims.csv](claims.csv).",
        "",
    ]


def _tables(decisions: Sequence[Decision]) -> list[str]:
    titles = {document.id: document.title for document in zoo.DOCUMENTS}
    lines = []
    for document, group in groupby(decisions, key=lambda decision: decision.claim.document):
        title = f": {titles[document]}" if document in titles else ""
        lines += [f"## `{document}`{title}", "", *claims_table(list(group)), ""]
    return lines


def _stochastic(decisions: Sequence[Decision], figures: dict[str, str]) -> list[str]:
    shown = figure(_STOCHASTIC, figures) if _STOCHASTIC in figures else None
    lines = stochastic(decisions, shown)
    return [*lines, ""] if lines else []


def _errors(found: Judgement, figures: dict[str, str]) -> list[str]:
    if not found.entries:
        return []
    lines = ["## Where the documents err, and what it costs", ""]
    for number, entry in enumerate(found.entries, start=1):
        lines += [f"### {number}. {entry.title}", ""]
        for paragraph in entry.explanation:
            lines += [paragraph, ""]
        try:
            lines += [*entry.show(found.evidence), ""]
        except MissingEvidenceError as error:
            lines += [f"*What it costs is not measured here: {error}.*", ""]
        if entry.name in figures:
            lines += [figure(entry.name, figures), ""]
        if entry.claims:
            lines += [f"Claims: {', '.join(f'`{claim}`' for claim in entry.claims)}.", ""]
    return lines


def _method(found: Judgement) -> list[str]:
    machines = [
        f"{machine.processor}, {machine.system}, Python {machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        + (f", commit {machine.commit}" if machine.commit else "")
        for machine in found.evidence.machines
    ]
    trained = sum(len(runs.accuracy) for runs in found.evidence.runs.values())
    lines = [
        "## How it was decided",
        "",
        "- Exact claims that need no training were decided when this page was written. All else is "
        "in `records.jsonl` beside it: a record counts only while it fits the code, the recipe and "
        "the data that it names.",
        f"- {plural(trained, 'network')} trained, on the CPU, one thread each, seeds from 1 on; "
        "the same seed begins with the same first weights wherever two networks are compared.",
        "- Stochastic claims: the 95% prediction interval for one more run, mean ± t(0.975, n - 1) "
        "s √(1 + 1/n), n at least 10 (Hahn and Meeker, Statistical Intervals, 1991, section 4.7).",
        "- To make it again: `python -m bench.claims`; without training: "
        "`python -m bench.claims --no-training`. It fails when a verdict is not the ledger's.",
    ]
    lines += [f"- Trained on: {machine}." for machine in machines]
    return lines
