"""The website, built whole and then put into place."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records.errors import RequestError
from bench.report.method_page import PAGE
from bench.site.chart import chart
from bench.site.leaderboard import leaderboard, script, table_html
from bench.site.links import broken
from bench.site.pages import ReportPage, copy_report, for_site
from bench.writing.templates import render

HERE = Path(__file__).parent
FRONT = "index.md"
METHOD = "docs/method.md"
_WIDE = "---\nhide: [toc]\n---\n\n"  # leaves the leaderboard the room of a table of contents
_MARK = Path("assets") / "site.js"  # a folder that has it is a website of ours


@dataclass(frozen=True, kw_only=True)
class FrontView:
    """The front page.

    Attributes:
        reports: All reports.
        rows: How many the leaderboard has.
        method: Where the sources have the page on the method; None where it is not there.
    """

    reports: Sequence[ReportPage]
    rows: int
    method: str | None


def build(found: Sequence[ReportPage], folder: Path) -> Path:
    """Builds the website of reports.

    Args:
        found: The reports.
        folder: Where the website goes; an earlier one there is replaced.

    Returns:
        The front page.

    Raises:
        RequestError: Something else lies at `folder`; a page links or loads
            what the website does not have. What lay at `folder` is as it was.
    """
    if folder.is_symlink() or (folder.exists() and not _replaceable(folder)):
        raise RequestError(f"'{folder}' is no website of this command; name another with --to")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=folder.parent) as name:
        sources, built = Path(name) / "sources", Path(name) / "built"
        _write_sources(found, sources)
        _generate(found, sources, built)
        faults = broken(built)
        if faults:
            raise RequestError(f"{len(faults)} links lead nowhere: {'; '.join(faults[:3])}")
        if folder.exists():
            folder.rename(Path(name) / "before")
        built.chmod(0o755)
        built.rename(folder)
    return folder / "index.html"


def _replaceable(folder: Path) -> bool:
    return folder.is_dir() and ((folder / _MARK).is_file() or not any(folder.iterdir()))


def _write_sources(reports: Sequence[ReportPage], sources: Path) -> None:
    others = {PAGE: METHOD} if PAGE.is_file() else {}
    for report in reports:
        copy_report(report, sources, others)
    for page, path in others.items():
        (sources / path).parent.mkdir(parents=True, exist_ok=True)
        text = for_site(page.read_text(encoding="utf-8"), page.parent, path, others)
        (sources / path).write_text(text, encoding="utf-8")
    method = METHOD if PAGE in others else None
    shutil.copytree(HERE / "assets", sources / "assets")
    rows = leaderboard(reports)
    text = render(HERE, "front", FrontView(reports=reports, rows=len(rows), method=method))
    if len(rows):
        _write_scripts(sources / "assets")
        text = text.replace("<!-- leaderboard -->", _leaderboard_html(table_html(rows)))
        text = text.replace("<!-- chart -->", _chart_html(chart(rows)))
    (sources / FRONT).write_text(_WIDE + text, encoding="utf-8")


def _write_scripts(folder: Path) -> None:
    from plotly.offline import get_plotlyjs

    (folder / "tables.js").write_text(script(), encoding="utf-8")
    (folder / "plotly.js").write_text(get_plotlyjs(), encoding="utf-8")


def _leaderboard_html(table: str) -> str:
    return f'<script src="assets/tables.js"></script>\n<div>\n{table}\n</div>'


def _chart_html(figures: dict[str, str]) -> str:
    scripts = "\n".join(
        f'<script type="application/json" id="chart-{mode}">{figure}</script>'
        for mode, figure in figures.items()
    )
    return f'<script src="assets/plotly.js"></script>\n{scripts}\n<div id="chart"></div>'


def _generate(reports: Sequence[ReportPage], sources: Path, built: Path) -> None:
    """Has mkdocs make pages of the sources."""
    from mkdocs.commands.build import build as make
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort, ConfigurationError

    nav: list[dict[str, Any]] = [{"Leaderboard": FRONT}]
    nav.append({"Reports": [{report.name: report.path} for report in reports]})
    if (sources / METHOD).is_file():
        nav.append({"Method": METHOD})
    heard = _Warnings()
    log = logging.getLogger("mkdocs")
    log.addHandler(heard)
    try:
        make(
            load_config(
                str(HERE / "mkdocs.yml"), docs_dir=str(sources), site_dir=str(built), nav=nav
            )
        )
    except (Abort, ConfigurationError) as error:
        said = "; ".join(heard.messages[:3]) or str(error)
        raise RequestError(f"the website cannot be built: {said}") from error
    finally:
        log.removeHandler(heard)
    (built / "404.html").unlink()  # for servers, which ask for it by absolute links


class _Warnings(logging.Handler):
    """Keeps what mkdocs warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
