"""Templates: the words of reports. Python gives each a small view, and no sentence.

A template is markdown that may be wrapped anywhere, with Jinja's `{{ value }}`, `{% if %}` and
`{% for %}`. A name that the view does not have is an error, never an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bench.records.text import one_line, plural
from bench.writing import markdown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from jinja2 import Environment

# A line that begins so is not joined to the line above it: heading, table, list, quotation.
_BEGINS_BLOCK = re.compile(r"#+ |\||- |> |\d+\. ")
_STANDS_ALONE = re.compile(r"#+ |\|")
_FENCE = "```"
_SHARED = Path(__file__).parent / "templates"


def render(folder: Path, name: str, view: DataclassInstance) -> str:
    """The text of a template, its paragraphs on one line each, without blank lines at its ends.

    Args:
        folder: The folder of a room; its templates lie in `templates/`. Fragments that several
            rooms include lie in the `templates/` beside this module.
        name: The template's name, without `.md.j2`.
        view: A dataclass; the template sees its fields under their names.

    Raises:
        jinja2.UndefinedError: The template uses a name that the view does not have.
    """
    template = _environment(folder / "templates").get_template(f"{name}.md.j2")
    return unwrap(
        template.render({field.name: getattr(view, field.name) for field in fields(view)})
    )


def unwrap(text: str) -> str:
    """Markdown with every paragraph and list item on one line, blocks one blank line apart."""
    return "\n".join(_unwrapped(text)).strip("\n")


def _unwrapped(text: str) -> Iterator[str]:
    block = ""
    fenced, blank = False, True
    for line in (*text.splitlines(), ""):
        if fenced or line.startswith(_FENCE):
            yield line
            fenced = fenced != line.startswith(_FENCE)
            blank = False
            continue
        words = line.strip()
        if block and (not words or _BEGINS_BLOCK.match(words) or _STANDS_ALONE.match(block)):
            yield block
            ends_table = block.startswith("|") and words and not words.startswith("|")
            block, blank = "", False
            if ends_table:
                yield ""
        if words:
            block = f"{block} {words}" if block else words
        elif not blank:
            yield ""
            blank = True


@lru_cache(maxsize=16)
def _environment(templates: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([templates, _SHARED]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # markdown, which `escape` makes safe, is no HTML
        finalize=harmless,
    )
    made.filters |= FILTERS
    return made


def harmless(value: object) -> object:
    """What any value becomes in a page: no markup of HTML, nothing that a terminal obeys.

    Markup that was made by a template or by `markdown.picture` is left.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", value)
    return "".join(x if x.isprintable() or x == "\n" else one_line(x) for x in text)


def failed(line: str) -> str:
    """A failure: what it was, then, behind a colon, words from outside, which are escaped."""
    what, colon, words = line.partition(": ")
    return f"{what}{colon}{escape(words)}"


def outcomes(found: Mapping[str, int]) -> str:
    """What came of runs that did not go well: `; 2 diverged, 1 timed out`.

    Nothing where they only failed, as how many of how many ran says already.
    """
    if not set(found) - {"failed"}:
        return ""
    return "; " + ", ".join(f"{count} {outcome}" for outcome, count in found.items())


def escape(text: object) -> str:
    """Text from outside, such as a name or an error, so that markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(str(text).split()))


def table(text: str) -> str:
    """A markdown table, its columns padded so that it reads well unrendered, too.

    To be used around a table: `{% filter table %}`. Its second line says, as in all markdown, which
    columns are right-aligned: `|---|--:|`. A line without a bar at its beginning goes on with the
    row above it.
    """
    joined = re.sub(r"\n(?!\|)", " ", text.strip())
    rows = [_cells(line) for line in joined.splitlines()]
    head, rule, *body = rows
    return "\n".join(markdown.aligned(head, [mark.endswith(":") for mark in rule], body))


def varying_table(text: str) -> str:
    """The same without the columns, the first aside, that say the same in all rows or nothing."""
    rows = [_cells(line) for line in table(text).splitlines()]
    kept = [
        column
        for column in range(len(rows[0]))
        if column == 0 or len(rows) == 3 or len({row[column] for row in rows[2:]} - {""}) > 1
    ]
    return table("\n".join("|" + "|".join(row[i] for i in kept) + "|" for row in rows))


def _cells(line: str) -> list[str]:
    """The cells of a table's line; a bar behind a backslash is part of its cell."""
    return [" ".join(cell.split()) for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


FILTERS: dict[str, Any] = {
    "table": table,
    "varying_table": varying_table,
    "escape": escape,
    "failed": failed,
    "outcomes": outcomes,
    "plural": plural,
    "made": Markup,  # the text of another template, whose values are harmless already
    **{
        name: getattr(markdown, name)
        for name in (
            *("percent", "points", "distance", "integer", "decimal", "milliseconds"),
            *("probability", "p_equals"),
            *("interval", "names", "signed", "signed_interval", "spread"),
            *("quartile_range", "ratio_interval", "tenths", "change", "listed", "codes"),
            *(
                "accuracy_range",
                "significant",
                "shares",
                "hundredfold",
                "short",
                "duration",
                "picture",
            ),
            *("mebibytes", "kibibytes", "factor", "about", "percent_range", "ledger_value"),
        )
    },
}
