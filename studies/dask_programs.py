"""A scheduler or a worker of Dask in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def dask_program(name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs one of Dask's programs; at the end it is gone, with all that it has started.

    Args:
        name: `scheduler` or `worker`.
        options: Of its command line.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", "--no-dashboard", *options],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
