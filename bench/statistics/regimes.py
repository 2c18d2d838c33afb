"""Whether a workload's speed changed while it was measured: block times in, alarms out.

A process can fall into a regime: one network becomes slower at some moment and stays so, or for as
long as that process lives, or by fits and starts. A ratio measured then is a mixture of two, and
depends on how much of each was met; the alarms of this module withhold its verdict. Only changes
larger than `SMALLEST` count. Both alarms look at a workload beside all others that were measured in
the same rounds, so that a machine that slows down sets none off.
"""

from __future__ import annotations

import numpy as np

from bench.statistics.basics import Bools, Floats

SMALLEST = 0.05  # of a speed: the margin within which speeds count as equal
# In standard errors, or deviations for modes. By simulation (`studies.speed_errors`) all alarms
# together go off in less than 5% of quiet tables.
STRETCH = 6.0  # one end of a process against the other
STRETCHES = 2.9  # the same over all processes, as a root mean square
PROCESS = 7.0  # one process against all others, which have some luck anyway
MODES = 5.5
LEAST_ROUNDS = 3  # of a stretch
LEAST_SHARE = 0.1  # of the blocks in a mode, and at least three of them
# A block that is further from its process's median than so many standard deviations, or than this
# share, counts as so far off. Two delayed blocks of three are then no change of `SMALLEST`.
WINSOR, WINSOR_SHARE = 3.0, 1.4 * SMALLEST

_NORMAL_MAD = 0.6745  # of a normal distribution with standard deviation 1


def unstable(log_seconds: Floats) -> Bools:
    """Which workloads changed by themselves while they were measured.

    Args:
        log_seconds: Logs of block times of workloads measured in the same rounds, (..., workloads,
            processes, rounds).

    Returns:
        (..., workloads).
    """
    beside = _beside_others(log_seconds)
    with np.errstate(divide="ignore", invalid="ignore"):  # blocks without any noise
        within, between = _changes(beside)
        found: Bools = (
            (within.max(axis=-1) > STRETCH)
            | (np.sqrt((within**2).mean(axis=-1)) > STRETCHES)
            | (between.max(axis=-1) > PROCESS)
            | (_modes(beside) > MODES)
        )
    return found


def _beside_others(log_seconds: Floats) -> Floats:
    """What is left of each block without its workload's median and its round's common factor."""
    own = log_seconds - np.median(log_seconds, axis=(-1, -2), keepdims=True)
    left: Floats = own - np.median(own, axis=-3, keepdims=True)
    return left


def _changes(blocks: Floats) -> tuple[Floats, Floats]:
    """How far processes change, and differ from all others, in standard errors.

    The largest difference between the beginning and the end of a process is the likelihood ratio
    test for a change at an unknown point (Hawkins, J. Amer. Statist. Assoc. 72, 1977, 180-186),
    here with a robust scale: the median size of the differences of successive blocks, which one
    change hardly moves. Outliers are winsorised.

    Args:
        blocks: (..., processes, rounds).

    Returns:
        Both (..., processes).
    """
    processes, rounds = blocks.shape[-2:]
    nothing = np.zeros(blocks.shape[:-1])
    if rounds < 2 * LEAST_ROUNDS:
        return nothing, nothing
    steps = np.abs(np.diff(blocks, axis=-1))
    scale = np.median(steps, axis=(-1, -2), keepdims=True) / (_NORMAL_MAD * 2**0.5)
    centre = np.median(blocks, axis=-1, keepdims=True)
    reach = np.maximum(WINSOR * scale, WINSOR_SHARE)
    tamed = centre + np.clip(blocks - centre, -reach, reach)
    scale = scale[..., 0]
    within = nothing
    for first in range(LEAST_ROUNDS, rounds - LEAST_ROUNDS + 1):
        moved = tamed[..., first:].mean(axis=-1) - tamed[..., :first].mean(axis=-1)
        within = np.maximum(within, _size(moved, scale * _error(first, rounds - first)))
    if processes == 1:
        return within, nothing
    means = tamed.mean(axis=-1)
    others = (means.sum(axis=-1, keepdims=True) - means) / (processes - 1)
    return within, _size(means - others, scale * _error(rounds, rounds * (processes - 1)))


def _modes(blocks: Floats) -> Floats:
    """How far apart the best two groups of all blocks lie in standard deviations, (...).

    Ashman's D (Ashman, Bird and Zepf, Astron. J. 108, 1994, 2348-2361) of the blocks in order of
    size, cut where it is largest.
    """
    values = np.sort(blocks.reshape(*blocks.shape[:-2], -1), axis=-1)
    count = values.shape[-1]
    least = max(3, int(np.ceil(LEAST_SHARE * count)))
    found = [np.zeros(values.shape[:-1])]
    for cut in range(least, count - least + 1):
        low, high = values[..., :cut], values[..., cut:]
        spread = np.sqrt((low.var(axis=-1, ddof=1) + high.var(axis=-1, ddof=1)) / 2)
        found.append(_size(high.mean(axis=-1) - low.mean(axis=-1), spread))
    largest: Floats = np.stack(found).max(axis=0)
    return largest


def _size(difference: Floats, unit: Floats) -> Floats:
    """A difference in units; none where it is no larger than `SMALLEST`."""
    size = np.abs(difference)
    found: Floats = np.where(size > np.log1p(SMALLEST), size / unit, 0.0)
    return found


def _error(first: int, second: int) -> float:
    """Standard error of the difference of two means of so many blocks, in those of a block."""
    return float((1 / first + 1 / second) ** 0.5)
