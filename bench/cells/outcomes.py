"""What ends a cell, a count or a measurement before its time, told by cause and remedy."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

from bench.cells.processes import ProcessEndedError
from bench.records.kinds import Status

_KILLED_FOR_MEMORY = Path("/proc/vmstat"), "oom_kill"  # how often the system did, of all groups


class EndedError(ProcessEndedError):
    """A process ended before it had answered, with an exit code or by a signal."""

    status: Status = "killed"


class NoMemoryError(EndedError):
    """The system killed a process because memory was short."""

    status: Status = "out of memory"


class TimedOutError(EndedError):
    """A process was ended because it took longer than it was given."""

    status: Status = "timed out"


def timed_out(seconds: float | None) -> TimedOutError:
    """What is told of a process that was ended after so many seconds."""
    return TimedOutError(
        f"not finished after {seconds or 0:g} s; give it longer (--cell-timeout), fewer epochs "
        "(--epochs), or leave it out"
    )


def ended(exitcode: int | None, memory_kills_before: int) -> EndedError:
    """What is told of a process that has ended before it had answered.

    Args:
        exitcode: Of the process, negative for a signal; None where it is not known.
        memory_kills_before: What `memory_kills` said when the process began its work.
    """
    if exitcode == -signal.SIGKILL and memory_kills() > memory_kills_before:
        return NoMemoryError(
            "the system ended its process, because memory was short; close other programs, train "
            "fewer at a time (--jobs 1), or leave it out"
        )
    how = "without a word" if exitcode is None else f"with exit code {exitcode}"
    if exitcode is not None and exitcode < 0:
        how = f"by {_signal(-exitcode)}"
    return EndedError(
        f"its process ended {how} before it had answered; run it alone (--models, --jobs 1) to see "
        "why, or leave it out"
    )


def memory_kills() -> int:
    """How many processes the system has ended for want of memory since it began; 0 if unknown."""
    place, name = _KILLED_FOR_MEMORY
    with suppress(OSError, ValueError):
        for line in place.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return 0


def status_of(error: BaseException) -> Status:
    """What has come of something that raised, or whose process has ended."""
    if isinstance(error, EndedError):
        return error.status
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory"
    # torch's allocator for the CPU raises what everything else raises, too.
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):
        return "out of memory"
    return "failed"


def _signal(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
