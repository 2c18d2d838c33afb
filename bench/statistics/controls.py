"""What controls are judged by, and the handicap that one of them plants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.statistics.accuracy import Comparison, compare_paired, pair
from bench.statistics.basics import Bools

# A control that holds may be called failed in so many cases. At 5%, as verdicts have it, one of
# three would fail in every seventh run in which all is right.
LEVEL = 0.01
POINT = 0.01  # of all test samples
MOST_POINTS = 20
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A network like another one, some of whose right answers were made wrong, against that one.

    Attributes:
        handicap: What was taken, a share of all test samples.
        detectable: What is detected with 80% power between the network and one that is a point
            worse; None if nothing is.
        comparison: Of the two; None where no handicap that was tried would be detected.
    """

    handicap: float
    detectable: float | None
    comparison: Comparison | None


def plant(correct: Bools, *, same_samples: bool) -> Planted:
    """The handicap of a point, or of the first multiple of it that is detected with 80% power.

    Args:
        correct: (seeds, samples), whether the network is right; at least two seeds.
        same_samples: Whether column i is the same test sample for every seed.
    """
    detectable = None
    for points in range(1, MOST_POINTS + 1):
        share = points * POINT
        if share >= correct.mean():
            break
        found = _handicapped(correct, share, same_samples=same_samples)
        if points == 1:
            detectable = found.detectable
        if found.detectable is not None and found.detectable <= share:
            return Planted(handicap=share, detectable=detectable, comparison=found)
    return Planted(handicap=POINT, detectable=detectable, comparison=None)


def _handicapped(correct: Bools, share: float, *, same_samples: bool) -> Comparison:
    """Each seed's answers, a share of all made wrong, against those of the seed before.

    Against another seed, so that the doubt is that of two networks which were trained apart.
    """
    lost = np.random.default_rng(_SEED).random(correct.shape) < share / correct.mean()
    handicapped = np.roll(correct & ~lost, -1, axis=0)
    (found,) = compare_paired([pair("handicap", handicapped, correct, same_samples=same_samples)])
    return found
