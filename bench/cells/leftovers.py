"""What killed processes have left outside a report's folder, and the removal of it.

Processes that are killed remove nothing. What they leave in the memory that processes share, and
among temporary files, is removed by the next run that starts here. The places where Python's own
processes listen (`pymp-*`) are left alone: who calls there to see whether anybody answers ends
them.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SHARED = Path("/dev/shm")
# What is younger may belong to a process that is only starting.
SECONDS = 60.0

# Of joblib's processes, whose names have the number of the process that started them.
_NUMBERED = re.compile(r"(?:sem\.loky-|joblib_memmapping_folder_)(\d+)[-_]")
_OWN = re.compile(rf"bench-{re.escape(socket.gethostname())}-(\d+)-")


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder that the next run removes if this process is killed."""
    return tempfile.TemporaryDirectory(prefix=f"bench-{socket.gethostname()}-{os.getpid()}-")


def sweep(shared: Path = SHARED, temporary: Path | None = None) -> None:
    """Removes what processes of this user that are not there any more have left.

    Args:
        shared: The folder of shared memory.
        temporary: The folder of temporary files; None takes the system's.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    for place in _old(shared.glob("*")):
        if (number := _NUMBERED.match(place.name)) and not _is_there(int(number[1])):
            _remove(place)
    semaphores = [place for place in _old(shared.glob("sem.mp-*")) if place.is_file()]
    used = _mapped() if semaphores else set()
    for place in semaphores:
        if place.stat().st_ino not in used:
            _remove(place)
    for place in _old(temporary.glob("bench-*")):
        if (number := _OWN.match(place.name)) and not _is_there(int(number[1])):
            _remove(place)


def _old(places: Iterable[Path]) -> Iterator[Path]:
    """Those of this user that have not changed for a while."""
    for place in places:
        with suppress(OSError):
            found = place.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime >= SECONDS:
                yield place


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _mapped() -> set[int]:
    """The files of shared memory that some process of this user uses, by their inodes.

    Not by their names: who has made a semaphore knows it by a name that is gone.
    """
    found: set[int] = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):
            lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
            found |= {int(line.split()[4]) for line in lines if "/dev/shm/" in line}
    return found


def _remove(place: Path) -> None:
    with suppress(OSError):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
