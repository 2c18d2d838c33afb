from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from bench.timing.gpu import GpuState, parse, read_state, summarise_states

# A line as nvidia-smi prints it with --format=csv,noheader,nounits.
LINE = "1980, 312.45, 41, 0x0000000000000000\n"


def test_a_line_gives_clock_power_temperature_and_no_reason() -> None:
    assert parse(LINE) == GpuState(
        clock_mhz=1980.0, power_watts=312.45, temperature_celsius=41.0, throttle_reasons=()
    )


def test_throttle_reasons_are_the_bits_of_nvml_that_slow_a_busy_gpu_down() -> None:
    # NVML API reference: 0x1 idle, 0x2 clocks set by somebody, 0x4 software power cap, 0x8
    # hardware slowdown, 0x20 and 0x40 software and hardware thermal slowdown, 0x80 power brake.
    assert parse("1, 1, 1, 0x03").throttle_reasons == ()
    assert parse("1, 1, 1, 0x45").throttle_reasons == (
        "software power cap",
        "hardware thermal slowdown",
    )


def test_what_the_device_does_not_tell_is_absent() -> None:
    assert parse("[N/A], [Not Supported], 30, [N/A]") == GpuState(
        clock_mhz=None, power_watts=None, temperature_celsius=30.0, throttle_reasons=None
    )


def test_states_come_down_to_their_ranges_and_all_reasons() -> None:
    states = [parse("1980, 300, 40, 0x04"), parse("1200, [N/A], 70, 0x40")]
    assert summarise_states(states) == {
        "clock_mhz": [1200.0, 1980.0],
        "power_watts": [300.0, 300.0],
        "temperature_celsius": [40.0, 70.0],
        "throttle_reasons": ["hardware thermal slowdown", "software power cap"],
    }
    assert summarise_states([]) is None


def answer(output: str | Exception) -> Any:
    def run(command: list[str], **_: Any) -> Any:
        assert "--id=GPU-1234" in command
        if isinstance(output, Exception):
            raise output
        return SimpleNamespace(stdout=output)

    return run


@pytest.mark.parametrize(
    ("output", "known"),
    [
        (LINE, True),
        (FileNotFoundError("nvidia-smi"), False),
        (subprocess.CalledProcessError(6, "nvidia-smi"), False),
        (subprocess.TimeoutExpired("nvidia-smi", 5), False),
        ("No devices were found\n", False),
    ],
)
def test_a_gpu_that_cannot_be_read_has_no_state(
    monkeypatch: pytest.MonkeyPatch, output: str | Exception, known: bool
) -> None:
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="1234"), raising=True
    )
    monkeypatch.setattr(subprocess, "run", answer(output))
    assert (read_state() is not None) is known


@pytest.mark.cuda
def test_a_real_gpu_tells_its_state_or_nothing() -> None:
    state = read_state()
    assert state is None or state.clock_mhz is None or state.clock_mhz > 0
