"""Profiles of training steps: traces for TensorBoard, and the split of time by operator."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from bench.cells.determinism import deterministic
from bench.records.kinds import OperatorTime
from bench.timing.runner import Runner

WAIT, WARM_UP, STEPS = 5, 3, 20
# While a process's memory still grows, page faults make steps up to 1.8 times as long and land on
# whatever happens to allocate: in trials, the first profiles had half of the time in the backward
# pass of convolutions, all later ones three tenths.
PROFILES = 5
TOP = 8
PYTHON = "between operators"
OTHER = "other"


def profile_training(runner: Runner, folder: Path) -> tuple[OperatorTime, ...]:
    """The operators of a training step, largest share first, `other` last; shares sum to 1.

    Of `PROFILES` profiles the one is taken whose steps took the least time, by the wall clock on
    CUDA, too. Writes its trace into the folder, in the place of an earlier one. A folder is one run
    to TensorBoard's profiler plugin.

    Args:
        runner: A workload of phase `train`.
        folder: Where the trace goes; its name becomes the run's.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # no log lines of its start and stop
    # By the clock, because torch needs two seconds to add up the operators of one profile.
    fastest, _ = min((_profile(runner) for _ in range(PROFILES)), key=lambda found: found[1])
    for earlier in folder.glob("*.pt.trace.json"):
        earlier.unlink()
    # Without a name it would use the machine's.
    tensorboard_trace_handler(str(folder), worker_name="training")(fastest)
    return split(_events(fastest, on_cuda=runner.device.type == "cuda"))


def _profile(runner: Runner) -> tuple[profile, float]:
    """Some steps, profiled, and how many seconds they took."""
    on_cuda = runner.device.type == "cuda"
    profiler = profile(
        activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])],
        schedule=schedule(wait=WAIT, warmup=WARM_UP, active=STEPS, repeat=1),
        record_shapes=True,
        profile_memory=True,
    )
    with deterministic(), profiler:
        for _ in range(WAIT + WARM_UP):
            runner.step()
            profiler.step()
        started = _now(on_cuda)
        for _ in range(STEPS - 1):
            runner.step()
            profiler.step()
        runner.step()
        seconds = _now(on_cuda) - started
        profiler.step()  # ends the profile
    return profiler, seconds


def _now(on_cuda: bool) -> float:
    """A clock in seconds, read when the device has nothing left to do."""
    if on_cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


def _events(profiler: profile, on_cuda: bool) -> list[tuple[str, float, int]]:
    """Name, own time in microseconds, and calls of each operator."""
    return [
        (
            event.key,
            event.self_device_time_total if on_cuda else event.self_cpu_time_total,
            event.count,
        )
        for event in profiler.key_averages()
        # A CUDA kernel is an event of its own beside the operator that its time counts for.
        if event.device_type == DeviceType.CPU
    ]


def split(events: Sequence[tuple[str, float, int]]) -> tuple[OperatorTime, ...]:
    """The largest operators with their shares of the sum, and one for all others.

    Args:
        events: Name, own time in any unit, and calls of each operator.
    """
    total = sum(own for _, own, _ in events)
    ranked = sorted(events, key=lambda event: -event[1])
    times = [
        OperatorTime(
            operator=PYTHON if name == "ProfilerStep*" else name,
            self_time_share=own / total,
            calls=calls,
        )
        for name, own, calls in ranked[:TOP]
    ]
    rest = ranked[TOP:]
    if rest:
        times.append(
            OperatorTime(
                operator=OTHER,
                self_time_share=sum(own for _, own, _ in rest) / total,
                calls=sum(calls for _, _, calls in rest),
            )
        )
    return tuple(times)
