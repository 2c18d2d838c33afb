"""Text from outside does nothing: no markup, no formula, no control sequence, no pickle."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.claims import __main__ as claims
from bench.records.lines import DamagedLineError, decode, encode
from bench.records.text import cell, one_line
from bench.report.__main__ import main as report
from bench.report.write import render, write_report
from bench.results.runs import Results, read
from bench.writing.templates import failed, harmless
from tests.factories import SEEDS, failed_record, stored, train_record
from tests.lines import unsealed
from tests.programs import run_module

NAMES = ["a|b", "`a`", "<img src=x onerror=alert(1)>", "a\nb", "\x1b[31m", r"$\frac$", "=cmd()"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_of_a_network_with_such_a_name_is_none(name: str) -> None:
    line = unsealed(json.loads(encode(train_record("lenet", 1, 390)))) | {"model": name}
    with pytest.raises(DamagedLineError, match="model"):
        decode(json.dumps(line).encode())


@given(some.text(some.characters()))
def test_nothing_in_a_line_is_obeyed_by_a_terminal(text: str) -> None:
    line = one_line(text)
    assert all(character.isprintable() for character in line)
    line.encode()


def test_what_has_no_words_is_named_by_its_type() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert one_line(SilentError()) == "<SilentError without words>"


@given(some.text(some.characters()))
def test_no_value_becomes_markup_of_html_in_a_page(text: str) -> None:
    shown = str(harmless(text))
    assert "<script" not in str(harmless(text + "<script>alert(1)</script>"))
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_what_is_not_markup_is_shown_as_it_is() -> None:
    for text in ("p < 0.05 µ±", "a <- b", "| a | **b** |\n", "<0.0001"):
        assert harmless(text) == text
    assert harmless(5) == 5


def test_the_words_of_a_failure_are_escaped_and_what_failed_stays_code() -> None:
    assert failed("`net` on cpu, seed 1: E: [x](y) `z` | <b>") == (
        r"`net` on cpu, seed 1: E: \[x\](y) \`z\` \| \<b\>"
    )


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-x", "@SUM(A1)", "\tx"])
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(-1.5) == -1.5
    assert cell("plain") == "plain"


def hostile(folder: Path) -> Results:
    words = "E: <img src=x onerror=alert(1)> [x](http://y) | `z` ${7*7} {{ 7*7 }}"
    bad = msgspec.structs.replace(failed_record("lenet", 3), error=words)
    records = [*(train_record("lenet", seed, 390) for seed in SEEDS[:2]), bad]
    command = "python -m bench.compare --models lenet --name '<script>alert(1)</script>'"
    return read(stored(folder, records, ["lenet"], command=command))


def test_an_exceptions_words_do_nothing_in_a_report(tmp_path: Path) -> None:
    text = render(hostile(tmp_path), {})
    assert "<img" not in text.replace(r"\<img", "").replace("\\&lt;img", "")
    assert "<script" not in text
    assert r"\[x\](http://y) \| \`z\`" in text
    assert "{{ 7*7 }}" in text.replace("\\", "")


def test_a_link_in_a_shared_report_leads_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("bashrc", "logo.svg"):
        (outside / name).write_text("mine")
    folder = tmp_path / "reports" / "g"
    results = hostile(folder)
    for name in ("report.md", "results.csv"):
        (folder / name).symlink_to(outside / "bashrc")
    write_report(results, folder)
    assert not (folder / "report.md").is_symlink()
    for figure in (folder / "figures").iterdir():
        figure.unlink()
    (folder / "figures").rmdir()
    (folder / "figures").symlink_to(outside)
    assert report(["g", "--reports", str(tmp_path / "reports")]) == 2
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "bashrc": "mine",
        "logo.svg": "mine",
    }


def test_a_ledgers_formula_is_text_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "my.toml"
    ledger.write_text(
        '[[claim]]\nid = "=cmd()"\ndocument = "x"\nplace = "\\u001B[31m"\nclaim = "<b>c</b>"\n'
        'kind = "exact"\ncheck = "parameters"\nmodel = "lenet"\nexpected = 1\n'
        'verdict = "reproduced"\n'
    )
    assert claims.main(["--claims", str(ledger), "--no-training", "--reports", str(tmp_path)]) == 1
    assert "\x1b" not in "".join(capsys.readouterr())
    folder = tmp_path / "local-claims"
    assert "'=cmd()" in (folder / "claims.csv").read_text()
    page = (folder / "report.md").read_text()
    assert "<b>" not in page.replace(r"\<b\>", "")
    assert "\x1b" not in page


def test_pages_and_tables_are_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    ledger = tmp_path / "my.toml"
    ledger.write_text(
        '[[claim]]\nid = "µ"\ndocument = "x"\nplace = "p"\nclaim = "±"\nkind = "exact"\n'
        'check = "parameters"\nmodel = "lenet"\nexpected = 61706\nverdict = "reproduced"\n',
        encoding="utf-8",
    )
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        result = run_module(
            *("bench.claims", "--claims", str(ledger), "--no-training"),
            *("--reports", str(tmp_path)),
        )
    assert result.returncode == 0, result.stderr
    assert "±" in (tmp_path / "local-claims" / "report.md").read_text(encoding="utf-8")


def test_a_users_file_is_said_to_be_run() -> None:
    assert "is run" in run_module("bench.claims", "--help").stdout
