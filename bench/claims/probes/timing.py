"""What documents say of speed and memory, measured in interleaved rounds."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import zoo
from bench.cells.determinism import deterministic
from bench.timing.steps import Step, peak_bytes, warm_up

ROUNDS = 40
BLOCK_SECONDS = 0.05
_TEST_BATCH = 1_000  # net-mnist's
_BATCHES = 2


def no_grad(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds and bytes of `net` testing two batches of 1,000, with gradients and without.

    Two, because a loop holds the outputs of one batch, and with them all that a backward pass would
    need, until those of the next are there. Within a single pass the peak is that of the first
    convolution's working memory, which is the same either way.
    """
    with deterministic():
        torch.manual_seed(0)
        network = zoo.get("net").build().eval()
        pictures, labels = torch.randn(_TEST_BATCH, 1, 28, 28), torch.randint(10, (_TEST_BATCH,))

        def test() -> float:
            loss = 0.0
            for _ in range(_BATCHES):
                outputs = network(pictures)
                loss += functional.nll_loss(outputs, labels).item()
            return loss

        steps: dict[str, Step] = {"with": test, "without": torch.no_grad()(test)}
        seconds = _race(steps)
        peaks = {name: peak_bytes(step) for name, step in steps.items()}
    return {"seconds": seconds, "bytes": peaks, "batch": _TEST_BATCH, "batches": _BATCHES}


def activation_time(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds of each activation on the first maps of a LeNet, forward and with backward."""
    with deterministic():
        torch.manual_seed(0)
        maps = torch.randn(64, 6, 28, 28, requires_grad=True)
        upstream = torch.randn(64, 6, 28, 28)
        modules: dict[str, nn.Module] = {
            "relu": nn.ReLU(),
            "sigmoid": nn.Sigmoid(),
            "tanh": nn.Tanh(),
        }

        def forward(module: nn.Module) -> Step:
            def step() -> object:
                with torch.no_grad():
                    return module(maps)

            return step

        def both(module: nn.Module) -> Step:
            return lambda: torch.autograd.grad(module(maps), maps, upstream)

        seconds = {
            "forward": _race({name: forward(module) for name, module in modules.items()}),
            "forward and backward": _race({name: both(m) for name, m in modules.items()}),
        }
    return {"seconds": seconds, "elements": maps.numel()}


def one_at_a_time(_data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Seconds of `lenet` testing 1,000 pictures one by one, and in one batch."""
    with deterministic():
        torch.manual_seed(0)
        network = zoo.get("lenet").build().eval()
        pictures = torch.rand(_TEST_BATCH, 1, 28, 28)

        @torch.no_grad()
        def singly() -> None:
            for picture in torch.split(pictures, 1):
                network(picture)

        @torch.no_grad()
        def together() -> object:
            return network(pictures)

        seconds = _race({"one at a time": singly, "in one batch": together})
    return {"seconds": seconds, "pictures": _TEST_BATCH}


def _race(steps: Mapping[str, Step]) -> dict[str, list[list[float]]]:
    """Seconds a step, in rounds that visit all steps twice in an order drawn for each.

    Returns:
        By name, a row for each of two labels with one number a round; what the rows differ by is
        noise.
    """
    counts = {name: _steps_per_block(step) for name, step in steps.items()}
    seconds: dict[str, list[list[float]]] = {name: [[], []] for name in steps}
    visits = [(name, label) for name in steps for label in (0, 1)]
    shuffle = random.Random(0)
    for _ in range(ROUNDS):
        shuffle.shuffle(visits)
        for name, label in visits:
            steps[name]()  # not measured: it fills the caches
            taken = _block_seconds(steps[name], counts[name]) / counts[name]
            seconds[name][label].append(float(f"{taken:.5g}"))
    return seconds


def _steps_per_block(step: Step) -> int:
    fastest = warm_up(partial(_block_seconds, step))
    return max(1, round(BLOCK_SECONDS / fastest))


def _block_seconds(step: Step, steps: int) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - started
