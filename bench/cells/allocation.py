"""Freed memory stays with the process, because asking the system for it again costs a step's time.

glibc gives large blocks back as soon as they are freed, and every training step then waits for the
system to map and clear the same pages again: of a LeNet's step at batch 256 that was a quarter.
"""

from __future__ import annotations

import ctypes
import sys

# Numbers of glibc's malloc.h; the manual's chapter "Malloc Tunable Parameters" explains them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 28  # larger blocks, as of networks that fill the memory, are given back as ever


def keep_freed_memory() -> None:
    """Lets this process keep what it frees, where its C library is glibc; else does nothing."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        for threshold in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            mallopt(threshold, KEPT_BYTES)
