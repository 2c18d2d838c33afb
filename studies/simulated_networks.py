"""Networks that are simulated, not trained: which test samples each is right on.

Network m, trained from seed s, is right on test sample i with probability

    logistic(a[m] + DIFFICULTY * z[i] + ARCHITECTURE * v[m, i] + deviation[m] * u[m, s])

where z and v are standard normal: some samples are hard for every network, some for one
architecture. u says how well a seed comes out, with mean 0 and variance 1. `a` is what gives the
network its accuracy, the mean over all seeds and samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from scipy.optimize import brentq

from bench.statistics.basics import Bools, Floats

# With these, of the errors of a network at 97% about 0.58 are repeated when it is trained from
# another seed, and about 0.48 by another architecture. LeNet, DNN and Net on digits: 0.49 to 0.65,
# and 0.40 to 0.64.
DIFFICULTY = 5.0
ARCHITECTURE = 1.5

_CELLS_AT_ONCE = 4_000_000
_QUANTILES = (np.arange(2000) + 0.5) / 2000
# Nodes and weights of the mean over a standard normal variable.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(81)
_WEIGHTS /= _WEIGHTS.sum()


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How the seeds of a network differ.

    Attributes:
        deviation: Standard deviation of a seed's effect on the logit scale.
        shape: Of the gamma distribution that makes few seeds come out far below the rest; None for
            a normal distribution.
    """

    deviation: float
    shape: float | None = None

    def quantiles(self, shares: Floats) -> Floats:
        """The seeds' effects below which such shares of them lie."""
        if self.shape is None:
            return np.asarray(self.deviation * special.ndtri(shares))
        unit = (self.shape - stats.gamma.ppf(1 - shares, self.shape)) / self.shape**0.5
        return np.asarray(self.deviation * unit)

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> Floats:
        """Effects of seeds."""
        if self.shape is None:
            return self.deviation * rng.standard_normal(size)
        unit = (self.shape - rng.gamma(self.shape, size=size)) / self.shape**0.5
        return np.asarray(self.deviation * unit)


# Most networks of the records: 0.05 to 0.3. `dnn` and the fastest learning rate: 0.37 to 0.5.
CALM = Spread(deviation=0.2)
# `cnn` as its document trains it on MNIST: accuracies deviate by one point, and of ten runs one is
# 2.5 points below the mean (skewness -1.6 in the ten, -1.9 after correction for their number).
SKEWED = Spread(deviation=0.75, shape=6.0)


@lru_cache
def accuracies_of_seeds(accuracy: float, spread: Spread) -> tuple[float, Floats]:
    """The `a` of a network, and the accuracies of its seeds from the worst to the best."""
    deviation = np.hypot(DIFFICULTY, ARCHITECTURE)
    effects = spread.quantiles(_QUANTILES)[:, None]

    def by_seed(intercept: float) -> Floats:
        return np.asarray(special.expit(intercept + effects + deviation * _NODES) @ _WEIGHTS)

    intercept = brentq(lambda a: by_seed(a).mean() - accuracy, 0, 100)
    return float(intercept), by_seed(float(intercept))


def simulate(
    rng: np.random.Generator,
    networks: Sequence[tuple[float, Spread]],
    *,
    runs: int,
    seeds: int,
    samples: int,
) -> Iterator[Bools]:
    """(some runs, networks, seeds, samples), whether the network is right; a part at a time.

    Args:
        rng: Where chance comes from.
        networks: Accuracy and spread of each.
        runs: In all parts together.
        seeds: Of each network.
        samples: Of the test set, another one for every run.
    """
    known = [accuracies_of_seeds(accuracy, spread)[0] for accuracy, spread in networks]
    intercepts = np.array(known, dtype=np.float32)[:, None, None]
    at_once = max(1, _CELLS_AT_ONCE // (len(networks) * seeds * samples))
    for start in range(0, runs, at_once):
        part = min(at_once, runs - start)
        difficulty = DIFFICULTY * _normal(rng, (part, 1, 1, samples))
        architecture = ARCHITECTURE * _normal(rng, (part, len(networks), 1, samples))
        odds = np.exp(-(intercepts + difficulty + architecture))
        effects = [spread.draw(rng, (part, 1, seeds, 1)) for _, spread in networks]
        against = np.exp(-np.concatenate(effects, axis=1)).astype(np.float32)
        chance = rng.random((part, len(networks), seeds, samples), dtype=np.float32)
        # Right with probability 1 / (1 + odds against), these multiplied by the seed's effect.
        yield chance * (1 + odds * against) <= 1


def _normal(rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float32]:
    return rng.standard_normal(size, dtype=np.float32)
