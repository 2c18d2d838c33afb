"""The published error rates of runs until settled: complete, small enough, and from this code."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

from bench.statistics.error_rates import read_settling_errors
from studies.accuracy_errors import DIFFERENCES, SAMPLES, SPREADS
from studies.settling_errors import RUNS, fixed, procedure, settled
from studies.simulated_networks import CALM, simulate


def test_every_kind_of_run_is_published_and_errs_in_five_percent_at_most() -> None:
    published = read_settling_errors()
    assert [(row.test_samples, row.spread, row.difference) for row in published] == [
        *product(SAMPLES, SPREADS, DIFFERENCES)
    ]
    for row in published:
        assert row.runs == RUNS[row.test_samples]
        # Two standard errors of a rate of 5%: 0.7% of 4,000 runs, 1.4% of 1,000.
        assert row.false <= 0.05 + 2 * (0.05 * 0.95 / row.runs) ** 0.5
        assert 5 <= row.seeds <= 40
        assert row.cells <= 120


def test_what_20_seeds_find_is_found_with_fewer_where_it_is_clear() -> None:
    rows = {(r.test_samples, r.spread, r.difference): r for r in read_settling_errors()}
    for samples, difference in ((360, 0.02), (1_797, 0.01), (10_000, 0.005)):
        row = rows[samples, "calm", difference]
        assert row.better >= row.fixed_better - 0.02
        assert row.cells < 60


def test_published_rows_come_from_this_code() -> None:
    row = next(
        r
        for r in read_settling_errors()
        if (r.test_samples, r.spread, r.difference) == (360, "calm", 0.01)
    )
    # The same random numbers; another processor's rounding may change a verdict or two.
    again = procedure(360, "calm", 0.01, runs=row.runs)
    assert asdict(again) == pytest.approx(asdict(row), abs=0.02)
    assert again.better == pytest.approx(row.better, abs=0.002)


def test_twenty_fixed_seeds_are_judged_once_without_looks() -> None:
    rng = np.random.default_rng(5)
    networks = [(0.97, CALM), (0.90, CALM), (0.97, CALM)]
    for right in simulate(rng, networks, runs=50, seeds=40, samples=360):
        once = fixed(right[:, :, :20])
        assert (once.seeds == 20).all()
        assert once.worse[:, 0].all()
        looked = settled(right)
        assert looked.worse[:, 0].all()
        assert looked.seeds[:, 0].mean() < 10
