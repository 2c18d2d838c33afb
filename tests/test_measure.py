from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch

import zoo
from bench.cells.common_recipe import common_recipe
from bench.cells.determinism import deterministic
from bench.timing import measure as measuring
from bench.timing.measure import Runner, Timing, measure
from bench.timing.protocol import CALLS_PER_ROUND, Phase, Workload
from zoo import ModelSpec, Recipe
from zoo.spec import Optimiser

Asked = tuple[Workload, ModelSpec, Recipe]


def asked(model: str, phase: Phase, **more: Any) -> Asked:
    spec = zoo.get(model)
    device = more.pop("device", "cpu")
    return Workload(model=model, device=device, phase=phase, **more), spec, common_recipe(spec)


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.timing.steps.WARM_UP_SECONDS", 0.01)


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

    def forgetting(runner: Runner, block_seconds: float) -> Any:
        ready = prepare(runner, block_seconds)
        watched.clear()
        return ready

    monkeypatch.setattr(measuring, "prepare", forgetting)
    return watched


def test_each_round_visits_throughput_twice_and_latency_once(
    trace: list[tuple[str, Workload]],
) -> None:
    workloads = [asked("dnn-sums", phase) for phase in ("train", "inference", "latency")]
    timings, failed = measure(workloads, rounds=3, block_seconds=0.001)
    assert not failed
    assert [len(timing.block_seconds) for timing in timings] == [2, 2, 1]
    assert [len(timing.block_seconds[0]) for timing in timings] == [3, 3, 3 * CALLS_PER_ROUND]
    resets = [workload.phase for what, workload in trace if what == "reset"]
    rounds = [resets[start : start + 5] for start in (0, 5, 10)]
    assert [sorted(order) for order in rounds] == [
        ["inference", "inference", "latency", "train", "train"]
    ] * 3
    assert rounds[0] != rounds[1] or rounds[1] != rounds[2]


def test_weights_are_put_back_before_each_block_of_training(
    trace: list[tuple[str, Workload]],
) -> None:
    measure([asked("dnn-sums", "train")], rounds=2, block_seconds=0.001)
    kinds = [what.partition(",")[0] for what, _ in trace]
    assert kinds == ["reset", "block"] * 4


def test_a_step_changes_weights_and_a_reset_puts_them_back() -> None:
    runner = Runner(*asked("dnn-sums", "train"))
    first = [parameter.detach().clone() for parameter in runner.network.parameters()]
    runner.step()
    after = list(runner.network.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(first, after, strict=True))
    runner.reset()
    assert all(torch.equal(a, b) for a, b in zip(first, after, strict=True))


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_every_block_computes_with_the_same_numbers(optimiser: Literal["adam", "sgd"]) -> None:
    workload, spec, recipe = asked("dnn-sums", "train")
    chosen = Optimiser(name=optimiser, learning_rate=0.01, momentum=0.9)
    runner = Runner(workload, spec, replace(recipe, optimiser=chosen))
    ends = []
    for _ in range(2):
        runner.reset()
        for _ in range(3):
            runner.step()
        ends.append([value.clone() for value in runner.network.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_a_reset_moves_weights_and_samples_to_fresh_memory() -> None:
    # Where tensors lie would otherwise favour one network in every round.
    runner = Runner(*asked("lenet", "train"))
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
    measure([asked("dnn-sums", "train"), free], rounds=2, block_seconds=0.001)
    blocks = {(what, workload.deterministic) for what, workload in trace if what != "reset"}
    assert blocks == {
        ("block, flags True, 1 thread", True),
        ("block, flags False, 1 thread", False),
    }
    assert before == (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())


def test_the_fastest_algorithms_are_free_and_the_flags_come_back_after() -> None:
    runner = Runner(*asked("dnn-sums", "train", deterministic=False))
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

    workload, spec, recipe = asked("dnn-sums", "inference")
    timings, failed = measure(
        [(workload, replace(spec, build=fail), recipe), asked("dnn-sums", "latency")],
        rounds=1,
        block_seconds=0.001,
    )
    assert [timing.workload.phase for timing in timings] == ["latency"]
    assert re.fullmatch(r"RuntimeError: no such layer \(test_measure.py:\d+\)", failed[0].error)


@pytest.mark.parametrize("visit", [1, 2, 4])
def test_a_workload_that_fails_in_a_round_leaves_the_others_standing(
    monkeypatch: pytest.MonkeyPatch, visit: int
) -> None:
    # Three rounds of two visits; the network's memory runs out at the first, second or fourth.
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
        rounds=3,
        block_seconds=0.001,
        on_round=rounds.append,
    )
    assert [timing.workload.phase for timing in timings] == ["inference", "latency"]
    assert [len(timing.block_seconds[0]) for timing in timings] == [3, 3 * CALLS_PER_ROUND]
    assert [failure.workload.phase for failure in failed] == ["train"]
    pattern = r"MemoryError: out of memory \(test_measure.py:\d+\)"
    assert re.fullmatch(pattern, failed[0].error)
    assert rounds == [1, 2, 3]


def test_block_times_are_the_time_of_their_steps() -> None:
    runner = Runner(*asked("dnn-sums", "inference"))
    runner.step = lambda: time.sleep(0.002)
    # Sleeping takes at least as long as asked, on a busy machine much longer.
    assert 0.01 <= runner.block_seconds(5) < 1


def test_throughput_is_the_median_over_the_blocks_of_both_labels() -> None:
    timing = Timing(
        workload=asked("dnn-sums", "train")[0],
        steps_per_block=10,
        block_seconds=((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        peak_memory_bytes=None,
    )
    assert timing.samples_per_second == pytest.approx(10 * 64 / 3.5)


@pytest.mark.cuda
@pytest.mark.parametrize("flags", [True, False])
def test_device_time_on_cuda_agrees_with_the_wall_clock(flags: bool) -> None:
    runner = Runner(*asked("lenet", "train", device="cuda", deterministic=flags))
    with deterministic(), runner.algorithms():
        runner.block_seconds(20)
        started = time.perf_counter()
        seconds = runner.block_seconds(200)
        wall = time.perf_counter() - started
    assert 0.5 * wall < seconds <= 1.05 * wall


@pytest.mark.cuda
def test_latency_on_cuda_is_the_callers_time() -> None:
    runner = Runner(*asked("lenet", "latency", device="cuda"))
    runner.block_seconds(5)
    started = time.perf_counter()
    seconds = runner.block_seconds(1)
    assert 0 < seconds <= time.perf_counter() - started


@pytest.mark.cuda
def test_cuda_and_cpu_are_measured_in_the_same_rounds() -> None:
    workloads = [asked("lenet", "train", device=device) for device in ("cpu", "cuda")]
    timings, failed = measure(workloads, rounds=2, block_seconds=0.005)
    assert not failed
    assert [timing.workload.device for timing in timings] == ["cpu", "cuda"]
    assert timings[0].gpu_states == ()


@pytest.mark.parametrize(("optimiser", "copies"), [("adam", 4), ("sgd", 2)])
def test_peak_memory_is_weights_gradients_and_moments_and_little_more(
    optimiser: Literal["adam", "sgd"], copies: int
) -> None:
    workload, spec, recipe = asked("dnn", "train")
    recipe = replace(recipe, optimiser=Optimiser(name=optimiser, learning_rate=1e-3))
    with deterministic():
        peak = Runner(workload, spec, recipe).peak_memory_bytes()
    weights = 4 * 575_050
    # On top: activations of 64 samples (0.5 MB), the batch, and an update's own tensors, at most
    # twice the largest weight (784 x 512 numbers, 1.6 MB).
    assert copies * weights <= peak <= copies * weights + 4_500_000
