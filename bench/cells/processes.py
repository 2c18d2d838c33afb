"""Processes that train and measure, all forked from one that has loaded torch.

Loading torch takes a core two to four seconds, a fork some milliseconds. The process that is forked
(`multiprocessing`'s fork server) has done nothing but import, so that what is forked from it has no
threads, no CUDA context and no numbers drawn.

They are as good as processes that have loaded torch themselves where speed is measured over
several, because what makes one of them slow is where its own memory lies. Where the system has no
fork server, as on Windows, each process loads torch itself.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")

_HAS_SERVER = "forkserver" in multiprocessing.get_all_start_methods()
_CONTEXT: Any = multiprocessing.get_context("forkserver" if _HAS_SERVER else "spawn")
if _HAS_SERVER:
    _CONTEXT.set_forkserver_preload(["bench.cells.watched", "bench.cells.preload"])


class ProcessEndedError(RuntimeError):
    """A process ended before it had answered, usually because memory was short."""


class InThisProcess:
    """An object that is asked as those in other processes are, and lives in this one."""

    def __init__(self, thing: object) -> None:
        self.thing: object | None = thing
        self.asked: Callable[[], Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Lets go of the object, with networks in it that refer to themselves."""
        self.thing = self.asked = None
        gc.collect()

    def ask(self, method: str, *arguments: object) -> None:
        """Calls a method of the object; `answer` has what it returns."""
        self.asked = partial(getattr(self.thing, method), *arguments)

    def answer(self) -> Any:
        """What the method returns that was asked for last."""
        assert self.asked is not None
        return self.asked()


class ForkedProcess:
    """An object in a process of its own, which ends with this one at the latest."""

    def __init__(self, thing: object) -> None:
        self.connection, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=serve, args=(theirs,), daemon=True)
        with _no_script():
            self.process.start()
        theirs.close()
        self._send(thing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def ask(self, method: str, *arguments: object) -> None:
        """Has a method of the object called; `answer` waits for what it returns."""
        self._send((method, arguments))

    def answer(self) -> Any:
        """What the method returns that was asked for last.

        Raises:
            ProcessEndedError: The process has ended.
        """
        try:
            return self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join()
            raise ProcessEndedError(
                f"a process ended with {self.process.exitcode}; memory may be short"
            ) from error

    def _send(self, message: object) -> None:
        from joblib import wrap_non_picklable_objects

        with suppress(BrokenPipeError):  # that the process has ended is told by `answer`
            # Networks from a user's own file travel by value. As in `by_value`, which would change
            # the key of everything that was measured in such a process.
            self.connection.send(wrap_non_picklable_objects(message, keep_wrapper=False))


def by_value(thing: Item) -> Item:
    """A thing to be sent to a process, with the classes and functions of a user's own file in it.

    Such a file is run and not imported, so that a process could not import them.
    """
    from joblib import wrap_non_picklable_objects

    wrapped: Item = wrap_non_picklable_objects(thing, keep_wrapper=False)
    return wrapped


def start_loading() -> None:
    """Starts the process that all others are forked from, and does not wait for it."""
    if not _HAS_SERVER:
        return
    from multiprocessing import forkserver  # which Windows does not have

    with _no_script():
        forkserver.ensure_running()


def serve(connection: Connection) -> None:
    """Takes the object from a connection, and answers until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends all
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a network prints is no answer
    try:
        thing = connection.recv()
        while True:
            method, arguments = connection.recv()
            connection.send(getattr(thing, method)(*arguments))
    except (EOFError, BrokenPipeError):
        return


@contextmanager
def _no_script() -> Iterator[None]:
    """Inside, no script is running: `multiprocessing` would run it again in every process."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
