"""The report on claims: markdown, CSV and figures from what has been decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import pandas as pd

import zoo
from bench.claims.evidence import MissingEvidenceError
from bench.claims.figures import draw_one_run
from bench.claims.judge import Decision
from bench.claims.ledger import Verdict
from bench.claims.run import Judgement
from bench.records.place import own_folder, replacing, write_text
from bench.records.text import cell
from bench.writing.style import save
from bench.writing.templates import render, unwrap

_ROOM = Path(__file__).parent
_ONE_RUN = "one-run"
_ONE_RUN_CAPTION = (
    "Test accuracy of every seed, the range in which 95% of further runs lie, and the number that "
    "the document prints."
)


@dataclass(frozen=True, kw_only=True)
class DocumentView:
    """A document's claims.

    Attributes:
        id: The document's id.
        title: Its title; None where the zoo does not know it.
        decisions: One for each claim.
    """

    id: str
    title: str | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, kw_only=True)
class PageView:
    """What the page shows of the claims.

    Attributes:
        judgement: All that was decided.
        documents: The decisions, by document.
        verdicts: How many claims have which verdict; None is what is not decided.
        against: Those that are contradicted or misleading.
        others: The other decided ones that teach something.
        sampled: Those about one run's number.
        measured: Those about effects.
        chart: What the figure of the sampled ones shows; None where it was not drawn.
        trained: How many networks the evidence has.
    """

    judgement: Judgement
    documents: tuple[DocumentView, ...]
    verdicts: dict[Verdict | None, int]
    against: tuple[Decision, ...]
    others: tuple[Decision, ...]
    sampled: tuple[Decision, ...]
    measured: tuple[Decision, ...]
    chart: str | None
    trained: int


@dataclass(frozen=True, kw_only=True)
class ErrorView:
    """What the page shows of a document's error.

    Attributes:
        number: Its place among the errors.
        name: Of its figure.
        claims: Ids of the claims that it bears on.
        found: Its own view; None where something is missing.
        missing: What.
        caption: What its figure shows; None where it was not drawn.
    """

    number: int
    name: str
    claims: tuple[str, ...]
    found: Any
    missing: str
    caption: str | None


def write(judgement: Judgement, folder: Path) -> None:
    """Writes `claims.csv`, `figures/*.svg` and `report.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "claims.csv") as part:
        claims_frame(judgement.decisions).map(cell).to_csv(part, index=False, encoding="utf-8")
    figures = _figures(judgement, folder / "figures")
    write_text(folder / "report.md", page(judgement, figures))


def page(judgement: Judgement, figures: dict[str, str]) -> str:
    """The report's markdown.

    Args:
        judgement: The ledger's decisions.
        figures: Names of the figures that lie beside the report, with what they show.
    """
    view = page_view(judgement, figures)
    sections = [render(_ROOM, name, view) for name in ("claims", "lessons", "one-run", "effects")]
    sections += [render(_ROOM, error.name, error) for error in _errors(judgement, figures)]
    sections.append(render(_ROOM, "method", view))
    return unwrap("\n\n".join(sections)) + "\n"


def page_view(judgement: Judgement, figures: dict[str, str]) -> PageView:
    """The decisions, selected and counted for the page's sections."""
    decisions = judgement.decisions
    counted = Counter(decision.verdict for decision in decisions)
    against = tuple(d for d in decisions if d.verdict in ("contradicted", "misleading"))
    return PageView(
        judgement=judgement,
        documents=_documents(decisions),
        verdicts={v: counted[v] for v in (*get_args(Verdict), None) if counted[v]},
        against=against,
        others=tuple(d for d in decisions if d not in against and d.verdict and d.claim.lesson),
        sampled=tuple(d for d in decisions if d.interval is not None),
        measured=tuple(d for d in decisions if d.estimates),
        chart=figures.get(_ONE_RUN),
        trained=sum(len(runs.accuracy) for runs in judgement.evidence.runs.values()),
    )


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
    if decision.estimates:
        return "; ".join(
            f"{e.name} = {e.value!r} [{e.low!r}, {e.high!r}]" for e in decision.estimates
        )
    return decision.found


def _documents(decisions: Sequence[Decision]) -> tuple[DocumentView, ...]:
    titles = {document.id: document.title for document in zoo.DOCUMENTS}
    return tuple(
        DocumentView(id=document, title=titles.get(document), decisions=tuple(group))
        for document, group in groupby(decisions, key=lambda decision: decision.claim.document)
    )


def _errors(judgement: Judgement, figures: dict[str, str]) -> Iterator[ErrorView]:
    for number, error in enumerate(judgement.errors, start=1):
        found, missing = None, ""
        try:
            found = error.view(judgement.evidence)
        except MissingEvidenceError as lacking:
            missing = str(lacking)
        yield ErrorView(
            number=number,
            name=error.name,
            claims=error.claims,
            found=found,
            missing=missing,
            caption=figures.get(error.name),
        )


def _figures(judgement: Judgement, folder: Path) -> dict[str, str]:
    """The figures that could be drawn, by name, with what they show."""
    own_folder(folder)
    wanted = {_ONE_RUN: (partial(draw_one_run, judgement.decisions), _ONE_RUN_CAPTION)} | {
        error.name: (partial(error.draw, judgement.evidence), error.caption)
        for error in judgement.errors
    }
    drawn = {}
    for name, (draw, caption) in wanted.items():
        try:
            if save(draw, folder / f"{name}.svg", caption):
                drawn[name] = caption
        except MissingEvidenceError:
            continue
    for name in wanted.keys() - drawn.keys():
        (folder / f"{name}.svg").unlink(missing_ok=True)  # of an earlier run
    return drawn
