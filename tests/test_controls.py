"""Each control passes where all is right and fails where its subject is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cells.plan import Request, plan
from bench.records import kinds
from bench.report.opening import opening
from bench.report.write import render
from bench.results import controls as subject
from bench.results.controls import Controls, controls, halves, handicap, permuted, twins
from bench.results.runs import Results, Runs, read
from bench.results.speed_controls import delay, processes
from bench.statistics import controls as planting
from bench.statistics.accuracy import Comparison, compare_paired
from bench.statistics.basics import Floats
from bench.statistics.error_rates import read_control_errors
from bench.statistics.speed import two_samples
from bench.timing.measure import Asked
from bench.timing.protocol import DELAY, Workload
from studies import control_errors
from tests.factories import RECIPE, request_record, stored, train_record

SAMPLES = 400
SEEDS = range(1, 21)


def runs(model: str, right: Sequence[float], *, draw: int = 0) -> Runs:
    """A network whose seeds are right with these probabilities, each sample by itself."""
    rng = np.random.default_rng([draw, *model.encode()])
    cells = {}
    for seed, chance in enumerate(right, start=1):
        wrong = np.flatnonzero(rng.random(SAMPLES) >= chance)
        cells[seed] = train_record(
            model,
            seed,
            SAMPLES - len(wrong),
            misclassified=[(int(index), 0) for index in wrong],
        )
    return Runs(model=model, device="cpu", cells=cells)


def timing(
    seconds: Floats, *, model: str = "lenet", phase: kinds.Phase = "train", delay: float = 0.0
) -> kinds.Timing:
    return kinds.Timing(
        key=f"{model}-{phase}-{delay}",
        model=model,
        device="cpu",
        phase=phase,
        deterministic=True,
        batch=64,
        status="ok",
        steps_per_block=5,
        block_seconds=tuple(map(tuple, seconds.tolist())),
        processes=len(seconds),
        delay=delay,
    )


def blocks(times: float = 1.0, *, draw: int, noise: float = 0.005) -> Floats:
    """Five processes of eight rounds."""
    noises = np.random.default_rng(draw).normal(0, noise, (5, 8))
    return np.asarray(0.025 * times * np.exp(noises))


def timed(step: Floats, slowed: Floats | None = None) -> Results:
    """A run in which the baseline's step was timed, with a delay and without."""
    beside = [timing(blocks(draw=9 + i), model=f"other-{i}") for i in range(4)]
    return Results(
        request=request_record([], ["lenet"]),
        runs=(),
        speeds={},
        counts={},
        failures=(),
        timings=(timing(step), *beside),
        delayed=() if slowed is None else (timing(slowed, delay=DELAY),),
    )


def test_twins_pass_with_equal_weights_and_fail_with_others() -> None:
    recipes = {"lenet": RECIPE, "lenet5-relu-max": RECIPE}
    one, other = (runs(model, [0.97] * 3) for model in recipes)
    found = twins([one, other], recipes)
    assert found is not None
    assert found.groups == (("lenet", "lenet5-relu-max"),)
    assert found.passed
    changed = train_record("lenet5-relu-max", 2, 390, weights_sha256="other")
    broken = replace(other, cells={**other.cells, 2: changed})
    found = twins([one, broken], recipes)
    assert found is not None
    assert found.different == (("lenet", "lenet5-relu-max"),)
    assert not found.passed


def test_networks_of_other_code_or_another_recipe_are_no_twins() -> None:
    one, other = runs("lenet", [0.97] * 3), runs("lenet5-relu-max", [0.97] * 3)
    longer = replace(RECIPE, epochs=3)
    assert twins([one, other], {"lenet": RECIPE, "lenet5-relu-max": longer}) is None
    assert twins([one, runs("net", [0.97] * 3)], {"lenet": RECIPE, "net": RECIPE}) is None


def test_permuted_pixels_pass_with_an_equal_network_and_fail_with_a_handicapped_one() -> None:
    dnn = runs("dnn", [0.95] * 10)
    equal = permuted([dnn], [runs("dnn-permuted", [0.95] * 10)])
    assert equal is not None
    assert equal.seeds == 10
    assert equal.passed
    handicapped = permuted([dnn], [runs("dnn-permuted", [0.90] * 10)])
    assert handicapped is not None
    assert handicapped.difference == pytest.approx(-0.05, abs=0.02)
    assert not handicapped.passed
    assert permuted([dnn], []) is None


def test_halves_pass_with_equal_seeds_and_fail_with_one_half_that_is_worse() -> None:
    others = [runs("lenet", [0.97] * 20), runs("net", [0.98] * 20)]
    equal = halves([*others, runs("dnn", [0.95] * 20)])
    assert equal is not None
    assert equal.networks == 3
    assert equal.passed
    shifted = halves([*others, runs("dnn", [0.95] * 10 + [0.91] * 10)])
    assert shifted is not None
    assert shifted.failed == ("dnn",)
    assert not shifted.passed


def test_equal_networks_are_halved_once_and_three_seeds_not_at_all() -> None:
    lenet = runs("lenet", [0.97] * 10)
    found = halves([lenet, replace(lenet, model="lenet5-relu-max")])
    assert found is not None
    assert found.networks == 1
    assert halves([runs("lenet", [0.97] * 3)]) is None


def test_processes_pass_with_equal_ones_and_fail_where_one_group_is_delayed() -> None:
    step = blocks(draw=1)
    equal = processes(timed(step), "cpu")
    assert equal is not None
    assert equal.groups == (3, 2)
    assert equal.passed
    step[::2] *= 1.1
    delayed = processes(timed(step), "cpu")
    assert delayed is not None
    assert delayed.ratio == pytest.approx(1.1, rel=0.01)
    assert not delayed.passed
    assert processes(timed(step[:1]), "cpu") is None


def test_a_planted_delay_passes_and_fails_where_the_clock_does_not_see_it() -> None:
    step = blocks(draw=1)
    found = delay(timed(step, blocks(1.03, draw=2)), "cpu")
    assert found is not None
    assert (found.verdict, found.is_held) == ("slower", True)
    assert found.passed
    unseen = delay(timed(step, blocks(1.0, draw=2)), "cpu")
    assert unseen is not None
    assert not unseen.passed
    too_large = delay(timed(step, blocks(1.2, draw=2)), "cpu")
    assert too_large is not None
    assert (too_large.verdict, too_large.is_held) == ("slower", False)
    assert not too_large.passed
    assert delay(timed(step), "cpu") is None


def test_a_delay_that_drowns_in_noise_is_not_called_found() -> None:
    noisy = delay(timed(blocks(draw=1, noise=0.2), blocks(1.03, draw=2, noise=0.2)), "cpu")
    assert noisy is not None
    assert noisy.is_held
    assert not noisy.passed


def test_a_handicap_passes_and_fails_with_a_verdict_that_never_says_worse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    baseline = runs("lenet", [0.97] * 20)
    found = handicap(baseline)
    assert found is not None
    # Two networks right in 97% of cases, each sample by itself: variance 2 x 0.97 x 0.03 a sample,
    # so a standard error of 0.27 points over 20 x 400, of which 2.8 are detected: less than one.
    assert found.planted.handicap == 0.01
    assert found.planted.comparison is not None
    assert found.planted.comparison.difference == pytest.approx(-0.01, abs=0.004)
    assert found.passed

    def never_worse(*arguments: object) -> tuple[Comparison, ...]:
        made = compare_paired(*arguments)  # type: ignore[arg-type]
        return tuple(replace(comparison, verdict="inconclusive") for comparison in made)

    monkeypatch.setattr(planting, "compare_paired", never_worse)
    broken = handicap(baseline)
    assert broken is not None
    assert not broken.passed


def test_a_handicap_fails_with_an_interval_that_does_not_hold_it() -> None:
    found = handicap(runs("lenet", [0.97] * 20))
    assert found is not None
    elsewhere = replace(found.planted, handicap=0.05)
    assert not replace(found, planted=elsewhere).passed


def test_a_run_that_cannot_detect_a_point_is_handicapped_by_more_or_not_passed() -> None:
    # One seed in five ends 8 points below the others.
    more = handicap(runs("lenet", [0.97, 0.97, 0.97, 0.97, 0.89] * 2))
    assert more is not None
    assert more.planted.detectable is not None
    assert more.planted.detectable > 0.01
    assert more.planted.handicap > more.planted.detectable
    assert more.passed
    hopeless = handicap(runs("lenet", [0.97, 0.5]))
    assert hopeless is not None
    assert hopeless.planted.comparison is None
    assert not hopeless.passed


def test_no_more_is_taken_than_there_is() -> None:
    # 2% and 12% right in turns: a tenth is about what is detected, and more than there is.
    found = handicap(runs("lenet", [0.02, 0.12] * 5))
    assert found is not None
    assert found.planted.comparison is None


def test_two_samples_are_compared_as_by_hand() -> None:
    # Means 2 and 5; squared deviations 2 + 2, over 3 degrees of freedom, so s^2 = 4/3; standard
    # error sqrt(4/3 x 5/6) = 1.0541; t(0.975, 3) = 3.182 by the tables.
    found = two_samples(np.array([1.0, 2.0, 3.0]), np.array([4.0, 6.0]))
    assert float(found.centre) == -3
    assert float(found.high) == pytest.approx(-3 + 3.182 * 1.0541, abs=0.001)
    # By scipy.stats.ttest_ind([1, 2, 3], [4, 6]).
    assert float(found.p) == pytest.approx(0.06532, abs=1e-5)


def test_controls_fail_by_chance_in_two_percent_of_runs_at_most() -> None:
    rows = {(row.seeds, row.spread, row.machine): row for row in read_control_errors()}
    assert all(row.any_upper <= 0.02 for row in rows.values())
    assert all(row.handicap_passes >= 0.95 for row in rows.values())
    calls, found = control_errors.speed("lucky", runs=200)
    row = rows[5, "calm", "lucky"]
    assert calls.mean() == pytest.approx(row.processes, abs=0.02)
    assert found.mean() == pytest.approx(row.delay_passes, abs=0.1)
    assert control_errors.speed("steady", delay=0.0, runs=200)[1].mean() < 0.02


def test_a_delayed_step_takes_longer_by_its_share() -> None:
    spec = plan(Request(models=("net",))).cells[0].spec
    workload = Workload(model="net", device="cpu", phase="train", delay=4.0)
    runner = Asked(workload=workload, spec=spec, recipe=RECIPE).runner()
    plain = Asked(workload=replace(workload, delay=0.0), spec=spec, recipe=RECIPE).runner()
    for timed_ in (runner, plain):
        timed_.block_seconds(2)
    with_delay = min(runner.block_seconds(1) for _ in range(10))
    without = min(plain.block_seconds(1) for _ in range(10))
    assert with_delay > 3 * without


def test_a_failed_control_is_named_at_the_top_and_changes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [train_record("lenet", seed, 390 - seed % 3) for seed in range(1, 9)]
    results = read(stored(tmp_path, cells, ["lenet"]))
    assert "failed:**" not in render(results, {})
    monkeypatch.setattr(subject, "LEVEL", 1.0)  # whatever the halves are, they differ at 100%
    (found,) = controls(results)
    assert isinstance(found, Controls)
    assert (found.failed, found.halves is not None) == (1, True)
    head = render(results, {}).splitlines()[:8]
    (banner,) = (line for line in head if line.startswith("> "))
    assert banner.startswith(f"> **1 of {found.made} controls failed:** this run found something")
    assert not results.failures
    unseen = delay(timed(blocks(draw=1), blocks(1.0, draw=2)), "cpu")
    of_speed = replace(found, halves=None, delay=unseen)
    assert (of_speed.failed, of_speed.only_speed_failed) == (1, True)
    text = " ".join(opening(results, {}, [of_speed]).split())
    assert "its accuracies do not depend on them" in text
    assert not replace(of_speed, halves=found.halves).only_speed_failed
