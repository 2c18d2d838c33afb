"""Processes that end with the one that started them, even if that is killed.

A process that is killed tidies nothing up. So those that train or measure for it watch it
themselves: on Linux the system kills them (`PR_SET_PDEATHSIG` of prctl(2)), elsewhere a thread
looks whether it is still there.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h
_TOLD = signal.SIGUSR2
_LOOK_SECONDS = 1.0

_forking = 0  # the process that is about to fork


def end_with(parent: int) -> None:
    """Has this process killed as soon as another one has ended.

    Does nothing in that process itself, so that what may run here or in a worker can call it.

    Args:
        parent: The process that started this one, from a thread that lives as long.
    """
    if os.getpid() == parent:
        return
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _end_without(parent)  # as it may have ended before the system was told
    else:
        threading.Thread(target=wait_and_end, args=(parent,), daemon=True).start()


def spawned_processes(at_most: int) -> ProcessPoolExecutor:
    """New interpreters that share nothing with this process, and end with it however it ends."""
    return ProcessPoolExecutor(
        at_most,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=end_with,
        initargs=(os.getpid(),),
    )


def wait_and_end(process: int) -> None:
    """Waits until a process is not there any more, and ends this one."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            time.sleep(_LOOK_SECONDS)
    os._exit(1)


def end_with_all_that_is_forked(parent: int) -> None:
    """Has this process and all that are forked from it killed as soon as another one has ended."""
    if sys.platform.startswith("linux"):
        # The system tells when the thread has ended that started this process, and in a program of
        # many threads the others may go on.
        signal.signal(_TOLD, lambda *_: _end_without(parent))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _TOLD)
        _end_without(parent)
        os.register_at_fork(before=_remember, after_in_child=_end_with_forking)
    else:  # what is forked from must have no threads, so each fork watches the first process
        os.register_at_fork(after_in_child=lambda: end_with(parent))


def _end_without(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _remember() -> None:
    global _forking
    _forking = os.getpid()


def _end_with_forking() -> None:
    end_with(_forking)
