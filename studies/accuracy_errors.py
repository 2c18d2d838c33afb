"""`python -m studies.accuracy_errors`: how often verdicts on accuracy err, by simulation.

Networks are simulated (`studies.simulated_networks`). Two tables are made:

- Pairs: one network against another that is better by a known difference. How often is it called
  better, worse, equivalent; how often does the interval over seeds and samples hold the difference.
  All numbers of seeds see the same runs, the first so many seeds of them.
- Reports: 13 networks of equal accuracy, two pairs of them the same network, with both families of
  questions, so that no verdict `better` or `worse` is true.

Beside them stands the rule that was used before: the squared standard errors over seeds and over
samples added (min F', Clark 1973), quantiles by Cochran and Cox, equal networks counted each for
itself, all p values multiplied by the number of families.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from bench.statistics.basics import ALPHA, Bools, Floats, student_quantile
from bench.statistics.design import CELLS, QUESTIONS
from bench.statistics.error_rates import (
    PAIR_ERRORS,
    REPORT_ERRORS,
    PairErrors,
    ReportErrors,
    SpreadName,
)
from bench.statistics.margin import MARGIN
from bench.statistics.uncertainty import Uncertainty, crossed, seed_cubes
from studies.results import upper_bound, write
from studies.simulated_networks import CALM, SKEWED, Spread, simulate

SEEDS = (5, 10, 20, 40)
SAMPLES = (360, 1_797, 10_000)
DIFFERENCES = (0.0, 0.0025, 0.005, 0.01, 0.02)
ACCURACY = 0.97  # of the network that the others are compared with
FAMILY = 10  # tests of a family whose first step is shown beside the test alone
RUNS: Mapping[int, int] = {360: 4_000, 1_797: 4_000, 10_000: 1_000}
REPORT_SEEDS = (5, 10, 20)
REPORT_RUNS: Mapping[int, int] = {360: 4_000, 10_000: 1_000}

# The one network; the other is always calm.
SPREADS: Mapping[SpreadName, Spread] = {"calm": CALM, "skewed": SKEWED}

# The networks of a report: the design, the baseline's other name first; then those outside it.
_OTHERS = 5
_NETWORKS = len(CELLS) + _OTHERS
_BASELINE = CELLS.index(("relu", "max"))
# As the seeds of the digits report spread: four calm, one restless.
_OUTSIDE = (CALM, CALM, Spread(deviation=0.28), CALM, Spread(deviation=0.37))


def main() -> int:
    """Simulates both tables, writes and prints them."""
    write(PAIR_ERRORS, PairErrors, simulate_pairs())
    write(REPORT_ERRORS, ReportErrors, simulate_reports())
    return 0


def simulate_pairs() -> Iterator[PairErrors]:
    """The rows of all pairs, in order; takes minutes."""
    for samples, spread in product(SAMPLES, SPREADS):
        yield from pairs(samples, spread, runs=RUNS[samples])


def simulate_reports() -> Iterator[ReportErrors]:
    """The rows of whole reports, in order; takes minutes."""
    for samples, spread in product(REPORT_RUNS, SPREADS):
        for seeds in REPORT_SEEDS:
            yield report(samples, spread, seeds=seeds, runs=REPORT_RUNS[samples])


def pairs(samples: int, spread: SpreadName, *, runs: int) -> list[PairErrors]:
    """The rows of a test set's size and a kind of seeds; the same every time."""
    rng = np.random.default_rng([samples, *spread.encode()])
    networks = [(ACCURACY, CALM), *((ACCURACY + d, SPREADS[spread]) for d in DIFFERENCES)]
    found: dict[int, list[_Part]] = {seeds: [] for seeds in SEEDS}
    for right in simulate(rng, networks, runs=runs, seeds=max(SEEDS), samples=samples):
        for seeds, parts in found.items():
            parts.append(_judge(right[:, :, :seeds]))
    return [
        _row(_joined(found[seeds]), place, samples=samples, seeds=seeds, spread=spread)
        for seeds in SEEDS
        for place in range(len(DIFFERENCES))
    ]


_Part = dict[str, Floats]


def _judge(right: Bools) -> _Part:
    """(runs, differences) of each number that decides, every network against the first."""
    shape = right.shape[2] * right.shape[3]
    by_seed = right.mean(axis=-1)
    by_sample = right.mean(axis=-2)
    apart = np.count_nonzero(right[:, 1:] != right[:, :1], axis=(-1, -2)) / shape
    seeds, samples = by_seed[:, 1:] - by_seed[:, :1], by_sample[:, 1:] - by_sample[:, :1]
    cubes = by_seed.std(axis=-1, ddof=1) ** 3
    uncertainty = crossed(seeds, samples, apart, cubes[:, 1:] - cubes[:, :1])
    mean = seeds.mean(axis=-1)
    low, high = _ends(uncertainty, mean)
    return {
        "difference": mean,
        "p": uncertainty.p(mean),
        "within": uncertainty.p_within(mean, MARGIN),
        "low": low,
        "high": high,
        "old": old_rule(seeds, samples, ALPHA),
        "old_family": old_rule(seeds, samples, ALPHA / FAMILY / 2),
    }


def _ends(uncertainty: Uncertainty, mean: Floats) -> tuple[Floats, Floats]:
    low, high = uncertainty.both.reach(ALPHA)
    return mean - low, mean + high


def _joined(parts: list[_Part]) -> _Part:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _row(found: _Part, place: int, *, samples: int, seeds: int, spread: SpreadName) -> PairErrors:
    at = {name: values[:, place] for name, values in found.items()}
    true = DIFFERENCES[place]
    above = at["difference"] > 0
    return PairErrors(
        test_samples=samples,
        seeds=seeds,
        spread=spread,
        difference=true,
        runs=len(above),
        coverage=_share((at["low"] <= true) & (true <= at["high"])),
        better=_share((at["p"] <= ALPHA) & above),
        worse=_share((at["p"] <= ALPHA) & ~above),
        equivalent=_share(at["within"] <= ALPHA),
        better_of_ten=_share((at["p"] <= ALPHA / FAMILY) & above),
        old_better=_share(at["old"].astype(bool) & above),
        old_worse=_share(at["old"].astype(bool) & ~above),
        old_better_of_ten=_share(at["old_family"].astype(bool) & above),
    )


def report(samples: int, spread: SpreadName, *, seeds: int, runs: int) -> ReportErrors:
    """The row of whole reports; the same every time."""
    rng = np.random.default_rng([samples, seeds, *spread.encode()])
    last = SPREADS[spread] if spread != "calm" else _OUTSIDE[-1]
    spreads = [*[CALM] * len(CELLS), *_OUTSIDE[:-1], last]
    networks = [(ACCURACY, one) for one in spreads]
    weights = _questions()
    p_parts, old_parts = [], []
    for right in simulate(rng, networks, runs=runs, seeds=seeds, samples=samples):
        accuracies = right.mean(axis=-1)
        by_seed, by_sample = weights @ accuracies, weights @ right.mean(axis=-2)
        cubes = seed_cubes(accuracies, weights)
        uncertainty = crossed(by_seed, by_sample, _mean_squares(right, weights), cubes)
        p_parts.append(uncertainty.p(by_seed.mean(axis=-1)))
        # The twins are tests of their own, and there are two families.
        levels = np.repeat([ALPHA / 2 / 7, ALPHA / 2 / 11], [7, 10])
        old_parts.append(old_rule(by_seed, by_sample, levels[:, None]))
    design, baseline = np.split(np.concatenate(p_parts), [len(QUESTIONS)], axis=1)
    false_design = any_verdict(design, ALPHA / 2, primary=0)
    false_baseline = any_verdict(baseline, ALPHA / 2)
    false: Bools = false_design | false_baseline
    unshared: Bools = any_verdict(design, ALPHA, primary=0) | any_verdict(baseline, ALPHA)
    return ReportErrors(
        test_samples=samples,
        seeds=seeds,
        spread=spread,
        runs=runs,
        false_primary=_share(design[:, 0] <= ALPHA / 4),
        false_design=_share(false_design),
        false_baseline=_share(false_baseline),
        false=_share(false),
        false_upper=round(upper_bound(int(false.sum()), runs), 5),
        false_unshared=_share(unshared),
        old_false=_share(np.concatenate(old_parts).max(axis=1)),
    )


def _questions() -> Floats:
    """(questions, networks), the design's and then every network against the baseline."""
    design = np.zeros((len(QUESTIONS), _NETWORKS))
    design[:, : len(CELLS)] = [question.weights for question in QUESTIONS]
    baseline = np.delete(np.eye(_NETWORKS), _BASELINE, axis=0)
    baseline[:, _BASELINE] = -1
    return np.concatenate([design, baseline])


def _mean_squares(right: Bools, weights: Floats) -> Floats:
    """(runs, questions), the mean of the squared contrast over seeds and samples."""
    runs, networks = right.shape[:2]
    flat = right.reshape(runs, networks, -1).astype(np.float32)
    products = (flat @ flat.transpose(0, 2, 1)).astype(np.float64) / flat.shape[-1]
    squares: Floats = np.einsum("qm,rmn,qn->rq", weights, products, weights)
    return squares


def old_rule(by_seed: Floats, by_sample: Floats, level: float | Floats) -> Bools:
    """What was significant before: seeds, samples, and both at once by Cochran and Cox."""
    mean = np.abs(by_seed.mean(axis=-1))
    free = np.array([by_seed.shape[-1] - 1.0, by_sample.shape[-1] - 1.0])
    squares = np.stack(
        [values.var(axis=-1, ddof=1) / values.shape[-1] for values in (by_seed, by_sample)], axis=-1
    )
    quantiles = student_quantile(free, level)
    each = mean[..., None] >= quantiles * np.sqrt(squares)
    both = mean * np.sqrt(squares.sum(axis=-1)) >= (squares * quantiles).sum(axis=-1)
    found: Bools = each.all(axis=-1) & both & (squares > 0).all(axis=-1)
    return found


def any_verdict(p: Floats, level: float, *, primary: int | None = None) -> Bools:
    """Whether the adjustment leaves any of a family's p values (last axis) at a level or below.

    It does if its first step does; a p that is missing (nan) is counted and never the smallest. A
    primary question has half of the level.
    """
    tests = p.shape[-1]
    times = np.full(tests, float(tests))
    if primary is not None:
        times[:], times[primary] = 2 * (tests - 1), 2
    anything: Bools = (np.nan_to_num(p, nan=1.0) * times).min(axis=-1) <= level
    return anything


def _share(hits: Bools) -> float:
    return round(float(hits.mean()), 5)


if __name__ == "__main__":
    raise SystemExit(main())
