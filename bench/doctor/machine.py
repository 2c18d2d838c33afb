"""Whether a machine can carry out a comparison: cores, memory, shared memory, disk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cells.machine import available_bytes, cores
from bench.doctor.finding import Finding

PART = "machine"
# The main process takes a gigabyte, and each that trains a half.
MEMORY_BYTES = 1_500_000_000
SHARED_BYTES = 1 << 20  # bench.verify and bench.claims keep a few semaphores there
DISK_BYTES = 1_000_000_000
_SHARED = Path("/dev/shm")


def machine(reports: Path) -> Iterator[Finding]:
    """What the machine has, and whether that is enough.

    Args:
        reports: The folder that reports are written to; it need not be there.
    """
    yield Finding(part=PART, subject="cores", found=f"{cores()}, as many runs at a time")
    yield memory(_available_bytes())
    if sys.platform.startswith("linux"):
        yield shared_memory(_SHARED)
    yield disk(reports)


def memory(available: int) -> Finding:
    """Whether so many bytes of memory are enough for the main process and one that trains."""
    remedy = "close other programs, or give the container more memory"
    return Finding(
        part=PART,
        subject="memory",
        found=f"{available / 1e9:.1f} GB free",
        remedy="" if available >= MEMORY_BYTES else remedy,
    )


def shared_memory(place: Path) -> Finding:
    """Whether there is a folder for shared memory, and room in it."""
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding(
            part=PART,
            subject=str(place),
            found=str(error.strerror or error),
            remedy=f"mount it: mount -t tmpfs tmpfs {place}",
        )
    remedy = f"mount it larger: docker run --shm-size=1g, or mount -o remount,size=1g {place}"
    return Finding(
        part=PART,
        subject=str(place),
        found=f"{free / 1e6:,.1f} MB free",
        remedy="" if free >= SHARED_BYTES else remedy,
    )


def disk(folder: Path) -> Finding:
    """Whether reports can be written, and whether there is room for them."""
    there = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    free = shutil.disk_usage(there).free
    subject = f"disk of {folder}"
    if not os.access(there, os.W_OK):
        remedy = f"choose another folder with --reports, or ask for permission to write '{there}'"
        return Finding(part=PART, subject=subject, found="cannot be written", remedy=remedy)
    remedy = "make room; trained weights take the most (weights/ in a report's folder)"
    return Finding(
        part=PART,
        subject=subject,
        found=f"{free / 1e9:,.1f} GB free",
        remedy="" if free >= DISK_BYTES else remedy,
    )


def _available_bytes() -> int:
    """What can still be taken, of the machine's memory and of a container's."""
    found = available_bytes()
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = (
            (group / f"memory.{name}").read_text().strip() for name in ("max", "current")
        )
        return min(found, int(limit) - int(used))
    except (OSError, ValueError):  # no container, or one without a limit
        return found
