"""What is measured, made ready on its device: a network's step, or the yardstick's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.cells.batches import Batches
from bench.cells.determinism import stream_seed
from bench.cells.losses import LOSSES
from bench.cells.train import make_optimiser, place, training_step
from bench.timing.protocol import MEASUREMENT_SEED, Workload
from bench.timing.steps import peak_bytes
from zoo import ModelSpec, Recipe


class Timed:
    """A workload made ready, and the clock that its steps are timed by."""

    step: Callable[[], object]

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.device = torch.device(workload.device)

    def reset(self) -> None:
        """Starts over in fresh memory, so that every block computes with the same numbers.

        Fresh memory, because where tensors happen to lie can change a network's speed, in trials
        by 12 to 39%, and would stay with it from block to block: a difference between networks
        that is none, and that timing the same tensors twice would not show.
        """
        raise NotImplementedError

    def algorithms(self) -> AbstractContextManager[None]:
        """What every step has to run in: the flags that this workload is measured under."""
        return nullcontext() if self.workload.deterministic else fastest_algorithms()

    def block_seconds(self, steps: int) -> float:
        """Time of so many steps.

        Throughput on CUDA is the device's own time between two events, so that the wait for the
        block's end is not in it. All else is wall time with the device's queue empty before and
        after; a single call's latency is the time until its caller can go on.
        """
        if self.device.type == "cuda" and self.workload.phase != "latency":
            return self._device_seconds(steps)
        self._synchronise()
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        self._synchronise()
        return time.perf_counter() - started

    def _device_seconds(self, steps: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        for _ in range(steps):
            self.step()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3  # events count milliseconds

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


class Runner(Timed):
    """A network's workload: its network, its optimiser and its batch on the device."""

    def __init__(self, workload: Workload, spec: ModelSpec, recipe: Recipe) -> None:
        super().__init__(workload)
        torch.manual_seed(stream_seed(MEASUREMENT_SEED, "measurement"))
        self.network: nn.Module = spec.build()
        place(self.network, self.device)
        self.network.train(workload.phase == "train")
        self.start = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimiser = make_optimiser(self.network.parameters(), recipe.optimiser)
        self.loss = LOSSES[recipe.loss]
        self.batches = Batches(recipe.normalisation, spec.input_shape[0])
        self.samples = _samples(spec, workload.batch).to(self.device)
        self.labels = torch.randint(spec.classes, (workload.batch,)).to(self.device)
        self.step = self._train if workload.phase == "train" else self._infer

    def reset(self) -> None:
        """First weights, and an optimiser that has seen nothing, in fresh memory."""
        state = self.network.state_dict(keep_vars=True)
        for name, first in self.start.items():
            state[name].data = first.clone()
        self.optimiser.zero_grad()
        self.optimiser.state.clear()
        self.samples = self.samples.clone()

    def peak_memory_bytes(self) -> int:
        """The most that one training step holds at once, by torch's allocator.

        Weights and optimiser state, plus the peak of what the step allocates on top of what was
        there when it began.
        """
        self.step()  # makes the optimiser's state
        self.optimiser.zero_grad(set_to_none=True)
        state = [
            value
            for per_parameter in self.optimiser.state.values()
            for value in per_parameter.values()
            if isinstance(value, Tensor)
        ]
        lasting = [*self.network.parameters(), *self.network.buffers(), *state]
        return sum(tensor.nbytes for tensor in lasting) + self._step_peak_bytes()

    def _step_peak_bytes(self) -> int:
        if self.device.type == "cuda":
            self._synchronise()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            self.step()
            self._synchronise()
            return torch.cuda.max_memory_allocated() - before
        return peak_bytes(self.step)

    def _train(self) -> None:
        batch = self.batches(self.samples)
        training_step(self.network, self.optimiser, self.loss, batch, self.labels)

    @torch.inference_mode()
    def _infer(self) -> None:
        self.network(self.batches(self.samples))


class Delayed(Runner):
    """A network's workload whose steps take longer by a known share of their own time.

    On the CPU only: a step on CUDA is over, for the one who asks, before the device has begun.
    """

    def __init__(self, workload: Workload, spec: ModelSpec, recipe: Recipe) -> None:
        super().__init__(workload, spec, recipe)
        self.undelayed, self.step = self.step, self._wait_after

    def _wait_after(self) -> None:
        started = time.perf_counter()
        self.undelayed()
        done = time.perf_counter()
        until = done + self.workload.delay * (done - started)
        while time.perf_counter() < until:
            pass  # busily, because sleeping takes longer than asked for


class Yardstick(Timed):
    """A fixed piece of work that no network's code is part of.

    One step is a convolution (a batch of 32, 16 to 32 channels of 28x28, kernels of 3x3, no bias)
    and a product of two matrices of 512x512, in float32. A network's speed in units of it says more
    than samples per second: the machine's own speed drifts, and moves both.
    """

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        torch.manual_seed(stream_seed(MEASUREMENT_SEED, "measurement"))
        shapes = ((32, 16, 28, 28), (32, 16, 3, 3), (512, 512), (512, 512))
        self.operands = [torch.randn(shape).to(self.device) for shape in shapes]
        self.step = self._work

    def reset(self) -> None:
        """The same numbers in fresh memory."""
        self.operands = [operand.clone() for operand in self.operands]

    @torch.inference_mode()
    def _work(self) -> tuple[Tensor, Tensor]:
        pictures, kernels, left, right = self.operands
        return functional.conv2d(pictures, kernels, padding=1), left @ right


@contextmanager
def fastest_algorithms() -> Iterator[None]:
    """Inside `deterministic()`: torch chooses its algorithms by speed alone; all else stays.

    The number of threads and TF32 stay because they change the sums, not their reproducibility.
    """
    algorithms = torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms)
        torch.backends.cudnn.benchmark = benchmark


def _samples(spec: ModelSpec, count: int) -> Tensor:
    """Random samples as the data sets store them."""
    if not spec.takes_images:
        return torch.rand(count, *spec.input_shape)
    return torch.randint(256, (count, 1, *spec.input_shape[1:]), dtype=torch.uint8)
