"""Whether test samples that lie side by side in a file are alike, and what that does to the doubt.

Files of handwriting keep a writer's samples together. A network that reads one of them wrong then
reads more of them wrong, and many samples say less than as many independent ones.
"""

from __future__ import annotations

import numpy as np

from bench.statistics.basics import ROUNDING, Floats

FEWEST_BLOCKS = 10


def design_effect(by_sample: Floats) -> float | None:
    """How many times the standard error of a mean over samples is what independent ones give.

    From overlapping batch means, which is the moving block bootstrap without its random draws
    (Meketon and Schmeiser 1984, Winter Simulation Conference, 226-230; Kuensch 1989, Ann. Statist.
    17:1217-1241). Blocks are as long as the square root of the number of samples.

    Args:
        by_sample: (samples,), a difference for each, in the order of the file.

    Returns:
        The ratio of the two standard errors; None with too few samples or no spread.
    """
    n = len(by_sample)
    length = round(n**0.5)
    if n < FEWEST_BLOCKS * length or np.ptp(by_sample) <= ROUNDING:
        return None
    centred = by_sample - by_sample.mean()
    sums = np.cumsum(np.concatenate([[0.0], centred]))
    blocks = (sums[length:] - sums[:-length]) / length
    # Blocks vary less about the mean of all than about the truth: n / (n - length) of it is left.
    of_blocks = length * (blocks**2).mean() * n / (n - length)
    return float((of_blocks / centred.var(ddof=1)) ** 0.5)
