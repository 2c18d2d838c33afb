"""Text from outside made safe to show, such as a name or an exception's words; plurals."""

from __future__ import annotations


def one_line(text: object) -> str:
    r"""The text on one line, nothing in it that a terminal obeys: ESC is shown as `\x1b`.

    Whatever turns into no text, because its own method raises, is named by its type.
    """
    try:
        words = " ".join(str(text).split())
    except Exception:
        words = f"<{type(text).__name__} without words>"
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in words)


def plural(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def cell(value: object) -> object:
    """A value for a table's file: text that a spreadsheet would compute is marked as text."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
