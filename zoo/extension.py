"""Networks from a file of the user's own."""

from __future__ import annotations

import runpy
from pathlib import Path


class ExtensionError(ValueError):
    """A file of networks cannot be used; the message says why, in one line."""


def add(path: Path) -> None:
    """Runs a Python file that registers networks of its own by `zoo.register`.

    The file stands alone: it is run, not imported, so that its functions travel to other processes
    by value. What it imports of other files has to be importable there.

    Raises:
        ExtensionError: It is not there, or raises something.
    """
    try:
        runpy.run_path(str(path.resolve()), run_name=path.stem)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # `sys.exit(0)` must not end the program as if all were well
        message = " ".join(str(error).split())
        raise ExtensionError(
            f"the networks in '{path}' cannot be added: {type(error).__name__}: {message}"
        ) from error
