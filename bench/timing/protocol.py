"""What is measured of a network, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["train", "inference", "latency"]
PHASES: tuple[Phase, ...] = ("train", "inference", "latency")

THROUGHPUT_BATCH = 64
ROUNDS = 20
BLOCK_SECONDS = 0.03  # a block of steps takes about so long: far above the clock's resolution
CALLS_PER_ROUND = 50  # single calls for latency: 20 rounds make 1,000
MEASUREMENT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something whose speed is measured: a phase of a network's life on a device.

    `train`: a training step at batch 64, from stored samples to updated weights. `inference`: the
    way from 64 stored samples to outputs. `latency`: the same for a single sample, call by call.
    Not `deterministic` is a workload that shows what the deterministic algorithms cost.
    """

    model: str
    device: str
    phase: Phase
    deterministic: bool = True

    @property
    def batch(self) -> int:
        """Samples per step."""
        return 1 if self.phase == "latency" else THROUGHPUT_BATCH

    @property
    def visits_per_round(self) -> int:
        """How often each round visits it: throughput twice, so that its noise shows."""
        return 1 if self.phase == "latency" else 2
