"""One writer at a time: who writes into a folder holds its lock until the process ends.

The operating system frees the lock of a process that has died, however it died, so that no lock is
ever left behind. Who holds it stands in a file beside it, for the message to those who come second.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bench.records.errors import RequestError

LOCK = ".lock"
_HOLDER = ".pid"  # behind the lock's own name: what locks a file may also empty it

_held: set[Path] = set()


@contextmanager
def writing_alone(folder: Path) -> Iterator[None]:
    """Holds a report's folder; inside, the same process may ask for it again.

    The folder is made where it is missing, and removed again if nothing was written into it.

    Raises:
        RequestError: Another process holds it; nothing has been written.
    """
    path = folder.resolve() / LOCK
    if path in _held:
        yield
        return
    made = _make(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RequestError(
            f"'{folder}' is being written by {holder(path)}; wait until that has ended, or choose "
            "another --name"
        ) from error
    _held.add(path)
    _sign(path)
    try:
        yield
    finally:
        _held.discard(path)
        _leave(path, lock, made)


@contextmanager
def waiting_for(path: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds a lock that others hold for a while only, after waiting for it.

    Args:
        path: Of the lock.
        on_wait: Told who holds it, if it has to be waited for.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait(holder(path))
        lock.acquire()
    _sign(path)
    try:
        yield
    finally:
        _unsign(path)
        lock.release()


def holder(path: Path) -> str:
    """Who holds a lock, as far as that is written down: `process 4711 on this-machine`."""
    try:
        return path.with_name(path.name + _HOLDER).read_text(encoding="utf-8").strip()
    except OSError:
        return "another process"


def _sign(path: Path) -> None:
    name = f"process {os.getpid()} on {socket.gethostname()}"
    path.with_name(path.name + _HOLDER).write_text(name + "\n", encoding="utf-8")


def _unsign(path: Path) -> None:
    path.with_name(path.name + _HOLDER).unlink(missing_ok=True)


def _make(folder: Path) -> list[Path]:
    """Makes a folder; those that were made for it, the innermost first."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return made


def _leave(path: Path, lock: FileLock, made: list[Path]) -> None:
    """Gives the lock back; its file stays, unless nothing else is in a folder made for it."""
    _unsign(path)
    if made and [*path.parent.iterdir()] == [path]:
        path.unlink()
    lock.release()
    with suppress(OSError):  # what is not empty stays
        for place in made:
            place.rmdir()
