"""The website: rows as in results.csv, links that lead somewhere, and a browser that opens it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.records.errors import RequestError
from bench.records.kinds import Record
from bench.results.runs import read
from bench.results.table import results_table
from bench.site import __main__ as command
from bench.site.leaderboard import leaderboard, shown
from bench.site.links import broken
from bench.site.pages import copy_report, find_reports, for_site
from bench.writing.style import PAIRS, PURPLE, RED
from tests.factories import (
    SEEDS,
    count_record,
    stored,
    timing_records,
    train_record,
    yardstick_record,
)
from tests.programs import REPOSITORY, run_module

METHOD = REPOSITORY / "docs" / "method.md"
# Opens all folds. Whether a table is still markdown, how many figures of the other mode are shown,
# and of this one; one that cannot be read is an error.
OPENED = """
async other => {
    document.querySelectorAll("details").forEach(fold => fold.open = true);
    const images = [...document.querySelectorAll("article img")];
    const shown = images.filter(image => getComputedStyle(image).display != "none");
    await Promise.all(shown.map(image => image.decode()));
    return [
        document.querySelector("article").innerText.includes("|--"),
        shown.filter(image => image.src.includes("#only-" + other)).length,
        shown.length,
    ];
}
"""
WITHOUT_A_REQUEST_TO = ("file:", "data:", "blob:")  # blob: is memory of the page itself


def write_report(folder: Path, right: dict[str, Sequence[int]], **request: Any) -> None:
    """A comparison from records written by hand; of 400 test samples so many are right a seed."""
    models = list(right)
    records: list[Record] = [
        train_record(model, seed, count)
        for model, counts in right.items()
        for seed, count in zip(SEEDS, counts, strict=True)
    ]
    for model in models:
        records += timing_records(model, 0.020)
        records.append(count_record(model, 61_706, 416_520))
    records.append(yardstick_record(0.005))
    store = stored(folder, records, models, **request)
    results_table(read(store)).to_csv(folder / "results.csv", index=False)
    (folder / "report.md").write_text(f"# `{models[0]}` wins\n\n[all](records.jsonl)\n")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two comparisons, and a report whose results.csv is of another kind."""
    folder = tmp_path / "reports"
    for name in ("first", "second", "other"):
        (folder / name).mkdir(parents=True)
    write_report(folder / "first", {"lenet": (388, 390, 392), "cnn": (368, 370, 372)})
    write_report(folder / "second", {"net": (380, 380, 380)}, dataset="mnist", recipe="document")
    (folder / "other" / "results.csv").write_text("target,model\n0.97,cnn\n")
    (folder / "other" / "report.md").write_text("# Another\n")
    return folder


def test_the_leaderboard_has_the_rows_of_every_comparison_best_first(reports: Path) -> None:
    rows = leaderboard(find_reports(reports))
    # 390, 380 and 370 of 400, worked out by hand.
    assert rows[["report", "model", "test_accuracy_mean"]].values.tolist() == [
        ["first", "lenet", 0.975],
        ["second", "net", 0.95],
        ["first", "cnn", 0.925],
    ]


def test_every_number_of_the_leaderboard_is_that_of_results_csv(reports: Path) -> None:
    written = {}
    for name in ("first", "second"):
        with (reports / name / "results.csv").open(encoding="utf-8") as file:
            written.update({(name, line["model"]): line for line in csv.DictReader(file)})
    rows = leaderboard(find_reports(reports)).to_dict("records")
    assert len(rows) == len(written) == 3
    for row in rows:
        line = written[row["report"], row["model"]]
        for column in set(row) - {"report"}:
            value = row[column]
            assert (value if isinstance(value, str) else float(value)) == (
                line[column] if isinstance(value, str) else float(line[column])
            ), column


def test_the_table_rounds_and_links_the_report(reports: Path) -> None:
    best = shown(leaderboard(find_reports(reports))).iloc[0]
    # Deviation of 388, 390, 392 of 400: 0.005. t(0.975, 2) = 4.3027, so ± 0.012421.
    assert best["right, %"] == "97.50"
    assert best["95% interval"] == "96.26 to 98.74"
    assert best["parameters"] == "61,706"
    # Blocks of 2 steps at batch 64 take 0.02 s.
    assert float(best["training, 1/s"].replace(",", "")) == pytest.approx(6_400, rel=0.02)
    assert best["report"] == '<a href="reports/first/report.html">first</a>'


def test_a_name_from_outside_is_text_and_no_markup(reports: Path) -> None:
    path = reports / "first" / "results.csv"
    path.write_text(path.read_text().replace("lenet,", "<b>net</b>,", 1))
    assert shown(leaderboard(find_reports(reports))).iloc[0]["network"] == (
        "<code>&lt;b&gt;net&lt;/b&gt;</code>"
    )


def test_a_failed_run_is_told_in_a_column_that_is_left_out_where_all_went_well(
    reports: Path,
) -> None:
    assert "status" not in shown(leaderboard(find_reports(reports)))
    path = reports / "first" / "results.csv"
    path.write_text(path.read_text().replace(",ok,", ",failed,", 1))
    assert list(shown(leaderboard(find_reports(reports)))["status"]) == ["failed", "ok", "ok"]


def test_a_link_to_the_method_leads_to_its_page_wherever_the_reports_lie(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    method = tmp_path / "docs" / "method.md"
    method.touch()
    far = tmp_path / "a" / "b" / "run"
    far.mkdir(parents=True)
    text = "[how](../../../docs/method.md#two), [runs](records.jsonl), [web](https://a.org/b)"
    page = for_site(text, far, "reports/run/report.md", {method.resolve(): "docs/method.md"})
    assert page == "[how](../../docs/method.md#two), [runs](records.jsonl), [web](https://a.org/b)"


def test_folds_hold_markdown_and_figures_follow_the_mode_of_the_page(tmp_path: Path) -> None:
    text = (
        "<details><summary>More</summary>\n\n"
        '<picture><source media="(prefers-color-scheme: dark)" srcset="figures/a-dark.svg">'
        '<img alt="A figure" src="figures/a.svg"></picture>\n\n</details>'
    )
    assert for_site(text, tmp_path, "reports/run/report.md", {}) == (
        '<details markdown="1"><summary>More</summary>\n\n'
        '<img alt="A figure" src="figures/a.svg#only-light">'
        '<img alt="A figure" src="figures/a-dark.svg#only-dark">\n\n</details>'
    )


def test_weights_and_records_set_aside_stay_out_of_the_website(
    reports: Path, tmp_path: Path
) -> None:
    first = find_reports(reports)[0]
    (first.folder / "weights").mkdir()
    (first.folder / "weights" / "lenet.safetensors").touch()
    (first.folder / "records.old-1.jsonl").touch()
    copy_report(first, tmp_path / "sources", {})
    copied = {path.name for path in (tmp_path / "sources").rglob("*") if path.is_file()}
    assert copied == {"report.md", "records.jsonl", "results.csv"}


def test_links_without_a_target_and_files_from_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="here">B</h1>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">fine</a><a href="https://a.org">fine</a><a href="#top" id="top">'
        '<a href="c.html"></a><a href="b.html#gone"></a><source srcset="dark.svg">'
        '<script src="https://a.org/x.js"></script><img src="data:image/png;base64,">'
    )
    assert broken(tmp_path) == [
        "a.html: 'c.html' is not there",
        "a.html: 'b.html#gone' has no such place",
        "a.html: 'dark.svg' is not there",
        "a.html: loads 'https://a.org/x.js' from elsewhere",
    ]


def test_the_chart_has_each_network_in_its_colour_for_both_modes(reports: Path) -> None:
    from bench.site.chart import chart

    figures = {m: json.loads(text) for m, text in chart(leaderboard(find_reports(reports))).items()}
    points = {trace["name"]: trace for trace in figures["light"]["data"]}
    assert set(points) == {"lenet", "cnn", "net"}
    assert points["lenet"]["y"] == [pytest.approx(10 / 400)]
    # 128 examples in blocks of 0.02 s: 156.25 microseconds each.
    assert points["lenet"]["x"] == [pytest.approx(156.25, rel=0.02)]
    assert points["lenet"]["marker"]["color"] == RED
    dark = {trace["name"]: trace["marker"]["color"] for trace in figures["dark"]["data"]}
    assert (dark["lenet"], dark["cnn"]) == (PAIRS[RED], PAIRS[PURPLE])


def test_missing_packages_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reports: Path
) -> None:
    monkeypatch.setattr(command, "PACKAGES", {"no_such_package": "no-such-package"})
    assert command.main(["--reports", str(reports)]) == 2
    assert capsys.readouterr().err == (
        "bench.site: the website needs no-such-package: pip install no-such-package\n"
    )


def test_a_folder_that_is_no_website_is_left_alone(reports: Path, tmp_path: Path) -> None:
    from bench.site.build import build

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(RequestError, match="no website of this command"):
        build(find_reports(reports), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "words"


def test_without_reports_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no reports in"):
        find_reports(tmp_path)


def needs_the_generator() -> None:
    for name in command.PACKAGES:
        pytest.importorskip(name, reason="the dependency group 'site' is not installed")


@pytest.mark.slow
def test_a_link_that_leads_nowhere_ends_the_build_with_nothing_written(
    reports: Path, tmp_path: Path
) -> None:
    needs_the_generator()
    page = reports / "first" / "report.md"
    for link in ("[gone](gone.csv)", "[gone](#no-such-heading)", '<img src="gone.svg">'):
        page.write_text(f"# Title\n\n{link}\n")
        options = ["--reports", str(reports), "--to", str(tmp_path / "site")]
        done = run_module("bench.site", *options)
        assert done.returncode == 2, link
        assert len(done.stderr.splitlines()) == 1
        assert "gone" in done.stderr or "no-such-heading" in done.stderr
        assert not (tmp_path / "site").exists()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website of the reports that come with the project."""
    needs_the_generator()
    folder = tmp_path_factory.mktemp("website") / "site"
    done = run_module("bench.site", "--to", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


class Watched:
    """A page, with what its console complained of and what it asked of other machines."""

    def __init__(self, browser: Any, mode: str = "light") -> None:
        self.page = browser.new_context(color_scheme=mode).new_page()
        self.page.set_default_timeout(120_000)
        self.complaints: list[str] = []
        self.page.on("request", self._request)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(WITHOUT_A_REQUEST_TO):
            self.complaints.append(request.url)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def column(self, heading: str) -> list[str]:
        """The cells under a heading of the leaderboard, as they are shown."""
        headings = self.page.locator("#networks thead th").all_inner_texts()
        at = [text.strip() for text in headings].index(heading) + 1
        cells: list[str] = self.page.locator(
            f"#networks tbody tr td:nth-child({at})"
        ).all_inner_texts()
        return cells


@pytest.mark.slow
def test_a_browser_sorts_and_filters_the_leaderboard_from_disk(site: Path, browser: Any) -> None:
    watched = Watched(browser)
    page = watched.page
    page.goto((site / "index.html").as_uri())
    page.wait_for_selector("#networks tbody tr")
    rows = [
        line
        for path in sorted((REPOSITORY / "reports").glob("*/results.csv"))
        for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        if "parameters" in line
    ]
    accuracies = [float(cell) for cell in watched.column("right, %")]
    assert accuracies == sorted(
        (round(100 * float(row["test_accuracy_mean"]), 2) for row in rows), reverse=True
    )
    page.locator("#networks thead th", has_text="parameters").click()
    parameters = [int(cell.replace(",", "")) for cell in watched.column("parameters")]
    assert parameters == sorted((int(row["parameters"]) for row in rows), reverse=True)
    page.locator(".dtsp-searchPane td", has_text="mnist").first.click()
    page.wait_for_function(
        "() => new Set([...document.querySelectorAll('#networks tbody tr')]"
        ".map(row => row.textContent.includes('mnist'))).size == 1"
    )
    assert len(watched.column("network")) == sum(row["dataset"] == "mnist" for row in rows)
    page.wait_for_selector("#chart .scatterlayer .trace")
    assert page.locator("#chart .scatterlayer .trace").count() == len(rows)
    assert watched.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page_opens_from_disk_and_asks_no_other_machine(
    site: Path, browser: Any, mode: str
) -> None:
    watched = Watched(browser, mode)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 2 + len([*(REPOSITORY / "reports").glob("*/report.md")])
    for page in pages:
        watched.page.goto(page.as_uri())
        raw, faint, figures = watched.page.evaluate(OPENED, "dark" if mode == "light" else "light")
        assert not raw, f"{page} shows markdown"
        assert faint == 0, f"{page} shows figures of the other mode"
        assert page.parent.name not in ("claims", "digits-common-cpu") or figures > 0
        dark = watched.page.evaluate("document.documentElement.classList.contains('dark')")
        assert dark == (mode == "dark")
    assert watched.complaints == []
