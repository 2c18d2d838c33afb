"""Compiling as it is measured: each network as if torch had never compiled it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import nn


@contextmanager
def compiling_anew() -> Iterator[None]:
    """Nothing compiled before is taken, from this process or from the disk.

    Torch compiles the same Python code for eight networks at most and runs later ones uncompiled,
    so it has to forget those before.
    """
    from torch._inductor import config

    torch.compiler.reset()
    with config.patch(force_disable_caches=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no cache is used
        yield


@lru_cache(maxsize=1)
def start_compiler() -> None:
    """Compiles something small, so that what follows does not wait for the compiler's start.

    Its first use in a process imports it, tries the processor's instructions and prepares headers.
    """
    with compiling_anew():
        small = torch.compile(nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()))
        small(torch.zeros(2, 2)).sum().backward()
