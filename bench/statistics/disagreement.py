"""What exactly one of two trained networks gets wrong, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Two trained networks on the same test samples.

    Attributes:
        only_first_wrong: Positions of the samples that only the first got wrong.
        only_second_wrong: Positions of those that only the second got wrong.
        p: Exact two-sided McNemar p: whether the two numbers differ by more than chance. It speaks
            of these two networks alone, not of other seeds.
    """

    only_first_wrong: tuple[int, ...]
    only_second_wrong: tuple[int, ...]
    p: float


def disagreement(first: Collection[int], second: Collection[int]) -> Disagreement:
    """What exactly one of two networks gets wrong, from the positions that each misclassified."""
    only_first = tuple(sorted(set(first) - set(second)))
    only_second = tuple(sorted(set(second) - set(first)))
    # Of the samples where they disagree, a fair coin would give either half.
    fewer, all_of_them = min(len(only_first), len(only_second)), len(only_first) + len(only_second)
    return Disagreement(
        only_first_wrong=only_first,
        only_second_wrong=only_second,
        p=min(1.0, 2 * float(special.bdtr(fewer, all_of_them, 0.5))),
    )
