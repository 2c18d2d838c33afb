"""The same bits every time: flags, threads, and random streams derived from one seed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

# cuBLAS reads it once, when CUDA starts; without it some of its sums change between runs.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch

Stream = Literal["initialisation", "dropout", "order", "measurement"]
_STREAMS: tuple[Stream, ...] = ("initialisation", "dropout", "order", "measurement")


def stream_seed(seed: int, stream: Stream) -> int:
    """A 64-bit seed for one stream of a cell's seed, independent of the other streams'.

    Source: numpy's SeedSequence, made for spawning independent streams.
    """
    sequence = np.random.SeedSequence([seed, _STREAMS.index(stream)])
    return int(sequence.generate_state(1, np.uint64)[0])


@contextmanager
def deterministic() -> Iterator[None]:
    """One thread, deterministic algorithms, no autotuning, no TF32; the old state comes back after.

    One thread, because sums over one and over two threads differ in their last bits, and a worker
    process has fewer threads than the process that started it.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        cudnn.benchmark,
        cudnn.allow_tf32,
        matmul.allow_tf32,
    )
    _set_flags(1, True, False, False, False)
    try:
        yield
    finally:
        _set_flags(*before)


def _set_flags(
    threads: int, algorithms: bool, benchmark: bool, cudnn_tf32: bool, matmul_tf32: bool
) -> None:
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(algorithms)
    torch.backends.cudnn.benchmark = benchmark
    torch.backends.cudnn.allow_tf32 = cudnn_tf32
    torch.backends.cuda.matmul.allow_tf32 = matmul_tf32
