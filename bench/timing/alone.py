"""Measuring alone: one measurement at a time on a machine, and what others computed meanwhile."""

from __future__ import annotations

import getpass
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.records.lock import waiting_for


@contextmanager
def measuring_alone(on_wait: Callable[[str], None]) -> Iterator[Beside]:
    """Waits until no other process of this user measures, and keeps others waiting.

    Args:
        on_wait: Told in words what is waited for, if anything is.

    Yields:
        What says, inside and after, how much others computed.
    """

    def tell(who: str) -> None:
        on_wait(f"waiting: {who} measures on this machine, too")

    with waiting_for(lock_path(), tell):
        beside = Beside()
        try:
            yield beside
        finally:
            beside.stop()


def lock_path() -> Path:
    """The lock that all measurements of a user on this machine share."""
    return Path(tempfile.gettempdir()) / f"bench-measuring-{_user()}.lock"


class Beside:
    """How much other processes compute, from the moment that it is made until it is stopped.

    What the machine's cores did, less what was done by this process and those that it has ended.
    """

    def __init__(self) -> None:
        self._before = _now()
        self._after: tuple[float, float, float] | None = None

    def stop(self) -> None:
        """What comes later does not count."""
        self._after = _now()

    @property
    def busy_cores(self) -> float:
        """How many cores others kept busy, on average; resolved to hundredths of a second."""
        wall, machine, own = (
            after - before
            for before, after in zip(self._before, self._after or _now(), strict=True)
        )
        return max(0.0, machine - own) / wall if wall > 0 else 0.0


def _now() -> tuple[float, float, float]:
    """Seconds of the wall, of all cores' work, and of this process's with its ended children."""
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts guests among user and nice already.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (
        time.monotonic(),
        sum(times) - waiting - guests,
        sum(usage.ru_utime + usage.ru_stime for usage in own),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id that has no name
        return str(os.getuid())
