"""Objects that live in fresh processes of their own, and are asked through pipes.

`multiprocessing` would run the caller's main module again in each process, and joblib's pool may
replace a worker whose memory has grown, together with what it holds.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from joblib import wrap_non_picklable_objects

_PATH = "PYTHONPATH"


class ProcessEndedError(RuntimeError):
    """A process ended before it had answered, usually because memory was short."""


class InThisProcess:
    """An object that is asked as those in other processes are, and lives in this one."""

    def __init__(self, make: Callable[[], object]) -> None:
        self.thing = make()
        self.asked: Callable[[], Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing has to end."""

    def ask(self, method: str, *arguments: object) -> None:
        """Calls a method of the object; `answer` has what it returns."""
        self.asked = partial(getattr(self.thing, method), *arguments)

    def answer(self) -> Any:
        """What the method returns that was asked for last."""
        assert self.asked is not None
        return self.asked()


class FreshProcess:
    """An object in a process that has done nothing else, and ends with this one at the latest."""

    def __init__(self, make: Callable[[], object]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import {serve.__name__} as s; s()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, _PATH: os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for this process, which then ends the others
        )
        self._send((make,))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Ends the process, whatever it is doing."""
        self.process.kill()
        self.process.communicate()

    def ask(self, method: str, *arguments: object) -> None:
        """Has a method of the object called; `answer` waits for what it returns.

        Raises:
            ProcessEndedError: The process has ended.
        """
        self._send((method, arguments))

    def answer(self) -> Any:
        """What the method returns that was asked for last.

        Raises:
            ProcessEndedError: The process has ended.
        """
        assert self.process.stdout is not None
        try:
            return pickle.load(self.process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ProcessEndedError(_ended(self.process)) from error

    def _send(self, message: tuple[object, ...]) -> None:
        assert self.process.stdin is not None
        try:
            # Networks from a user's own file travel by value.
            wrapped = wrap_non_picklable_objects(message, keep_wrapper=False)
            pickle.dump(wrapped, self.process.stdin)
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise ProcessEndedError(_ended(self.process)) from error


def serve() -> None:
    """Makes the object that is asked for on standard input, and answers until that ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a network prints is no answer
        (make,) = pickle.load(sys.stdin.buffer)
        thing = make()
        while True:
            try:
                method, arguments = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            pickle.dump(getattr(thing, method)(*arguments), answers)
            answers.flush()


def _ended(process: subprocess.Popen[bytes]) -> str:
    return f"a measuring process ended with {process.wait()}; memory may be short"
