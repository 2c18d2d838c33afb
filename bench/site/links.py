"""What a built website links and loads: all of it must be in the website."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that a browser fetches by itself, and what a reader follows.
_LOADED = {"img": "src", "script": "src", "source": "srcset", "iframe": "src", "link": "href"}
_FOLLOWED = {"a": "href"}
_IN_PLACE = ("data", "mailto")


class _Page(HTMLParser):
    """The places of a page that links may lead to, and where its own lead."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places.update(values[name] or "" for name in ("id", "name") if name in values)
        link = values.get(_LOADED.get(tag) or _FOLLOWED.get(tag) or "")
        if link and not (tag == "link" and values.get("rel") == "canonical"):
            self.links.append((link, tag in _LOADED))


def broken(site: Path) -> list[str]:
    """What each page links that the site does not have, and what it would fetch from elsewhere.

    Links that a reader follows to other sites are no fault.
    """
    return [
        f"{page.relative_to(site).as_posix()}: {fault}"
        for page in sorted(site.rglob("*.html"))
        for fault in _faults(page)
    ]


def _faults(page: Path) -> Iterator[str]:
    for link, loaded in _read(page).links:
        parts = urlsplit(link)
        if parts.scheme in _IN_PLACE:
            continue
        if parts.scheme or parts.netloc:
            if loaded:
                yield f"loads '{link}' from elsewhere"
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not target.is_file():
            yield f"'{link}' is not there"
            continue
        fragment = unquote(parts.fragment) if target.suffix == ".html" else ""
        if fragment and fragment not in _read(target).places:
            yield f"'{link}' has no such place"


@cache
def _read(page: Path) -> _Page:
    parser = _Page()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser
