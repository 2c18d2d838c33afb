"""The frame around every command: whatever ends it, there is one line and a fixed exit code."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from bench.records.errors import ClusterLostError, RequestError
from bench.records.store import DamagedRecordWarning
from bench.records.text import one_line

EXIT_LOST = 1
EXIT_WRONG_REQUEST = 2
EXIT_BROKEN = 70  # EX_SOFTWARE of sysexits.h: what ran inside asked the program to end
EXIT_NO_INPUT_OR_OUTPUT = 74  # EX_IOERR: the disk, a permission, memory
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_CLOSED_PIPE = 128 + signal.SIGPIPE

_GOES_ON = "what is finished is recorded, and the same command (without --fresh) goes on from there"


class AnsweredError(SystemExit):
    """The command line asked for words alone, such as `--help`, and they have been printed."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end, which it does as on Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def framed(module: str, main: Callable[[], int]) -> int:
    """The exit code of a command, its end told in one line on standard error.

    Args:
        module: What the line begins with.
        main: The command; what it raises but errors of the program itself is answered here.
    """
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    with _terminable(), _warnings_in_one_line(module):
        try:
            _check_environment()
            code = main()
            sys.stdout.flush()  # here, where a full disk or a closed pipe is answered
            return code
        except (RequestError, ClusterLostError) as error:
            return _end_of_request(module, error)
        except Terminated as error:
            return _end(module, f"stopped by {error}; {_then(error)}", 128 + error.number)
        except KeyboardInterrupt as error:
            return _end(module, f"stopped; {_then(error)}", EXIT_INTERRUPTED)
        except BrokenPipeError:
            _silence(sys.stdout)
            return EXIT_CLOSED_PIPE
        except OSError as error:
            _silence(sys.stdout)
            return _end(module, f"cannot go on: {error}; {_GOES_ON}", EXIT_NO_INPUT_OR_OUTPUT)
        except MemoryError:
            return _end(module, f"memory is short; {_GOES_ON}", EXIT_NO_INPUT_OR_OUTPUT)
        except AnsweredError:
            raise
        except SystemExit as error:
            said = (
                f"a network or file that ran here asked Python to exit ({error.code}); {_GOES_ON}"
            )
            return _end(module, said, EXIT_BROKEN)


def _end_of_request(module: str, error: RequestError | ClusterLostError) -> int:
    if isinstance(error, RequestError):
        return _end(module, error, EXIT_WRONG_REQUEST)
    return _end(module, f"{error}; {_GOES_ON}, here or on a cluster", EXIT_LOST)


def _then(error: KeyboardInterrupt) -> str:
    """What is kept and how to go on: in the words of the command, where it has added a note."""
    return "; ".join(getattr(error, "__notes__", ())) or _GOES_ON


def _end(module: str, said: object, code: int) -> int:
    with suppress(OSError):  # standard error may be closed, too
        print(f"{module}: {one_line(said)}", file=sys.stderr, flush=True)
    return code


@contextmanager
def _terminable() -> Iterator[None]:
    """Inside it SIGTERM and SIGHUP end the process as Ctrl-C does, with all that tidies up."""

    def end(number: int, _frame: object) -> None:
        raise Terminated(number)

    try:
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread, which alone may
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _warnings_in_one_line(module: str) -> Iterator[None]:
    """Inside it a damaged record is told in a line of its own; other warnings are shown as ever."""
    before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, DamagedRecordWarning):
            _end(module, f"warning: {message}", 0)
        else:
            before(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _check_environment() -> None:
    """Checks variables that libraries read, and answer with a traceback, only when they are used.

    Raises:
        RequestError: One has a value that it cannot have.
    """
    for name in ("LOKY_MAX_CPU_COUNT", "SOURCE_DATE_EPOCH"):
        value = os.environ.get(name, "0")
        if not value.isascii() or not value.isdigit():
            raise RequestError(f"${name} is '{value}', which is no whole number; unset it")
    os.environ["MPLBACKEND"] = "agg"  # figures are written to files, whatever others show


def _never_fail_to_encode(stream: object) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # tests put others in the place of a terminal
        reconfigure(errors="backslashreplace")


def _silence(stream: TextIO | None) -> None:
    """Lets nothing more be written, which Python would try at its end and complain about."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
