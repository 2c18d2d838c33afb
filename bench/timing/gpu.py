"""What a GPU is doing while it is measured: clock, power, temperature and what holds it back.

Read through `nvidia-smi`, the command that comes with the driver and asks its management library,
NVML; nothing is ever set. Where it is missing or gives no answer, there is no state to record.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

_FIELDS = "clocks.sm,power.draw,temperature.gpu,clocks_throttle_reasons.active"
_TIMEOUT_SECONDS = 5

# The bits of NVML's throttle reasons that slow a busy GPU down (NVML API reference,
# NvmlClocksEventReasons). An idle GPU and a clock that somebody has set are no such reasons.
_THROTTLE_REASONS = {
    0x04: "software power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}


@dataclass(frozen=True, kw_only=True)
class GpuState:
    """One reading; None for what the device does not report.

    Attributes:
        clock_mhz: Clock of the streaming multiprocessors.
        power_watts: Power drawn by the board.
        temperature_celsius: Temperature of the chip.
        throttle_reasons: What is slowing the clock down at this moment; empty where nothing is.
    """

    clock_mhz: float | None
    power_watts: float | None
    temperature_celsius: float | None
    throttle_reasons: tuple[str, ...] | None


def read_state() -> GpuState | None:
    """The state of torch's current CUDA device; None where it cannot be read."""
    identity = f"GPU-{torch.cuda.get_device_properties().uuid}"
    command = ["nvidia-smi", f"--id={identity}", f"--query-gpu={_FIELDS}"]
    try:
        answered = subprocess.run(
            [*command, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
        return parse(answered.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def parse(line: str) -> GpuState:
    """The state in one line of `nvidia-smi`'s CSV; `[N/A]` becomes None.

    Raises:
        ValueError: The line has not the four fields that were asked for.
    """
    clock, power, temperature, reasons = (field.strip() for field in line.split(","))
    return GpuState(
        clock_mhz=_number(clock),
        power_watts=_number(power),
        temperature_celsius=_number(temperature),
        throttle_reasons=_reasons(int(reasons, 16)) if reasons.startswith("0x") else None,
    )


def summarise_states(states: Sequence[GpuState]) -> dict[str, Any] | None:
    """Lowest and highest of each reading, and every throttle reason seen; None without states."""
    if not states:
        return None
    readings = [asdict(state) for state in states]
    reasons = {reason for state in states for reason in state.throttle_reasons or ()}
    reported = any(state.throttle_reasons is not None for state in states)
    return {
        **{
            name: _range([reading[name] for reading in readings])
            for name in ("clock_mhz", "power_watts", "temperature_celsius")
        },
        "throttle_reasons": sorted(reasons) if reported else None,
    }


def _range(values: Sequence[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return [min(known), max(known)] if known else None


def _number(text: str) -> float | None:
    return None if text.startswith("[") else float(text)


def _reasons(bits: int) -> tuple[str, ...]:
    return tuple(reason for bit, reason in _THROTTLE_REASONS.items() if bits & bit)
