"""The processes that cells are trained in, started before there is anything to train."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import warnings
from collections.abc import Generator
from contextlib import suppress


def start_workers(count: int) -> None:
    """Lets `run_jobs`' workers load what training needs while this process does the same.

    Args:
        count: How many cells will be trained side by side; for one no worker is needed.
    """
    from joblib import Parallel, delayed

    if count > 1:
        parallel = Parallel(n_jobs=count, return_as="generator_unordered")
        # Held until this process ends: joblib stops workers whose results nobody waits for.
        atexit.register(_close, parallel(delayed(_load)() for _ in range(count)))


def leave_interrupts_to_parent() -> None:
    """In a worker, lets Ctrl-C pass: the parent is told as well, and ends its workers silently."""
    if multiprocessing.parent_process() is not None:
        with suppress(ValueError):  # not the main thread, which alone may
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _load() -> None:
    """Imports what a first cell would wait for; torch loads half of it with a first optimiser."""
    leave_interrupts_to_parent()
    import torch

    import bench.cells.train  # noqa: F401

    torch.optim.SGD([torch.zeros(1, requires_grad=True)])


def _close(loaded: Generator[None, None, None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of results that are not used: there are none
        loaded.close()
