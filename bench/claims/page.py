"""The report on claims: markdown, CSV and figures from what has been decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bench.claims import sentences
from bench.claims.checks import Estimate
from bench.claims.evidence import MissingEvidenceError
from bench.claims.figures import draw_one_run
from bench.claims.judge import Decision
from bench.claims.run import Judgement
from bench.claims.scoreboard import Scoreboard, outcome, scoreboard, square
from bench.records.place import own_folder, replacing, write_text
from bench.records.text import cell
from bench.writing.style import DARK, save
from bench.writing.templates import render, unwrap

_ROOM = Path(__file__).parent
_ONE_RUN = "one-run"
_ONE_RUN_CAPTION = (
    "Test accuracy of every run, the range in which 95% of further runs lie, and the number that "
    "the tutorial prints."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A claim as the page shows it.

    Attributes:
        decision: Its decision.
        square: The square of what became of it.
        found: What was found, as a sentence; empty where it is not decided.
    """

    decision: Decision
    square: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect of a measured claim, or of the check of its second cause.

    Attributes:
        claim: The claim's id.
        estimate: The effect.
        amount: The same with unit and interval.
        is_cause: Whether it is of the second cause.
    """

    claim: str
    estimate: Estimate
    amount: str
    is_cause: bool


@dataclass(frozen=True, kw_only=True)
class PageView:
    """What the page shows of the claims, beside the cards.

    Attributes:
        judgement: All that was decided.
        score: The claims counted.
        cards: How many cards there are.
        slips: What does not hold and is told on no card.
        unsettled: What is open, not decided, or has no effect that matters.
        holding: What holds.
        lessons: What of it teaches something and is told on no card.
        sampled: The claims about one run's number.
        effects: The effects of the measured claims.
        causes: The measured claims with their second cause.
        chart: What the figure of the sampled ones shows; None where it was not drawn.
        trained: How many networks the evidence has.
    """

    judgement: Judgement
    score: Scoreboard
    cards: int
    slips: tuple[Row, ...]
    unsettled: tuple[Row, ...]
    holding: tuple[Row, ...]
    lessons: tuple[Row, ...]
    sampled: tuple[Decision, ...]
    effects: tuple[Effect, ...]
    causes: tuple[Row, ...]
    chart: str | None
    trained: int


@dataclass(frozen=True, kw_only=True)
class CardView:
    """What the page shows of one thing that a document gets wrong.

    Attributes:
        number: Its place among the cards.
        name: Of its figure.
        claims: The claims that it bears on.
        found: Its own view; None where something is missing.
        missing: What.
        caption: What its figure shows; None where it was not drawn.
    """

    number: int
    name: str
    claims: tuple[Row, ...]
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
    sections = [render(_ROOM, "claims", view)]
    sections += [render(_ROOM, card.name, card) for card in _cards(judgement, figures)]
    sections += [render(_ROOM, name, view) for name in ("others", "numbers", "method")]
    return unwrap("\n\n".join(filter(None, sections))) + "\n"


def page_view(judgement: Judgement, figures: dict[str, str]) -> PageView:
    """The decisions, selected and counted for the page's sections."""
    decisions = judgement.decisions
    told = {claim for error in judgement.errors for claim in error.claims}
    against = [d for d in decisions if outcome(d) in ("wrong", "misleading")]
    holding = tuple(_row(d) for d in decisions if outcome(d) == "holds")
    return PageView(
        judgement=judgement,
        score=scoreboard(decisions),
        cards=len(judgement.errors),
        slips=tuple(_row(d) for d in against if d.claim.id not in told),
        unsettled=tuple(_row(d) for d in decisions if outcome(d) in ("open", "no difference")),
        holding=holding,
        lessons=tuple(
            row
            for row in holding
            if row.decision.claim.lesson and row.decision.claim.id not in told
        ),
        sampled=tuple(d for d in decisions if d.interval is not None),
        effects=tuple(_effects(decisions)),
        causes=tuple(_row(d) for d in decisions if d.estimates and d.claim.second_cause),
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
                "second_cause": _listed(decision.causes) or None,
                "drift": decision.drift or None,
            }
            for decision in decisions
        ]
    ).astype({"runs": "Int64"})


def _plain(decision: Decision) -> object:
    if decision.values:
        return sum(decision.values) / len(decision.values)
    return _listed(decision.estimates) or decision.found


def _listed(estimates: Sequence[Estimate]) -> str:
    return "; ".join(f"{e.name} = {e.value!r} [{e.low!r}, {e.high!r}]" for e in estimates)


def _row(decision: Decision) -> Row:
    return Row(decision=decision, square=square(decision), found=sentences.found(decision))


def _effects(decisions: Sequence[Decision]) -> Iterator[Effect]:
    for decision in decisions:
        for is_cause, estimates in ((False, decision.estimates), (True, decision.causes)):
            for estimate in estimates:
                yield Effect(
                    claim=decision.claim.id,
                    estimate=estimate,
                    amount=sentences.amount(estimate),
                    is_cause=is_cause,
                )


def _cards(judgement: Judgement, figures: dict[str, str]) -> Iterator[CardView]:
    by_id = {decision.claim.id: decision for decision in judgement.decisions}
    for number, error in enumerate(judgement.errors, start=1):
        found, missing = None, ""
        try:
            found = error.view(judgement.evidence)
        except MissingEvidenceError as lacking:
            missing = str(lacking)
        yield CardView(
            number=number,
            name=error.name,
            claims=tuple(_row(by_id[claim]) for claim in error.claims),
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
        for stem in (name, name + DARK):
            (folder / f"{stem}.svg").unlink(missing_ok=True)  # of an earlier run
    return drawn
