"""A finished report in Python: its frames, its figures, and what is shown of it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import bench
from bench.records import kinds
from bench.records.errors import RequestError
from bench.report.figures import FIGURES
from bench.report.outcome import Outcome
from bench.report.write import write_report
from tests.factories import RIGHT, SEEDS, stored, train_record, written_report
from tests.lines import read_lines
from tests.programs import REPOSITORY, run_program

GOLDEN = REPOSITORY / "tests" / "golden" / "report.md"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    """The records behind the golden report, opened."""
    written_report(tmp_path)
    return bench.load_results(tmp_path)


def first_table(text: str) -> list[str]:
    """The lines of the first table of a page."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    stop = next(i for i in range(start, len(lines)) if not lines[i].startswith("|"))
    return lines[start:stop]


class Cells(HTMLParser):
    """The text of a table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def test_the_table_has_a_row_for_each_network_and_reference_the_best_first(
    outcome: Outcome,
) -> None:
    table = outcome.table.set_index("model")
    # as in the golden report, where net ran other seeds and so stands behind those that are ranked
    order = ["lenet", "logistic regression", "lenet5-sigmoid-max", "largest class", "net"]
    assert [*table.index] == order
    # 388 + 390 + 392 of 3 * 400; 371 + 366 + 373; 372 of 400
    assert table["test_accuracy_mean"][order[:3]].tolist() == pytest.approx([0.975, 0.93, 0.925])
    assert table["difference"]["lenet5-sigmoid-max"] == pytest.approx((1_110 - 1_170) / 1_200)
    assert table["verdict"][["lenet", "lenet5-sigmoid-max", "net"]].tolist() == [
        "baseline",
        "worse",
        "inconclusive",
    ]
    # 0.020 s a block against 0.010 s
    assert table["train_speed"]["net"] == pytest.approx(2.0)
    assert table["parameters"]["lenet"] == 61_706
    assert table["twins"]["lenet"] == "lenet5-relu-max"
    assert (table["seeds"]["net"], table["failed_seeds"]["net"]) == (2, 1)
    assert table["is_reference"].tolist() == [False, True, False, True, False]


def test_the_records_are_a_row_for_each_run_as_the_file_has_it(outcome: Outcome) -> None:
    lines = [line for line in read_lines(outcome.folder) if line["kind"] == "train"]
    records = outcome.records.set_index(["model", "seed"]).sort_index()
    assert len(records) == len(lines) == len(RIGHT) * len(SEEDS)
    for line in lines:
        row: Any = records.loc[(line["model"], line["seed"])]
        if line["status"] == "ok":
            assert row["test_accuracy"] == line["test_accuracy"]
            assert row["wrong_answers"] == round(400 * (1 - line["test_accuracy"]))
            assert row["weights_sha256"] == line["weights_sha256"]
    failed: Any = records.loc[("net", 3)]
    assert failed["outcome"] == "failed"
    assert failed["error"] == "RuntimeError: out of memory (train.py:1)"
    assert outcome.records["test_accuracy"].isna().sum() == 1


def test_the_pairs_are_a_row_for_each_verdict_on_accuracy_and_speed(outcome: Outcome) -> None:
    pairs = outcome.pairs.set_index(["quantity", "model"]).sort_index()
    accuracy = pairs.loc["test_accuracy"]
    assert accuracy["verdict"].to_dict() == {
        "lenet5-relu-max": "identical",
        "lenet5-sigmoid-max": "worse",
        "net": "inconclusive",
    }
    worse = accuracy.loc["lenet5-sigmoid-max"]
    assert worse["difference"] == pytest.approx(-0.05)
    # 17, 24, 19 fewer of 400 over seeds: [-7.24, -2.76] points; what a verdict rests on is no less
    assert worse["low"] <= -0.0723
    assert worse["high"] >= -0.0277
    assert worse["high"] < 0
    for quantity in ("train_speed", "inference_speed", "latency_speed"):
        row: Any = pairs.loc[(quantity, "net")]
        assert row["ratio"] == pytest.approx(2.0)
        assert row["verdict"] == "faster"
        assert row["baseline"] == "lenet"


def test_the_questions_to_the_design_are_pairs_too() -> None:
    outcome = bench.load_results(REPOSITORY / "reports" / "digits-common-cpu")
    questions = outcome.pairs[outcome.pairs["model"].isna()]
    assert len(questions) == 7
    text = (outcome.folder / "report.md").read_text()
    for question in questions.itertuples():
        assert str(question.comparison).partition(",")[0] in text


def test_a_terminal_shows_the_table_that_the_report_opens_with(outcome: Outcome) -> None:
    golden = GOLDEN.read_text()
    shown = repr(outcome)
    assert first_table(shown) == first_table(golden)
    assert shown.splitlines()[0] == golden.splitlines()[0].removeprefix("# ")
    assert shown.splitlines()[-1].endswith(f"{outcome.folder.as_posix()}/report.md")
    assert "](" not in shown  # links lead nowhere outside the page


def test_a_notebook_shows_the_same_cells_as_html(outcome: Outcome) -> None:
    parser = Cells()
    parser.feed(outcome._repr_html_())
    head, _, *body = first_table(GOLDEN.read_text())
    rows = [[cell.strip(" `*") for cell in line.split("|")[1:-1]] for line in (head, *body)]
    expected = [cell.replace("vs `lenet", "vs lenet") for row in rows for cell in row]
    assert parser.cells == expected
    assert {"table", "thead", "tbody", "tr"} <= parser.tags


def test_what_comes_from_outside_is_no_html_in_a_notebook(tmp_path: Path) -> None:
    name = "folder:<img src=x onerror=alert(1)>"
    stored(tmp_path, [train_record("lenet", 1, 390)], ["lenet"], dataset=name)
    outcome = bench.load_results(tmp_path)
    assert name in repr(outcome).replace("&lt;", "<")
    parser = Cells()
    parser.feed(outcome._repr_html_())
    assert "img" not in parser.tags


def test_a_figure_is_matplotlibs_and_a_notebook_shows_it(outcome: Outcome, tmp_path: Path) -> None:
    figure = outcome.figure("accuracy")
    assert isinstance(figure, Figure)
    assert figure._repr_png_()[:8] == PNG  # type: ignore[attr-defined]
    # the networks that the report's own picture names
    write_report(outcome.results, outcome.folder)
    svg = (outcome.folder / "figures" / "accuracy.svg").read_text()
    names = {text.get_text() for axes in figure.axes for text in axes.get_yticklabels()}
    assert {"lenet", "net"} <= names
    assert all(f">{name}<" in svg for name in names)
    figure.savefig(tmp_path / "mine.pdf")
    assert (tmp_path / "mine.pdf").read_bytes()[:5] == b"%PDF-"


def test_every_figure_of_a_report_can_be_had_by_the_name_of_its_file() -> None:
    folder = REPOSITORY / "reports" / "digits-common-cpu"
    outcome = bench.load_results(folder)
    names = {path.stem.removesuffix("-dark") for path in (folder / "figures").glob("*.svg")}
    assert names <= {*FIGURES}
    assert isinstance(outcome.figure("differences"), Figure)


def test_an_unknown_figure_names_those_that_there_are(outcome: Outcome) -> None:
    with pytest.raises(RequestError, match=r"'acuracy'; did you mean 'accuracy'.*learning-curves"):
        outcome.figure("acuracy")


def test_a_figure_with_nothing_to_draw_says_so(outcome: Outcome) -> None:
    # records written by hand hold no pictures
    with pytest.raises(RequestError, match="nothing to draw in 'hardest-pictures'"):
        outcome.figure("hardest-pictures")


def test_what_is_no_report_or_no_comparison_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no report 'nowhere'"):
        bench.load_results("nowhere", reports=tmp_path)
    with pytest.raises(RequestError, match="no comparison"):
        bench.load_results(REPOSITORY / "reports" / "counting-cpu")


def test_a_report_is_found_by_its_name_too(tmp_path: Path) -> None:
    written_report(tmp_path / "mine")
    outcome = bench.load_results("mine", reports=tmp_path)
    assert outcome.folder == tmp_path / "mine"
    assert isinstance(outcome.results.request, kinds.Request)


def test_a_report_is_opened_and_shown_without_torch() -> None:
    program = (
        "import json, sys, bench; before = {*sys.modules}; "
        "outcome = bench.load_results('reports/digits-common-cpu'); repr(outcome); outcome.table; "
        "outcome._repr_html_(); print(json.dumps([sorted(before), sorted(sys.modules)]))"
    )
    before, after = json.loads(run_program(program))
    assert not {"torch", "pandas", "matplotlib", "numpy"}.intersection(before)
    assert "pandas" in after
    assert "torch" not in after
