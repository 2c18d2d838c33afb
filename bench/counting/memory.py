"""How much memory a network asks for, in closed form, and how much there is."""

from __future__ import annotations

import math
import os
from pathlib import Path

from bench.cells.count import FLOAT32_BYTES
from bench.timing.measure import THROUGHPUT_BATCH
from zoo import ModelSpec

MEMINFO = Path("/proc/meminfo")
# The allocator's rounding, work space of matrix products, the process itself, and what other
# programs take in the meantime.
MARGIN = 0.25


def needed_bytes(spec: ModelSpec) -> int:
    """What training a network and measuring it asks for on the CPU, from its declared layers.

    Measuring a training step holds the most: the weights three times (the network's, the first
    ones that every block starts from, and the gradients); once more the largest layer's, while the
    first weights are put back layer by layer; and twice the outputs of all layers for a batch,
    with their gradients. Training itself holds the weights twice, and while they are digested
    twice the largest layer's. A quarter is added for all else.

    For optimisers that keep no state, as plain SGD, and for one network at a time.
    """
    weights = spec.declared_parameters
    largest = max(layer.parameters for layer in spec.layers)
    outputs = THROUGHPUT_BATCH * sum(map(math.prod, spec.shapes))
    return round((1 + MARGIN) * FLOAT32_BYTES * (3 * weights + largest + 2 * outputs))


def available_bytes(meminfo: Path = MEMINFO) -> int:
    """What programs can still take without swapping.

    Linux tells it in /proc/meminfo, page cache that it would give up included. Elsewhere it is all
    the memory that the machine has, so that only machines too small by far are found out. Limits
    set for a container are not looked at.
    """
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":
                return 1024 * int(amount.split()[0])  # told in kB, which are KiB
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
