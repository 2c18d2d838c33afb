"""A training step as one CUDA graph: its kernels are started by a single call.

The networks of the documents are so small that a GPU waits for Python between their kernels.

Source: https://pytorch.org/docs/stable/notes/cuda.html#whole-network-capture
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Step = Callable[[Tensor, Tensor], Tensor]

TRIAL_STEPS = 3  # torch asks for some before a capture; the graph has to repeat them bit for bit


class GraphedStep:
    """A captured step; batches of another size than the captured one take the step as it was."""

    def __init__(self, step: Step, batch: Tensor, labels: Tensor) -> None:
        self.step = step
        self.batch, self.labels = batch.clone(), labels.clone()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step(self.batch, self.labels)

    def __call__(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Takes the step on a batch; its mean loss before the update, ()."""
        if batch.shape != self.batch.shape:
            return self.step(batch, labels)
        self.batch.copy_(batch)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.loss.clone()


def graphed(
    step: Step,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Tensor,
    labels: Tensor,
    *,
    capture: Callable[[Step, Tensor, Tensor], Step] = GraphedStep,
) -> Step:
    """The step as a graph; the step as it is, with a warning, where a graph does not do the same.

    Network, optimiser and the random numbers to come are left as they were.

    Args:
        step: From a batch and its labels to its loss; updates the network.
        network: What the step trains.
        optimiser: What the step updates it with: Adam or SGD.
        batch: Inputs of the size that the graph is for.
        labels: Their classes.
        capture: Makes the graph.
    """
    weights = [*network.parameters(), *network.buffers()]
    first = [tensor.detach().clone() for tensor in weights]
    moments = {place: value.clone() for place, value in _state(optimiser)}
    numbers = _random_numbers()

    def rewind() -> None:
        with torch.no_grad():
            for tensor, value in zip(weights, first, strict=True):
                tensor.copy_(value)
            for place, value in _state(optimiser):  # before a first step there are none: zero
                value.copy_(moments[place]) if place in moments else value.zero_()
        _set_random_numbers(numbers)

    def outcome(candidate: Step) -> list[Tensor]:
        losses = [candidate(batch, labels).clone() for _ in range(TRIAL_STEPS)]
        return [*losses, *(tensor.detach().clone() for tensor in weights)]

    with _beside_other_work(batch.device):
        expected = outcome(step)
    rewind()
    try:
        graph = capture(step, batch, labels)
        rewind()
        found = outcome(graph)
        same = all(torch.equal(*pair) for pair in zip(expected, found, strict=True))
        reason = None if same else "its results differ in bits"
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
    rewind()
    if reason is None:
        return graph
    warnings.warn(f"trained without a CUDA graph: {reason}", stacklevel=2)
    return step


def _state(optimiser: torch.optim.Optimizer) -> Iterator[tuple[tuple[int, str], Tensor]]:
    """What an optimiser remembers of each parameter, under which name."""
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                yield (id(parameter), name), value


def _random_numbers() -> list[Tensor]:
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *on_gpus]


def _set_random_numbers(states: list[Tensor]) -> None:
    own, *on_gpus = states
    torch.set_rng_state(own)
    if on_gpus:
        torch.cuda.set_rng_state_all(on_gpus)


@contextmanager
def _beside_other_work(device: torch.device) -> Iterator[None]:
    """On a GPU, a stream of its own: what comes before a capture must not use the default one."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
