"""What rounding does beside what seeds do: the numbers of the study, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.statistics.error_rates import read_rounding_spread
from studies.rounding import SEEDS, Trained, spread


def test_spreads_are_those_of_seeds_and_of_one_seed_in_two_orders() -> None:
    once = [
        Trained(digest="a", accuracy=0.75, answers=np.array([0, 1, 2, 3])),
        Trained(digest="b", accuracy=0.25, answers=np.array([0, 1, 3, 2])),
    ]
    again = [
        Trained(digest="a", accuracy=0.75, answers=np.array([0, 1, 2, 3])),
        Trained(digest="c", accuracy=0.50, answers=np.array([0, 1, 3, 3])),
    ]
    found = spread(["one", "other"], once, again)
    assert found.models == "one = other"
    # Two values 0.5 apart: 0.5 / sqrt(2). Differences 0 and 0.25: sqrt((0 + 1/16) / 2 / 2).
    assert found.seed_deviation == pytest.approx(0.353553, abs=1e-6)
    assert found.rounding_deviation == pytest.approx(0.125)
    assert found.same_weights == 1
    assert found.other_answers_by_seed == pytest.approx(2 / 4)
    assert found.other_answers_by_rounding == pytest.approx((0 + 1 / 4) / 2)


def test_smooth_networks_repeat_their_answers_and_relu_networks_do_not() -> None:
    rows = {row.models: row for row in read_rounding_spread()}
    assert all(row.seeds == len(SEEDS) for row in rows.values())
    for name in ("cnn = lenet5-tanh-avg", "lenet-sigmoid", "lenet5-sigmoid-avg"):
        assert rows[name].other_answers_by_rounding == 0.0
    for name in ("lenet = lenet5-relu-max", "dnn", "net"):
        assert rows[name].other_answers_by_rounding > 0.005
    assert all(row.same_weights == 0 for row in rows.values())
