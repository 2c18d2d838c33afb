"""What documents say of speed and memory, measured as networks are: in fresh processes, in turns.

One process is not enough: in one, `net` tested without gradients in 136 or in 183 milliseconds,
depending on whether freed memory had gone back to the system, and a sigmoid became 3.5 times slower
half-way, so that the ratios were mixtures of two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import zoo
from bench.cells.determinism import deterministic
from bench.timing.measure import Asked, measure
from bench.timing.protocol import Workload, yardstick
from bench.timing.runner import Timed
from bench.timing.steps import Step, peak_bytes

TEST_BATCH = 1_000  # net-mnist's
_BATCHES = 2
BATCHES = (1, 4, 16, 64, 256, TEST_BATCH)
_MAPS = (64, 6, 28, 28)  # the first maps of a LeNet at batch 64
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


@dataclass(frozen=True, kw_only=True)
class AskedStep(Asked):
    """A step that is no network's.

    Attributes:
        prepare: Makes the step, with all that it computes with in memory of its own.
    """

    prepare: Callable[[], Step]

    def runner(self) -> Timed:
        """The step made ready in this process."""
        return _Prepared(self.workload, self.prepare)


class _Prepared(Timed):
    def __init__(self, workload: Workload, prepare: Callable[[], Step]) -> None:
        super().__init__(workload)
        self.prepare = prepare
        self.reset()

    def reset(self) -> None:
        """The same numbers in fresh memory."""
        torch.manual_seed(0)
        self.step = self.prepare()


@dataclass(frozen=True, kw_only=True)
class Testing:
    """Makes a step of `net` testing two batches of 1,000 in a loop.

    Two, because a loop holds the outputs of one batch, and with them all that a backward pass would
    need, until those of the next are there. Within a single pass the peak is that of the first
    convolution's working memory, which is the same either way.
    """

    gradients: bool

    def __call__(self) -> Step:
        """The step."""
        network = zoo.get("net").build().eval()
        pictures, labels = torch.randn(TEST_BATCH, 1, 28, 28), torch.randint(10, (TEST_BATCH,))

        def test() -> float:
            loss = 0.0
            with torch.set_grad_enabled(self.gradients):
                for _ in range(_BATCHES):
                    outputs = network(pictures)
                    loss += functional.nll_loss(outputs, labels).item()
            return loss

        return test


@dataclass(frozen=True, kw_only=True)
class Activating:
    """Makes a step of an activation on the first maps of a LeNet, forward or with backward."""

    activation: str
    backward: bool

    def __call__(self) -> Step:
        """The step."""
        module = _ACTIVATIONS[self.activation]()
        maps, upstream = torch.randn(_MAPS, requires_grad=True), torch.randn(_MAPS)

        def forward() -> Tensor:
            with torch.no_grad():
                return module(maps)  # type: ignore[no-any-return]

        def both() -> object:
            return torch.autograd.grad(module(maps), maps, upstream)

        return both if self.backward else forward


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Makes a step of `lenet` testing 1,000 pictures in batches of a size."""

    batch: int

    def __call__(self) -> Step:
        """The step."""
        network = zoo.get("lenet").build().eval()
        batches = torch.split(torch.rand(TEST_BATCH, 1, 28, 28), self.batch)

        @torch.no_grad()
        def test() -> None:
            for batch in batches:
                network(batch)

        return test


def no_grad(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds and bytes of `net` testing two batches of 1,000, with gradients and without."""
    steps = {"with": Testing(gradients=True), "without": Testing(gradients=False)}
    with deterministic():
        torch.manual_seed(0)
        peaks = {name: peak_bytes(prepare()) for name, prepare in steps.items()}
    return {
        "seconds": race(steps),
        "bytes": peaks,
        "batch": TEST_BATCH,
        "batches": _BATCHES,
    }


def activation_time(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds of each activation on the first maps of a LeNet, forward and with backward."""
    return {
        "seconds": {
            "forward": race({n: Activating(activation=n, backward=False) for n in _ACTIVATIONS}),
            "forward and backward": race(
                {n: Activating(activation=n, backward=True) for n in _ACTIVATIONS}
            ),
        },
        "elements": int(np.prod(_MAPS)),
    }


def one_at_a_time(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds of `lenet` testing 1,000 pictures one by one, and in larger and larger batches."""
    steps = {str(batch): Answering(batch=batch) for batch in BATCHES}
    return {"seconds": race(steps), "pictures": TEST_BATCH}


def race(steps: Mapping[str, Callable[[], Step]]) -> dict[str, list[list[float]]]:
    """Seconds a step: by name, a row for each fresh process with one number a round.

    The yardstick is measured, too: beside it a step shows whether its own speed changed.

    Raises:
        RuntimeError: A step could not be measured.
    """
    asked = [
        AskedStep(workload=Workload(model=name, device="cpu", phase="inference"), prepare=prepare)
        for name, prepare in steps.items()
    ]
    timings, failed = measure([*asked, Asked(workload=yardstick("cpu"))])
    if failed:
        raise RuntimeError(f"{failed[0].workload.model} was not measured: {failed[0].error}")
    return {
        timing.workload.model: [
            [float(f"{block / timing.steps_per_block:.5g}") for block in process]
            for process in timing.block_seconds
        ]
        for timing in timings
    }
