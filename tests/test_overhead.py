"""The overhead report: contenders in turns, the same pictures, and a page that says all."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

import zoo
from bench.cells.batches import Batches
from bench.cells.train import Training
from bench.cells.weights import weights_sha256
from bench.overhead import steps
from bench.overhead.data import MODELS, SEEDS, STEP_BATCHES, STEP_TURNS, split
from bench.overhead.loops import loaders
from bench.overhead.measure import Contender, Outcome, take_turns
from bench.overhead.names import (
    BARE,
    BARE_ALONE,
    BARE_BESIDE,
    DEFAULTS,
    DOCUMENT,
    EAGER,
    LIGHTNING,
    MANY,
    ONE,
    OURS,
    OWN,
    SUITE,
)
from bench.overhead.page import write_page
from bench.overhead.ratios import ratio
from bench.overhead.simulate import simulated
from bench.records import kinds
from bench.records.store import Store
from tests.factories import MACHINE

ROUNDS = 8


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (1, 9.0),
        (2, 6.0),  # 3 and 2 begin; the worker that took 2 is free first and takes 4
        (3, 4.0),
        (16, 4.0),
    ],
)
def test_cells_go_to_the_first_worker_that_is_free(workers: int, expected: float) -> None:
    seconds = {("lenet", 1): 3.0, ("dnn", 1): 2.0, ("net", 1): 4.0}
    assert simulated(seconds, workers) == expected


def test_in_the_second_seed_the_run_that_takes_longest_begins_first() -> None:
    # At 1 one worker takes the 4 of `net`; at 2 the other takes the 4 of the second seed, because
    # `net` is running still; at 5 the first one takes 2, because that is known to be more than 1.
    took = {"dnn": 1.0, "lenet": 2.0, "net": 4.0}
    assert simulated({(model, seed): took[model] for seed in (1, 2) for model in took}, 2) == 7.0


def test_a_ratio_is_that_of_the_same_rounds_and_has_no_width_where_they_agree() -> None:
    drifting = np.geomspace(1.0, 3.0, ROUNDS)  # the machine slows down for both
    found = ratio(2 * drifting, drifting)
    assert (found.ratio, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    noisy = ratio(drifting * np.where(np.arange(ROUNDS) % 2, 1.1, 0.9), drifting)
    assert noisy.low < 1 < noisy.high


class HereAndNow(Contender):
    """One that needs no process of its own."""

    def __init__(self, *seconds: float | tuple[float, ...], gives: tuple[str, ...] = ()) -> None:
        self.left = list(seconds)
        self.gives = gives

    def visit(self, *_: object, **__: object) -> float | tuple[float, ...]:
        return self.left.pop(0)


def test_the_first_visit_counts_for_nothing_and_a_failure_stops_one_contender_alone() -> None:
    found = take_turns({"steady": HereAndNow(9.0, 1.0, 2.0), "short": HereAndNow(7.0, 3.0)}, 2)
    assert found["steady"] == Outcome(first=9.0, seconds=(1.0, 2.0))
    assert found["short"].error is not None
    assert found["short"].error.startswith("IndexError: pop from empty list")


def test_one_contender_may_measure_several_side_by_side_and_fails_for_all_of_them() -> None:
    both = HereAndNow((9.0, 8.0), (1.0, 4.0), (2.0, 5.0), gives=("ours", "theirs"))
    found = take_turns({"ours": both}, 2)
    assert found == {
        "ours": Outcome(first=9.0, seconds=(1.0, 2.0)),
        "theirs": Outcome(first=8.0, seconds=(4.0, 5.0)),
    }
    failed = take_turns({"ours": HereAndNow((9.0, 8.0), gives=("ours", "theirs"))}, 1)
    assert all(outcome.error for outcome in failed.values())
    assert [*failed] == ["ours", "theirs"]


@pytest.mark.parametrize(("scale", "turns"), [(1.0, STEP_TURNS), (0.125, 6)])
def test_the_suite_and_a_bare_loop_train_the_same_batches_in_turns(
    scale: float, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both together take 9 or 1.125 s: four turns are more than six seconds, or six are.
    order: list[str] = []

    def takes(who: str, seconds: float) -> float:
        order.append(who)
        return seconds

    monkeypatch.setattr(steps, "_training", lambda *_, **__: None)
    monkeypatch.setattr(steps, "bare_loop", lambda *_: lambda: takes("bare", 3.0 * scale))
    monkeypatch.setattr(steps, "_suite_epoch", lambda *_: takes("suite", 6.0 * scale))
    found = steps.suite_beside_bare_loop("dnn", Path("nowhere"))
    assert found == pytest.approx((6.0 * scale / STEP_BATCHES, 3.0 * scale / STEP_BATCHES))
    assert order[:4] == ["suite", "bare", "bare", "suite"]
    assert order.count("suite") == order.count("bare") == turns


@pytest.mark.mnist
def test_the_suites_own_code_is_timed_over_all_of_mnist_and_trains_nothing(
    monkeypatch: pytest.MonkeyPatch, mnist_root: Path
) -> None:
    epoch = steps._suite_epoch
    seen: list[tuple[int, str]] = []

    def watched(training: Training, number: int) -> float:
        seconds = epoch(training, number)
        seen.append((training.updates, weights_sha256(training.network.state_dict())))
        return seconds

    monkeypatch.setattr(steps, "_suite_epoch", watched)
    assert steps.own_code("dnn", mnist_root) > 0
    # 60,000 pictures are 937 whole batches of 64.
    assert [updates for updates, _ in seen] == [937, 1_874, 2_811, 3_748]
    assert len({digest for _, digest in seen}) == 1


def test_a_contender_has_a_process_of_its_own() -> None:
    contender = Contender(os.getpid)
    try:
        assert contender.visit() == contender.visit() != os.getpid()
    finally:
        contender.close()


def test_a_contender_that_says_how_it_gets_ready_does_so_on_its_first_visit() -> None:
    contender = Contender(os.getpid, ready=partial(float, 7.5))
    try:
        found = take_turns({"one": contender}, 2)["one"]
        assert found.first == 7.5
        assert found.seconds == (contender.visit(),) * 2
    finally:
        contender.close()


def test_a_process_that_dies_fails_one_question_and_not_the_next() -> None:
    contender = Contender(os.getpid)
    try:
        with pytest.raises(BrokenProcessPool):
            contender.ask(os.abort)
        assert contender.visit() != os.getpid()
    finally:
        contender.close()


@pytest.mark.mnist
@pytest.mark.parametrize("model", ["lenet", "net"])
def test_the_documents_loop_sees_the_pictures_that_the_suite_sees(model: str) -> None:
    root = Path(os.environ["BENCH_DATA_ROOT"])
    spec = zoo.get(model)
    _, test = loaders(spec.recipe, root)
    shown = torch.cat([pictures for pictures, _ in test])
    answers = torch.cat([labels for _, labels in test])
    inputs, labels = split(model, root).part("test")
    ready = Batches(spec.recipe.normalisation, 1)(torch.from_numpy(np.array(inputs)))
    torch.testing.assert_close(shown, ready)
    assert answers.tolist() == labels.tolist()


def record(part: Any, model: str, contender: str, seconds: float) -> kinds.Overhead:
    return kinds.Overhead(
        key=f"{part} {model} {contender}",
        experiment=kinds.OVERHEAD,
        part=part,
        model=model,
        contender=contender,
        first=41.2,
        seconds=(seconds,) * ROUNDS,
    )


def failed(part: Any, model: str, contender: str, error: str) -> kinds.Overhead:
    measured = record(part, model, contender, 1.0)
    return msgspec.structs.replace(measured, first=None, seconds=(), error=error)


def test_the_page_says_what_the_records_say(tmp_path: Path) -> None:
    store = Store(tmp_path / "overhead")
    compiled = f"{OURS}, compiled"
    for item in (
        kinds.Machine(key="m", experiment=kinds.MACHINE, status="ok", environment=MACHINE),
        record("step", "lenet", BARE, 0.010),
        record("step", "lenet", SUITE, 0.0102),
        record("step", "lenet", OWN, 0.000123),
        failed("step", "lenet", LIGHTNING, "ImportError: no lightning"),
        record("option", "lenet", DEFAULTS, 0.012),
        record("option", "lenet", OURS, 0.008),
        record("option", "lenet", compiled, 0.016),
        msgspec.structs.replace(
            record("inference", "lenet", EAGER, 0.004),
            answers=kinds.Answers(tested=10_000, right=9_700, changed=0),
        ),
        record("epoch", "net", SUITE, 0.5),
        record("epoch", "net", DOCUMENT, 1.75),
        record("total", "", DOCUMENT, 24.0),
        record("total", "", ONE, 10.8),
        record("total", "", MANY, 6.0),
        record("total", "", BARE_ALONE, 3.0),
        record("total", "", BARE_BESIDE, 3.2),
        kinds.OverheadCells(
            key="c",
            experiment=kinds.OVERHEAD_CELLS,
            seconds={f"{model} seed {seed} cpu": 0.75 for seed in SEEDS for model in MODELS},
            same_bits=True,
            side_by_side=2,
        ),
    ):
        store.append(item)
    write_page(tmp_path / "overhead")
    page = " ".join((tmp_path / "overhead" / "report.md").read_text().split())
    assert page.startswith("# A small comparison takes 4.0 times as long")
    assert "take 4.00 (4.00 to 4.00) times as long as this suite for the same 15 runs" in page
    assert "24.0 s against 6.0 s" in page
    assert "One run at a time takes 1.80 (1.80 to 1.80) times as long as 2 side by side" in page
    assert "every run ends in the same weights, bit for bit" in page
    # two processes do 2 loops in 3.2 s, one needs 6 s for them; 24 s / 10.8 s = 2.22
    assert "2 bare loops side by side get 1.88 (1.88 to 1.88) times as much done as one" in page
    # 15 runs of 0.75 s on 2 workers take as long as 8 on one; 1.875 * 1.875 / 2 = 1.76
    assert "2 workers are 1.88 times as fast as one" in page
    assert "Both together make 1.76; measured were 1.80 (1.80 to 1.80)." in page
    assert "2.22 (2.22 to 2.22) with one run at a time" in page
    assert "| `lenet` | 64 | 10.00 | 1.02 (1.02 to 1.02) | 1.2% (1.2 to 1.2) | failed |" in page
    assert "This suite's own code takes 1.2% to 1.2% of a training step" in page
    assert "| `lenet` | 64 | 12.00 | 1.50 (1.50 to 1.50) | 0.75 (0.75 to 0.75) |" in page
    assert "41 s for `lenet`." in page
    assert "## Execution modes" in page
    assert "| `net` | 64 | 0.50 | 3.50 (3.50 to 3.50) |" in page
    # 15 runs of 0.75 s: 4 workers need 3 s, 8 need 1.5 s, 16 need 0.75 s; the documents need 24 s
    assert "| 4 | 8.0 | | 8 | 16.0 | | 16 | 32.0 |" in page
    assert "step lenet Lightning: ImportError: no lightning" in page
