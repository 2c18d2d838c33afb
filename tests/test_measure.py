from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from bench.cells.common_recipe import common_recipe
from bench.cells.determinism import deterministic
from bench.cells.processes import ForkedProcess, InThisProcess
from bench.timing import measure as measuring
from bench.timing.measure import Asked, Prepared, Timing, measure, prepare
from bench.timing.protocol import CALLS_PER_ROUND, Phase, Workload, yardstick
from bench.timing.runner import Runner, Yardstick
from zoo.spec import Optimiser


def asked(model: str, phase: Phase, **more: Any) -> Asked:
    spec = more.pop("spec", zoo.get(model))
    device = more.pop("device", "cpu")
    workload = Workload(model=model, device=device, phase=phase, **more)
    return Asked(workload=workload, spec=spec, recipe=common_recipe(spec))


def runner_of(model: str, phase: Phase, **more: Any) -> Runner:
    found = asked(model, phase, **more).runner()
    assert isinstance(found, Runner)
    return found


class Watched(Runner):
    """Leaves a trace of what is done with it, and what its blocks ran under."""

    trace: list[tuple[str, Workload]]

    def reset(self) -> None:
        super().reset()
        self.trace.append(("reset", self.workload))

    def block_seconds(self, steps: int) -> float:
        flags = torch.are_deterministic_algorithms_enabled()
        self.trace.append(
            (f"block, flags {flags}, {torch.get_num_threads()} thread", self.workload)
        )
        return super().block_seconds(steps)


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Workload]]:
    """What `measure` does after its warm-up."""
    watched: list[tuple[str, Workload]] = []
    monkeypatch.setattr(Watched, "trace", watched, raising=False)
    monkeypatch.setattr(measuring, "Runner", Watched)
    prepare = measuring.prepare

    def forgetting(*arguments: Any) -> Any:
        ready = prepare(*arguments)
        watched.clear()
        return ready

    monkeypatch.setattr(measuring, "prepare", forgetting)
    return watched


def test_each_round_visits_every_workload_once_in_an_order_of_its_own(
    trace: list[tuple[str, Workload]],
) -> None:
    workloads = [asked("dnn-sums", phase) for phase in ("train", "inference", "latency")]
    timings, failed = measure(workloads, processes=1, rounds=5, block_seconds=0.001)
    assert not failed
    assert [np.shape(timing.seconds) for timing in timings] == [
        (1, 5, 1),
        (1, 5, 1),
        (1, 5, CALLS_PER_ROUND),
    ]
    assert [timing.calls for timing in timings] == [5, 5, 5 * CALLS_PER_ROUND]
    resets = [workload.phase for what, workload in trace if what == "reset"]
    rounds = [tuple(resets[start : start + 3]) for start in range(0, 15, 3)]
    assert [sorted(order) for order in rounds] == [["inference", "latency", "train"]] * 5
    assert len(set(rounds)) > 1


def test_weights_are_put_back_before_each_block_of_training(
    trace: list[tuple[str, Workload]],
) -> None:
    measure([asked("dnn-sums", "train")], processes=1, rounds=2, block_seconds=0.001)
    kinds = [what.partition(",")[0] for what, _ in trace]
    assert kinds == ["reset", "block"] * 2


def test_a_step_changes_weights_and_a_reset_puts_them_back() -> None:
    runner = runner_of("dnn-sums", "train")
    first = [parameter.detach().clone() for parameter in runner.network.parameters()]
    runner.step()
    after = list(runner.network.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(first, after, strict=True))
    runner.reset()
    assert all(torch.equal(a, b) for a, b in zip(first, after, strict=True))


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_every_block_computes_with_the_same_numbers(optimiser: Literal["adam", "sgd"]) -> None:
    found = asked("dnn-sums", "train")
    assert found.recipe is not None
    chosen = Optimiser(name=optimiser, learning_rate=0.01, momentum=0.9)
    runner = replace(found, recipe=replace(found.recipe, optimiser=chosen)).runner()
    assert isinstance(runner, Runner)
    ends = []
    for _ in range(2):
        runner.reset()
        for _ in range(3):
            runner.step()
        ends.append([value.clone() for value in runner.network.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_a_reset_moves_weights_and_samples_to_fresh_memory() -> None:
    # Where tensors lie would otherwise favour one network in every round.
    runner = runner_of("lenet", "train")
    before = [*runner.network.state_dict().values(), runner.samples]
    runner.reset()
    after = [*runner.network.state_dict().values(), runner.samples]
    places = {value.data_ptr() for value in before}
    assert not places & {value.data_ptr() for value in after}
    assert not runner.optimiser.state


def test_only_the_workload_that_says_so_runs_without_deterministic_flags(
    trace: list[tuple[str, Workload]],
) -> None:
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    free = asked("dnn-sums", "train", deterministic=False)
    measure([asked("dnn-sums", "train"), free], processes=1, rounds=2, block_seconds=0.001)
    blocks = {(what, workload.deterministic) for what, workload in trace if what != "reset"}
    assert blocks == {
        ("block, flags True, 1 thread", True),
        ("block, flags False, 1 thread", False),
    }
    assert before == (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())


def test_the_fastest_algorithms_are_free_and_the_flags_come_back_after() -> None:
    runner = runner_of("dnn-sums", "train", deterministic=False)
    with deterministic():
        with runner.algorithms():
            assert not torch.are_deterministic_algorithms_enabled()
            assert torch.backends.cudnn.benchmark
            assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark


def test_a_workload_that_cannot_be_measured_leaves_the_others_standing() -> None:
    def fail() -> Any:
        raise RuntimeError("no such layer")

    broken = replace(zoo.get("dnn-sums"), build=fail)
    timings, failed = measure(
        [asked("dnn-sums", "inference", spec=broken), asked("dnn-sums", "latency")],
        processes=1,
        rounds=1,
        block_seconds=0.001,
    )
    assert [timing.workload.phase for timing in timings] == ["latency"]
    assert re.fullmatch(r"RuntimeError: no such layer \(test_measure.py:\d+\)", failed[0].error)


@pytest.mark.parametrize("visit", [1, 2, 3])
def test_a_workload_that_fails_in_a_round_leaves_the_others_standing(
    monkeypatch: pytest.MonkeyPatch, visit: int
) -> None:
    # The network's memory runs out in the first, second or third of three rounds.
    class Failing(Runner):
        resets = 0

        def reset(self) -> None:
            super().reset()
            self.resets += 1
            if self.workload.phase == "train" and self.resets == visit:
                raise MemoryError("out of\nmemory")

    monkeypatch.setattr(measuring, "Runner", Failing)
    rounds: list[int] = []
    timings, failed = measure(
        [asked("dnn-sums", phase) for phase in ("inference", "train", "latency")],
        processes=1,
        rounds=3,
        block_seconds=0.001,
        on_round=rounds.append,
    )
    assert [timing.workload.phase for timing in timings] == ["inference", "latency"]
    assert [np.shape(timing.block_seconds) for timing in timings] == [(1, 3), (1, 3)]
    assert [failure.workload.phase for failure in failed] == ["train"]
    pattern = r"MemoryError: out of memory \(test_measure.py:\d+\)"
    assert re.fullmatch(pattern, failed[0].error)
    assert rounds == [1, 2, 3]


def test_block_times_are_the_time_of_their_steps() -> None:
    runner = runner_of("dnn-sums", "inference")
    runner.step = lambda: time.sleep(0.002)
    # Sleeping takes at least as long as asked, on a busy machine much longer.
    assert 0.01 <= runner.block_seconds(5) < 1


def test_throughput_is_the_median_over_the_blocks_of_all_processes() -> None:
    timing = Timing(
        workload=asked("dnn-sums", "train").workload,
        steps_per_block=10,
        seconds=(((1.0,), (2.0,), (3.0,)), ((4.0,), (5.0,), (6.0,))),
        peak_memory_bytes=None,
    )
    assert timing.samples_per_second == pytest.approx(10 * 64 / 3.5)
    assert timing.block_seconds == ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_latency_has_a_median_for_each_round_and_percentiles_of_all_calls() -> None:
    timing = Timing(
        workload=asked("dnn-sums", "latency").workload,
        steps_per_block=1,
        seconds=(((1.0, 2.0, 9.0), (3.0, 4.0, 5.0)),),
        peak_memory_bytes=None,
    )
    assert timing.block_seconds == ((2.0, 4.0),)
    assert timing.latency_seconds(50) == 3.5
    assert timing.latency_seconds(100) == 9.0


def test_all_processes_measure_all_workloads_with_blocks_of_as_many_steps() -> None:
    workloads = [
        Asked(workload=yardstick("cpu")),
        asked("dnn-sums", "train"),
        asked("dnn-sums", "latency"),
    ]
    rounds: list[int] = []
    timings, failed = measure(
        workloads, processes=2, rounds=3, block_seconds=0.001, on_round=rounds.append
    )
    assert not failed
    assert rounds == [1, 2, 3]
    assert [timing.workload for timing in timings] == [item.workload for item in workloads]
    assert [np.shape(timing.block_seconds) for timing in timings] == [(2, 3)] * 3
    assert [timing.peak_memory_bytes is None for timing in timings] == [True, False, True]


def test_what_another_process_has_found_out_is_not_found_out_again() -> None:
    known = Prepared(steps_per_block=7, peak_memory_bytes=5)
    assert prepare(runner_of("dnn-sums", "train"), known=known).prepared is known


def test_what_fails_in_one_process_is_measured_in_none(tmp_path: Path) -> None:
    # The network travels by value; the first process that builds it leaves a mark.
    original, mark = zoo.get("dnn-sums").build, tmp_path / "built"

    def once() -> nn.Module:
        if mark.exists():
            raise RuntimeError("built twice")
        mark.touch()
        return original()

    spec = replace(zoo.get("dnn-sums"), build=once)
    timings, failed = measure(
        [asked("dnn-sums", "train", spec=spec), asked("dnn-sums", "inference")],
        processes=2,
        rounds=2,
        block_seconds=0.001,
    )
    assert [timing.workload.phase for timing in timings] == ["inference"]
    assert [np.shape(timing.block_seconds) for timing in timings] == [(2, 2)]
    assert [failure.workload.phase for failure in failed] == ["train"]
    assert failed[0].error.startswith("RuntimeError: built twice")


def test_a_process_that_dies_is_told_and_ends_the_measuring() -> None:
    spec = replace(zoo.get("dnn-sums"), build=partial(os._exit, 3))
    timings, failed = measure(
        [asked("dnn-sums", "train", spec=spec), asked("dnn-sums", "inference")],
        processes=2,
        rounds=1,
    )
    assert not timings
    assert [failure.workload.phase for failure in failed] == ["train", "inference"]
    assert {failure.error.partition(" (")[0] for failure in failed} == {
        "ProcessEndedError: a process ended with 3; memory may be short"
    }


class Place:
    """What a test puts into another process."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, by: int) -> tuple[int, int]:
        self.calls += by
        sys.stdout.write("what is printed is no answer\n")
        return self.calls, os.getpid()


@pytest.mark.parametrize("kind", [ForkedProcess, InThisProcess])
def test_an_object_keeps_its_state_between_questions(
    kind: type[ForkedProcess] | type[InThisProcess],
) -> None:
    with kind(Place()) as place, kind(Place()) as other:
        answers = []
        for asked_one in (place, place, other):
            asked_one.ask("count", 2)
            answers.append(asked_one.answer())
    assert [calls for calls, _ in answers] == [2, 4, 2]
    processes = {process for _, process in answers}
    assert processes == {os.getpid()} if kind is InThisProcess else len(processes) == 2


def test_the_yardstick_is_a_convolution_and_a_product_of_the_stated_sizes() -> None:
    runner = Yardstick(yardstick("cpu"))
    maps, product = runner._work()
    assert maps.shape == (32, 32, 28, 28)
    pictures, kernels, left, right = runner.operands
    # In the middle, away from the padding: 16 channels of 3 x 3 each.
    expected = (pictures[3, :, 9:12, 4:7] * kernels[5]).sum()
    torch.testing.assert_close(maps[3, 5, 10, 5], expected)
    assert left.shape == right.shape == (512, 512)
    torch.testing.assert_close(product[7, 9], left[7] @ right[:, 9])
    before = {operand.data_ptr() for operand in runner.operands}
    runner.reset()
    assert not before & {operand.data_ptr() for operand in runner.operands}
    assert torch.equal(runner.operands[0], pictures)


@pytest.mark.cuda
@pytest.mark.parametrize("flags", [True, False])
def test_device_time_on_cuda_agrees_with_the_wall_clock(flags: bool) -> None:
    runner = runner_of("lenet", "train", device="cuda", deterministic=flags)
    with deterministic(), runner.algorithms():
        runner.block_seconds(20)
        started = time.perf_counter()
        seconds = runner.block_seconds(200)
        wall = time.perf_counter() - started
    assert 0.5 * wall < seconds <= 1.05 * wall


@pytest.mark.cuda
def test_latency_on_cuda_is_the_callers_time() -> None:
    runner = runner_of("lenet", "latency", device="cuda")
    runner.block_seconds(5)
    started = time.perf_counter()
    seconds = runner.block_seconds(1)
    assert 0 < seconds <= time.perf_counter() - started


@pytest.mark.cuda
def test_cuda_and_cpu_are_measured_in_the_same_rounds() -> None:
    workloads = [asked("lenet", "train", device=device) for device in ("cpu", "cuda")]
    timings, failed = measure(workloads, processes=2, rounds=2, block_seconds=0.005)
    assert not failed
    assert [timing.workload.device for timing in timings] == ["cpu", "cuda"]
    assert timings[0].gpu_states == ()


@pytest.mark.parametrize(("optimiser", "copies"), [("adam", 4), ("sgd", 2)])
def test_peak_memory_is_weights_gradients_and_moments_and_little_more(
    optimiser: Literal["adam", "sgd"], copies: int
) -> None:
    found = asked("dnn", "train")
    assert found.recipe is not None
    chosen = Optimiser(name=optimiser, learning_rate=1e-3)
    runner = replace(found, recipe=replace(found.recipe, optimiser=chosen)).runner()
    assert isinstance(runner, Runner)
    with deterministic():
        peak = runner.peak_memory_bytes()
    weights = 4 * 575_050
    # On top: activations of 64 samples (0.5 MB), the batch, and an update's own tensors, at most
    # twice the largest weight (784 x 512 numbers, 1.6 MB).
    assert copies * weights <= peak <= copies * weights + 4_500_000
