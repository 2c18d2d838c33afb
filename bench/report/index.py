"""The list of finished reports, `reports/README.md`; `python -m bench.report.index` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.records.place import write_text
from bench.records.store import MissingRunError, Store
from bench.report.questions import questions
from bench.results.runs import Results, read
from bench.writing.templates import render

REPORTS = Path(__file__).parents[2] / "reports"
# The order in which a reader may want them; what is not named follows by name.
FIRST = (
    "claims",
    "mnist-document-cpu",
    "mnist-common-cpu",
    "digits-common-cpu",
    "counting-cpu",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A finished report.

    Attributes:
        name: Of its folder.
        title: The finding that it opens with.
        setup: Its first paragraph, which says what was done.
    """

    name: str
    title: str
    setup: str


@dataclass(frozen=True, kw_only=True)
class IndexView:
    """What the list shows.

    Attributes:
        entries: The reports.
        questions: What those reply that put the design's questions at several learning rates, a
            text of its own.
    """

    entries: tuple[Entry, ...]
    questions: str


def index(reports: Path) -> str:
    """The list's markdown, of all reports in a folder but those that a user has made.

    Args:
        reports: The folder of all reports.
    """
    found = [path.parent for path in reports.glob("*/report.md")]
    names = [folder.name for folder in found if not folder.name.startswith("local-")]
    order = sorted(names, key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))
    view = IndexView(
        entries=tuple(_entry(reports / name) for name in order),
        questions=questions(list(_comparisons(reports / name for name in order))),
    )
    return render(Path(__file__).parent, "index", view) + "\n"


def _comparisons(folders: Iterable[Path]) -> Iterator[tuple[str, Results]]:
    """The results of those reports that are made of runs."""
    for folder in folders:
        with suppress(MissingRunError):
            yield folder.name, read(Store(folder))


def _entry(folder: Path) -> Entry:
    paragraphs = (folder / "report.md").read_text(encoding="utf-8").split("\n\n")
    return Entry(
        name=folder.name, title=paragraphs[0].removeprefix("# "), setup=paragraphs[1].strip()
    )


if __name__ == "__main__":
    write_text(REPORTS / "README.md", index(REPORTS))
