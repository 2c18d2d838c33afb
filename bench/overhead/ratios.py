"""Ratios of what was measured in the same rounds, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

import zoo
from bench.records import kinds
from bench.statistics.basics import Floats
from bench.statistics.speed import wilcoxon

Seconds = Mapping[str, Floats]  # by contender, of each round


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How many times as long something takes as something else.

    Attributes:
        ratio: The Hodges-Lehmann estimate over rounds.
        low: Lower end of its 95% interval.
        high: Its upper end.
    """

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network's line in one of the tables.

    Attributes:
        model: Registry name.
        batch: Pictures of a training step.
        seconds: Median seconds of what the others are compared with.
        ratios: By contender; None for what failed or was not there.
        first: By contender, seconds of its first visit.
    """

    model: str
    batch: int
    seconds: float
    ratios: dict[str, Ratio | None]
    first: dict[str, float]


def rows(
    found: list[kinds.Overhead], part: str, base: str, *, as_speed: bool = False
) -> tuple[Row, ...]:
    """A part's networks, each with the ratios of all contenders to one of them.

    Args:
        found: Records of all parts.
        part: The part.
        base: What the others are compared with; a network where it failed has no row.
        as_speed: Whether a ratio says how many times as fast, and not how many times as long.
    """
    found_rows = []
    for model in dict.fromkeys(record.model for record in found if record.part == part):
        here = [record for record in found if record.part == part and record.model == model]
        seconds = seconds_of(found, part, model)
        if base not in seconds:
            continue
        ratios: dict[str, Ratio | None] = {}
        for record in here:
            if record.contender != base:
                taken = seconds.get(record.contender)
                if taken is None:
                    ratios[record.contender] = None
                elif as_speed:
                    ratios[record.contender] = ratio(seconds[base], taken)
                else:
                    ratios[record.contender] = ratio(taken, seconds[base])
        found_rows.append(
            Row(
                model=model,
                batch=zoo.get(model).recipe.train_batch or 0,
                seconds=median(seconds[base]),
                ratios=ratios,
                first={r.contender: r.first for r in here if r.first is not None},
            )
        )
    return tuple(found_rows)


def seconds_of(found: list[kinds.Overhead], part: str, model: str) -> Seconds:
    """The seconds of each contender that did not fail, for a part and a network."""
    return {
        record.contender: np.array(record.seconds)
        for record in found
        if (record.part, record.model) == (part, model) and not record.error
    }


def ratio(over: Floats, under: Floats) -> Ratio:
    """How many times as long the first takes, from the seconds of the same rounds."""
    located = wilcoxon(np.log(over) - np.log(under))
    centre, low, high = (float(np.exp(x)) for x in (located.centre, located.low, located.high))
    return Ratio(ratio=centre, low=low, high=high)
