"""What is measured of a network, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["train", "inference", "latency", "yardstick"]
PHASES: tuple[Phase, ...] = ("train", "inference", "latency")  # of a network

YARDSTICK = "yardstick"  # in the place of a network's name
THROUGHPUT_BATCH = 64
PROCESSES = 5  # what differs between processes is part of a ratio's doubt
ROUNDS = 8  # in every process
BLOCK_SECONDS = 0.025  # a block of steps takes about so long: far above the clock's resolution
CALLS_PER_ROUND = 25  # single calls for latency: 5 processes of 8 rounds make 1,000
MEASUREMENT_SEED = 0
DELAY = 0.03  # planted in a control: a step that takes 1.03 times as long


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something whose speed is measured: a phase of a network's life on a device.

    `train`: a training step at batch 64, from stored samples to updated weights. `inference`: the
    way from 64 stored samples to outputs. `latency`: the same for a single sample, call by call.
    `yardstick`: no network, but work of a fixed size that tells how fast the machine is.
    Not `deterministic` is a workload that shows what the deterministic algorithms cost. One with a
    `delay` is a control: every step waits for such a share of the time that it has just taken.
    """

    model: str
    device: str
    phase: Phase
    deterministic: bool = True
    delay: float = 0.0

    @property
    def batch(self) -> int:
        """Samples per step; a step of the yardstick counts as one."""
        return THROUGHPUT_BATCH if self.phase in ("train", "inference") else 1


def yardstick(device: str) -> Workload:
    """The yardstick's workload on a device."""
    return Workload(model=YARDSTICK, device=device, phase="yardstick")
