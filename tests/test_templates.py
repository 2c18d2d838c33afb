"""Templates: wrapped markdown in, one line a paragraph out; nothing is left empty in silence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from bench.writing.templates import escape, render, table, unwrap


@dataclass(frozen=True, kw_only=True)
class View:
    name: str
    mean: float


def written(folder: Path, text: str) -> Path:
    (folder / "templates").mkdir()
    (folder / "templates" / "page.md.j2").write_text(text)
    return folder


def test_a_template_sees_the_fields_of_its_view(tmp_path: Path) -> None:
    folder = written(tmp_path, "`{{ name }}` is right\nin {{ mean | percent }} of cases.\n")
    assert render(folder, "page", View(name="net", mean=0.975)) == (
        "`net` is right in 97.50% of cases."
    )


def test_a_name_that_the_view_does_not_have_is_an_error(tmp_path: Path) -> None:
    folder = written(tmp_path, "{{ nmae }}")
    with pytest.raises(UndefinedError, match="nmae"):
        render(folder, "page", View(name="net", mean=0.5))


def test_paragraphs_lists_and_quotations_are_joined_and_tables_and_code_are_not() -> None:
    text = (
        "\n# Title\n\n\n\none\n  two\n- a\n  b\n- c\n\n> q\nr\n\n| a |\n| b |\n\n"
        "```\nx\n\n\ny\n```\n"
    )
    assert unwrap(text) == (
        "# Title\n\none two\n- a b\n- c\n\n> q r\n\n| a |\n| b |\n\n```\nx\n\n\ny\n```"
    )


def test_a_blank_line_parts_a_table_from_what_follows_it() -> None:
    assert unwrap("| a |\n| b |\nwords\n- c") == "| a |\n| b |\n\nwords\n- c"


def test_a_table_is_padded_and_aligned_as_its_second_line_says() -> None:
    assert table("| a | bb |\n|---|--:|\n| long | 1 |\n| x\\|y | 22 |\n") == (
        "| a    |  bb |\n|------|----:|\n| long |   1 |\n| x\\|y |  22 |"
    )


def test_a_long_row_of_a_table_may_be_wrapped() -> None:
    assert table("| a | b |\n|---|---|\n\n| 1 |\n  2 |\n\n| 3 |\n  |\n") == (
        "| a   | b   |\n|-----|-----|\n| 1   | 2   |\n| 3   |     |"
    )


def test_text_from_outside_cannot_become_markup() -> None:
    assert escape("a|b\n*c* <d> [e](f) `g` h_i") == (r"a\|b \*c\* \<d\> \[e\](f) \`g\` h\_i")


def test_a_row_may_go_on_on_the_next_line_and_a_paragraph_never_joins_a_table(
    tmp_path: Path,
) -> None:
    text = "{% filter table %}\n| a |\n  b |\n|---|---|\n| c |\n  d |\n{% endfilter %}\n\nwords\n"
    folder = written(tmp_path, text)
    assert render(folder, "page", View(name="net", mean=0.5)) == (
        "| a   | b   |\n|-----|-----|\n| c   | d   |\n\nwords"
    )


def test_a_fragment_that_rooms_share_is_found_from_any_of_them(tmp_path: Path) -> None:
    text = "{% from 'environment.md.j2' import environment_table %}{{ environment_table }}"
    assert "Macro" in render(written(tmp_path, text), "page", View(name="net", mean=0.5))
