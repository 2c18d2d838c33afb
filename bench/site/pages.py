"""The pages of the website: markdown written for GitHub, as the generator reads it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.records.errors import RequestError
from bench.records.text import one_line

REPORT = "report.md"
# What a page of a report may show or link; not weights, traces and records set aside.
_BELONGS = (REPORT, "*.csv", "records.jsonl", "*.svg", "figures/*.svg")
_PICTURE = re.compile(
    r'<picture><source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">'
    r'<img alt="([^"]*)" src="([^"]+)"></picture>'
)
_LINK = re.compile(r"(?<=\]\()([^)#\s]+)")


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """A report, and where the site has it.

    Attributes:
        name: Its folder's name.
        title: Its first heading, markdown.
        folder: Where it lies.
    """

    name: str
    title: str
    folder: Path

    @property
    def path(self) -> str:
        """Where the page lies in the site's sources."""
        return f"reports/{self.name}/{REPORT}"


def find_reports(reports: Path) -> tuple[ReportPage, ...]:
    """All reports of a folder, by name.

    Raises:
        RequestError: There is none.
    """
    found = tuple(
        ReportPage(name=page.parent.name, title=_title(page), folder=page.parent)
        for page in sorted(reports.glob(f"*/{REPORT}"))
    )
    if not found:
        raise RequestError(f"no reports in '{reports}'; python -m bench.compare makes one")
    return found


def _title(page: Path) -> str:
    first = page.read_text(encoding="utf-8").partition("\n")[0]
    return one_line(first.removeprefix("# "))


def copy_report(report: ReportPage, sources: Path, others: Mapping[Path, str]) -> None:
    """Puts a report with all that belongs to it among the site's sources.

    Args:
        report: The report.
        sources: The folder of the site's sources.
        others: Pages outside of reports, by where they lie: where the sources have them.
    """
    target = sources / report.path
    for pattern in _BELONGS:
        for file in report.folder.glob(pattern):
            copy = target.parent / file.relative_to(report.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    text = (report.folder / REPORT).read_text(encoding="utf-8")
    target.write_text(for_site(text, report.folder, report.path, others), encoding="utf-8")


def for_site(text: str, folder: Path, path: str, others: Mapping[Path, str]) -> str:
    """A page's markdown with folds, pictures and links as the site needs them.

    Args:
        text: The page, as GitHub shows it.
        folder: Where it lies, from which its links lead.
        path: Where the site's sources have it.
        others: Pages outside of its folder that it may link, by where they lie: where the
            sources have them. Links to them are turned there; all others stay as they are.
    """

    def turned(link: re.Match[str]) -> str:
        target = others.get((folder / link[0]).resolve())
        return link[0] if target is None else _from(PurePosixPath(path), target)

    text = text.replace("<details>", '<details markdown="1">')
    return _LINK.sub(turned, _PICTURE.sub(_two_pictures, text))


def _two_pictures(picture: re.Match[str]) -> str:
    """Both figures, of which the site shows that of its mode, which its reader can choose."""
    dark, words, light = picture.groups()
    shown: Sequence[tuple[str, str]] = ((light, "only-light"), (dark, "only-dark"))
    return "".join(f'<img alt="{words}" src="{file}#{mode}">' for file, mode in shown)


def _from(page: PurePosixPath, target: str) -> str:
    return "../" * (len(page.parts) - 1) + target
