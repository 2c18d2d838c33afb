"""Comparisons that are looked at while seeds are added: what each look decides, and what goes on.

The looks can be taken again from the runs alone, so that a run that was stopped goes on where it
was, and a report shows what the run has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.statistics.accuracy import Comparison, Contrast, uncertainty_of
from bench.statistics.basics import ALPHA
from bench.statistics.sequential import fractions, from_samples, may_settle, nominal_levels

Compare = Callable[[Sequence[Contrast]], tuple[Comparison, ...]]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look at a family has found, as places of its comparisons.

    Attributes:
        seeds: After how many seeds.
        decided: What it has decided.
        given_up: What no further seed of the run can be expected to decide; at the last look, all
            that is not decided.
        open: What goes on.
    """

    seeds: int
    decided: tuple[int, ...]
    given_up: tuple[int, ...]
    open: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A family after its looks.

    Attributes:
        comparisons: One for each contrast, over the seeds that it had when it stopped.
        looks: Those taken, in order.
    """

    comparisons: tuple[Comparison, ...]
    looks: tuple[Look, ...]

    @property
    def open(self) -> tuple[int, ...]:
        """Places of what goes on after the last look."""
        return self.looks[-1].open if self.looks else ()


def settle(
    family: Sequence[Contrast],
    compare: Compare,
    *,
    looks: Sequence[int],
    taken: int,
    margin: float,
    level: float = ALPHA,
) -> Settled:
    """Looks at a family after 5, 10, ... seeds, and lets stop what is decided.

    Verdicts of a look hold for good: what has stopped keeps its p, however the others come out, and
    so the adjusted p values of all can only become smaller.

    Args:
        family: The contrasts, with their seeds in rising order.
        compare: Judges a family whose contrasts know their looks.
        looks: The numbers of seeds of all looks of the plan.
        taken: The number of seeds of the last look to take.
        margin: Within which networks are equivalent.
        level: The family's share of the run's 5%.
    """
    stopped: dict[int, int] = {}
    found: list[Look] = []
    comparisons: tuple[Comparison, ...] = ()
    for look in looks:
        if look > taken or (found and not found[-1].open):
            break
        seen = [_until(c, looks, stopped.get(i, look)) for i, c in enumerate(family)]
        comparisons = compare(seen)
        decided, given_up = [], []
        for i, comparison in enumerate(comparisons):
            if i in stopped:
                continue
            if comparison.verdict != "inconclusive":
                decided.append(i)
            elif look == looks[-1] or not _may_settle(seen[i], looks, margin, level):
                given_up.append(i)
        stopped |= dict.fromkeys([*decided, *given_up], look)
        found.append(
            Look(
                seeds=look,
                decided=tuple(decided),
                given_up=tuple(given_up),
                open=tuple(i for i in range(len(family)) if i not in stopped),
            )
        )
    return Settled(comparisons=comparisons, looks=tuple(found))


def _until(contrast: Contrast, looks: Sequence[int], last: int) -> Contrast:
    """A contrast as the looks up to the last one have seen it."""
    rows = [sum(seed <= look for seed in contrast.seeds) for look in looks if look <= last]
    seen = tuple(dict.fromkeys(number for number in rows if number))
    return replace(contrast.first(seen[-1]), looks=seen, most_seeds=looks[-1])


def _may_settle(contrast: Contrast, looks: Sequence[int], margin: float, level: float) -> bool:
    """Whether later looks may still decide a comparison, see `may_settle`."""
    found = uncertainty_of(contrast)
    if not contrast.same_samples or not found.parts.sum() > 0:
        return True
    seeds, samples = contrast.values.shape
    share = from_samples(found.parts, seeds, looks[-1])
    planned = (*contrast.looks, *(look for look in looks if look > contrast.seeds[-1]))
    information = fractions(planned, float(share))
    later = slice(len(contrast.looks), None)
    of_difference, of_equivalence = (
        max(nominal_levels(information, both)[later]) for both in (level, 2 * level)
    )
    mean = np.asarray(contrast.values.mean())
    return bool(
        may_settle(
            found,
            mean,
            seeds=seeds,
            most=looks[-1],
            samples=samples,
            levels=(of_difference, of_equivalence),
            margin=margin,
        )
    )
