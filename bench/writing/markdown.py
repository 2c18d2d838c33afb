"""How numbers, intervals and tables are written in a report. All rounding happens here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from markupsafe import Markup

from bench.statistics.basics import ROUNDING, Interval, Summary
from bench.statistics.remedy import Shares
from bench.statistics.speed import SpeedRatio


def aligned(
    headers: Sequence[str], right: Sequence[bool], rows: Iterable[Sequence[str]]
) -> list[str]:
    """A table's lines, padded; `right` says which columns are right-aligned."""
    cells = [headers, *rows]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(headers))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        + " |"
        for row in cells
    ]
    rule = [
        "-" * (width + 1) + ":" if is_right else "-" * (width + 2)
        for width, is_right in zip(widths, right, strict=True)
    ]
    return [lines[0], "|" + "|".join(rule) + "|", *lines[1:]]


def picture(name: str, description: str) -> Markup:
    """A figure that lies beside the report twice, for light and for dark pages."""
    return Markup(
        '<picture><source media="(prefers-color-scheme: dark)" srcset="figures/{0}-dark.svg">'
        '<img alt="{1}" src="figures/{0}.svg"></picture>'
    ).format(name, description)


def names(models: Iterable[str], between: str = " and ") -> str:
    """`a` and `b`."""
    return between.join(f"`{model}`" for model in models)


def interval(summary: Summary | None) -> str:
    """The 95% interval in percent, or a dash where there is none."""
    if summary is None or summary.low is None or summary.high is None:
        return "-"
    return percent_range(summary.low, summary.high)


def accuracy_range(interval: Interval | None) -> str:
    """An interval of an accuracy in percent, or a dash where there is none."""
    return "-" if interval is None else percent_range(interval.low, interval.high)


def percent_range(low: float, high: float) -> str:
    """An interval of an accuracy; not beyond 0 and 1, whatever Student's formula says."""
    return f"{percent(max(low, 0.0))} to {percent(min(high, 1.0))}"


def spread(summary: Summary | None) -> str:
    """From the lowest to the highest run in percent."""
    if summary is None or summary.n == 1:
        return "-"
    return f"{percent(summary.minimum)} to {percent(summary.maximum)}"


def percent(fraction: float | None) -> str:
    """A fraction in percent, or a dash where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.2f}%"


def hundredfold(fraction: float | None, decimals: int) -> str:
    """A fraction in percent, for a column that says so; a dash where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.{decimals}f}"


def short(number: float | None) -> str:
    """A number with three digits and a letter: 61.7k, 300M; a dash where there is none."""
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * size:
            return f"{factor(number / size)}{letter}"
    return f"{number:,.0f}"


def signed(difference: float) -> str:
    """A difference of two fractions times 100, with its sign; none is zero, without a sign.

    What is left of equal numbers by rounding in floating point is zero, too. A difference that is
    only small keeps its sign, because it says on which side of zero an interval ends.
    """
    return "0.00" if abs(difference) < ROUNDING else f"{100 * difference:+.2f}"


def points(difference: float | None) -> str:
    """A difference of two fractions in percentage points, with its sign, or a dash."""
    return "-" if difference is None else f"{signed(difference)} pp"


def distance(difference: float | None) -> str:
    """The size of a difference in percentage points, or a dash where there is none."""
    return "-" if difference is None else f"{100 * abs(difference):.2f} pp"


def signed_interval(interval: Interval | Summary | None) -> str:
    """Both ends of a difference in percentage points, or a dash where there is no interval."""
    if interval is None or interval.low is None or interval.high is None:
        return "-"
    return f"[{signed(interval.low)}, {signed(interval.high)}]"


def integer(number: float | None) -> str:
    """A number without decimals, thousands apart."""
    return "-" if number is None else f"{number:,.0f}"


def decimal(number: float | None, decimals: int) -> str:
    """A number with so many decimals."""
    return "-" if number is None else f"{number:,.{decimals}f}"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return "-" if seconds is None else f"{1e3 * seconds:.3f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: `48 seconds`, `17 minutes`, `2.3 hours`."""
    if seconds < 100:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"


def quartile_range(quartiles: tuple[float, float] | None) -> str:
    """From the first to the third quartile."""
    return "-" if quartiles is None else f"{quartiles[0]:,.0f} to {quartiles[1]:,.0f}"


def tenths(fraction: float) -> str:
    """A fraction in percent with one decimal, or a dash where it is not finite."""
    return f"{100 * fraction:.1f}%" if isfinite(fraction) else "-"


def change(fraction: float | None, decimals: int = 1) -> str:
    """A fraction of what was before, in percent and with its sign; a dash where it is infinite."""
    if fraction is None or not isfinite(fraction):
        return "-"
    # What rounds to nothing has no sign.
    return re.sub(r"^[+-](?=[0.]+%$)", "", f"{100 * fraction:+.{decimals}f}%")


def ratio_interval(ratio: SpeedRatio) -> str:
    """The 95% interval of a ratio of speeds, or a dash where there are too few rounds for one."""
    return f"{ratio.low:.3f} to {ratio.high:.3f}" if isfinite(ratio.high) else "-"


def kibibytes(size: float) -> str:
    """A size in bytes as KiB with one decimal."""
    return decimal(size / 2**10, 1)


def factor(ratio: float | None) -> str:
    """A ratio with three significant digits, or a dash where it is not known."""
    if ratio is None:
        return "-"
    decimals = 0 if ratio >= 100 else 1 if ratio >= 10 else 2 if ratio >= 1 else 3
    return f"{ratio:,.{decimals}f}"


def about(ratio: float | None) -> str:
    """A ratio with two significant digits, or a dash where it is not known."""
    return "-" if ratio is None else f"{float(f'{ratio:.2g}'):,g}"


def shares(found: Shares | None) -> str:
    """The parts of a variance in whole percent, or a dash where they are not known."""
    if found is None:
        return "-"
    return " / ".join(f"{100 * part:.0f}%" for part in (found.seeds, found.samples, found.rest))


def significant(number: float | None, digits: int) -> str:
    """A number rounded to so many digits, thousands apart, or a dash where it is not known."""
    return "-" if number is None else f"{float(f'{number:.{digits}g}'):,.0f}"


def mebibytes(size: float | None, decimals: int) -> str:
    """A size in bytes as MiB, or a dash where it is not known."""
    return "-" if size is None else decimal(size / 2**20, decimals)


def ledger_value(value: Any) -> str:
    """A value of a ledger as a reader likes it: thousands apart, shapes as 6x28x28."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {ledger_value(item)}" for name, item in value.items())
    if isinstance(value, list):
        nested = bool(value) and all(isinstance(item, list) for item in value)
        return ", ".join(map(_shape if nested else ledger_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _shape(items: list[Any]) -> str:
    if all(isinstance(item, int) and item < 1_000 for item in items):
        return "x".join(map(str, items))
    return f"({', '.join(map(ledger_value, items))})"


def codes(names: Iterable[str]) -> str:
    """`a`, `b`."""
    return ", ".join(f"`{name}`" for name in names)


def listed(values: dict[str, str]) -> str:
    """Names and values on one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def probability(p: float | None) -> str:
    """A p value, or a dash where there is none."""
    if p is None:
        return "-"
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def p_equals(p: float) -> str:
    """A p value as part of a sentence: `p = 0.0312`, `p < 0.0001`."""
    said = probability(p)
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"
