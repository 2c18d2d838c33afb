"""The claims counted: a square each, by document, by kind and by what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import zoo
from bench.claims.judge import Decision
from bench.claims.ledger import Kind, Verdict

Outcome = Literal["holds", "wrong", "misleading", "no difference", "open"]

OUTCOMES: dict[Verdict, Outcome] = {
    "reproduced": "holds",
    "within noise": "holds",
    "contradicted": "wrong",
    "misleading": "misleading",
    "equivalent": "no difference",
    "inconclusive": "open",
    "not testable": "open",
}
SQUARES: dict[Outcome, str] = {
    "holds": "🟩",
    "wrong": "🟥",
    "misleading": "🟧",
    "no difference": "🟦",
    "open": "⬜",
}
KINDS: tuple[Kind, ...] = ("exact", "stochastic", "measured", "requirement")


@dataclass(frozen=True, kw_only=True)
class DocumentScore:
    """How a document's claims came out.

    Attributes:
        id: The document's id.
        title: Its title; None where the zoo does not know it.
        squares: One for each claim, in the ledger's order.
        counts: By outcome, how many.
    """

    id: str
    title: str | None
    squares: str
    counts: Mapping[Outcome, int]


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """How all claims came out.

    Attributes:
        documents: One for each document.
        kinds: By kind of claim that there is, the counts by outcome.
        counts: By outcome, how many.
        squares: By outcome, its square.
    """

    documents: tuple[DocumentScore, ...]
    kinds: Mapping[Kind, Mapping[Outcome, int]]
    counts: Mapping[Outcome, int]
    squares: Mapping[Outcome, str]


def outcome(decision: Decision) -> Outcome:
    """What became of a claim; `open` where it is not decided."""
    return "open" if decision.verdict is None else OUTCOMES[decision.verdict]


def square(decision: Decision) -> str:
    """The square of what became of a claim."""
    return SQUARES[outcome(decision)]


def scoreboard(decisions: Sequence[Decision]) -> Scoreboard:
    """All decisions, counted."""
    titles = {document.id: document.title for document in zoo.DOCUMENTS}
    by_kind = {kind: [d for d in decisions if d.claim.kind == kind] for kind in KINDS}
    return Scoreboard(
        documents=tuple(
            DocumentScore(
                id=document,
                title=titles.get(document),
                squares="".join(map(square, group)),
                counts=_counts(group),
            )
            for document, group in (
                (name, list(of_document))
                for name, of_document in groupby(decisions, key=lambda d: d.claim.document)
            )
        ),
        kinds={kind: _counts(of_kind) for kind, of_kind in by_kind.items() if of_kind},
        counts=_counts(decisions),
        squares=SQUARES,
    )


def _counts(decisions: Sequence[Decision]) -> dict[Outcome, int]:
    counted = Counter(map(outcome, decisions))
    return {name: counted[name] for name in SQUARES}
