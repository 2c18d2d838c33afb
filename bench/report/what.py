"""What the networks of a run are: a drawing of their layers, and a line each under its tutorial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report.decided import decided
from bench.report.layers import Parts, known, parts
from bench.results.runs import Results
from bench.writing.templates import render
from zoo.documents import CONTROLLED
from zoo.spec import Document


@dataclass(frozen=True, kw_only=True)
class Tutorial:
    """A document and its networks in this run, each with its parts, if they are declared.

    Attributes:
        title: Of the document.
        is_design: Whether it is no document but the suite's own design.
        networks: By name, what it is made of.
    """

    title: str
    is_design: bool
    networks: dict[str, Parts | None]


@dataclass(frozen=True, kw_only=True)
class WhatView:
    """What the chapter shows.

    Attributes:
        tutorials: Those that the networks are from.
        others: Networks of the user's own, and of torchvision.
        figure: What the drawing shows; None where there is none.
        claims: The claims about these networks that were checked, a text of its own.
    """

    tutorials: tuple[Tutorial, ...]
    others: tuple[str, ...]
    figure: str | None
    claims: str


def what(results: Results, figures: Mapping[str, str]) -> str:
    """The chapter on what the networks are; nothing where the zoo knows none of them."""
    view = what_view(results, figures)
    return render(Path(__file__).parent, "what", view) if view.tutorials else ""


def what_view(results: Results, figures: Mapping[str, str]) -> WhatView:
    """The networks by tutorial."""
    grouped: dict[Document, dict[str, Parts | None]] = {}
    for spec in known(results.request.ran):
        grouped.setdefault(spec.document, {})[spec.name] = parts(spec)
    from_tutorials = {name for networks in grouped.values() for name in networks}
    return WhatView(
        tutorials=tuple(
            Tutorial(title=document.title, is_design=document == CONTROLLED, networks=networks)
            for document, networks in grouped.items()
        ),
        others=tuple(name for name in results.request.ran if name not in from_tutorials),
        figure=figures.get("networks"),
        claims=decided(results),
    )
