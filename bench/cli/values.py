"""Values in words: seeds, margins, lists and seconds of options, and how long something takes."""

from __future__ import annotations

import argparse
import math

from bench.cells.plan import MOST_SEEDS
from bench.records.errors import RequestError


def seconds(text: str) -> float:
    """A number of seconds above 0, for an option's `type`."""
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text}")
    return number


def parse_seeds(text: str) -> tuple[int, ...]:
    """`5` is the seeds 1 to 5; `1,2,7` is these seeds, and `7,` the seed 7 alone.

    Raises:
        RequestError: It is neither, or a seed stands twice.
    """
    items = [item.strip() for item in text.removesuffix(",").split(",")]
    if not all(item.isascii() and item.isdigit() for item in items):
        raise RequestError(
            f"--seeds '{text}' is not a number of seeds (5), a list of seeds (1,2,7) or "
            "until-settled"
        )
    if max(map(len, items)) > 10:
        raise RequestError(f"--seeds '{text[:40]}...': no seed is above {2**32 - 1}")
    numbers = tuple(int(item) for item in items)
    if "," not in text and numbers[0] > MOST_SEEDS:
        raise RequestError(f"--seeds {text} is too many; {MOST_SEEDS} is the most")
    return numbers if "," in text else tuple(range(1, numbers[0] + 1))


def parse_margin(text: str) -> float:
    """`0.5pp` as a fraction.

    Raises:
        RequestError: It is no number of percentage points between 0 and 100.
    """
    number = text.removesuffix("pp")
    try:
        points = float(number)
    except ValueError:
        points = math.nan
    if number == text or not 0 < points < 100:
        raise RequestError(
            f"--margin '{text}' is no difference of accuracies; give percentage points above 0, "
            "such as 0.5pp"
        )
    return points / 100


def parse_list(option: str, text: str) -> tuple[str, ...]:
    """The items of a comma-separated list.

    Raises:
        RequestError: There are none, or one is empty.
    """
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        raise RequestError(f"{option} '{text}' has an empty item; give names with commas between")
    return items


def duration(seconds: float) -> str:
    """So many seconds, in a unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
