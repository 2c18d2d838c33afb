"""One benchmark for every workload, grouped by phase, device and batch."""

from __future__ import annotations

import time

import pytest
import torch

from bench.cli.options import read_request, request_parser
from bench.suite.session import GIVEN, workloads
from bench.timing.protocol import Workload


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives each benchmark its workload; without a caller, those of the options' defaults."""
    given = metafunc.config.stash.get(GIVEN, None)
    if given is None:
        given = workloads(read_request(request_parser("bench.suite", None).parse_args([])))
    metafunc.parametrize(
        ("workload", "cell"),
        [
            pytest.param(
                workload,
                cell,
                id=f"{workload.model}-{workload.device}-{workload.phase}",
                marks=_settings(workload),
            )
            for workload, cell in given.items()
        ],
    )


def _settings(workload: Workload) -> pytest.MarkDecorator:
    return pytest.mark.benchmark(
        group=f"{workload.phase}, {workload.device}, batch {workload.batch}",
        timer=_cuda_timer if workload.device == "cuda" else time.perf_counter,
    )


def _cuda_timer() -> float:
    """The clock, read when the device has nothing left to do."""
    torch.cuda.synchronize()
    return time.perf_counter()
