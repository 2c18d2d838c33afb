"""How much memory a heavy network asks for, and how much there is."""

from __future__ import annotations

from collections.abc import Iterable

from bench.cells.machine import available_bytes
from bench.records.errors import RequestError
from bench.timing.protocol import THROUGHPUT_BATCH
from zoo import ModelSpec

# The allocator's rounding, work space of matrix products, the process itself, and what other
# programs take in the meantime.
MARGIN = 0.25


def needed_bytes(spec: ModelSpec) -> int:
    """What training a network and measuring it asks for on the CPU.

    Measuring a training step holds the most: the weights three times (the network's, the first
    ones that every block starts from, and the gradients); once more the largest layer's, while the
    first weights are put back layer by layer; and twice the outputs of all layers for a batch,
    with their gradients. Training itself holds the weights twice, and while they are digested
    twice the largest layer's. A quarter is added for all else.

    For optimisers that keep no state, as plain SGD, and for one network at a time.
    """
    import torch

    from bench.cells.count import FLOAT32_BYTES, count

    counted = count(spec)
    with torch.device("meta"):
        layers = spec.build().modules()
    largest = max(sum(p.numel() for p in layer.parameters(recurse=False)) for layer in layers)
    held = 3 * counted.weight_bytes + FLOAT32_BYTES * largest
    return round((1 + MARGIN) * (held + 2 * THROUGHPUT_BATCH * counted.activation_bytes))


def require_memory(specs: Iterable[ModelSpec]) -> None:
    """Checks that each of these networks can be trained and measured here, one at a time.

    Raises:
        RequestError: One needs more than there is.
    """
    for spec in specs:
        needed, there = needed_bytes(spec), available_bytes()
        if needed > there:
            raise RequestError(
                f"memory is short: training and measuring '{spec.name}' needs "
                f"{_gibibytes(needed)}, {_gibibytes(there)} are available; close other programs or "
                "take a larger machine (python -m zoo.counting counts without memory)"
            )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
