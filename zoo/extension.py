"""Networks from a file or module of the user's own."""

from __future__ import annotations

import importlib.util
import runpy
import traceback
import warnings
from pathlib import Path

from zoo.registry import all_or_nothing, forget, get, names, temporary
from zoo.spec import ModelSpec

_ADDED: dict[str, tuple[str, ...]] = {}  # by file or module, the names that it has registered


class ExtensionError(ValueError):
    """A network of the user's own cannot be used; the message says why, in one line."""


def add(place: Path | str) -> tuple[ModelSpec, ...]:
    """Runs a Python file or module that registers networks of its own, and returns them.

    It registers them by `zoo.model` or `zoo.register`. It is run, not imported, so that its
    functions and classes travel to other processes by value. What it imports of other files has to
    be importable there. What it registered when it was run before is replaced.

    Args:
        place: A file, or a module by its dotted name.

    Raises:
        ExtensionError: It is not there, raises something, or registers nothing.
    """
    forget(_ADDED.pop(str(place), ()))
    before = names()
    try:
        with all_or_nothing():
            _run(str(place))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # `sys.exit(0)` must not end the program as if all were well
        message = str(error) if isinstance(error, ExtensionError) else said(error)
        raise ExtensionError(f"the networks in '{place}' cannot be added: {message}") from error
    added = tuple(name for name in names() if name not in before)
    if not added:
        raise ExtensionError(
            f"'{place}' registers no network; put @zoo.model(input_shape=(1, 28, 28)) before a "
            "class, or before a function that builds one"
        )
    _ADDED[str(place)] = added
    return tuple(get(name) for name in added)


def said(error: BaseException) -> str:
    """An exception in one line, with the last place that is neither here nor installed."""
    places = [
        f" ({Path(frame.filename).name}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename[:1] != "<"
        and Path(frame.filename).parent != Path(__file__).parent
        and not {"site-packages", "dist-packages"} & {*Path(frame.filename).parts}
    ]
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{places[-1] if places else ''}"


def _run(place: str) -> None:
    """Runs the file or module under a name that no installed library has."""
    path = Path(place)
    if path.is_file():
        runpy.run_path(str(path.resolve()), run_name=f"--zoo {path.stem}")
        return
    if path.suffix == ".py" or not all(part.isidentifier() for part in place.split(".")):
        raise ExtensionError("there is no such file")
    with temporary():  # what the packages around it register as they are imported, is not meant
        found = importlib.util.find_spec(place)
    if found is None:
        raise ExtensionError("there is no such file or module")
    if found.submodule_search_locations is not None:
        raise ExtensionError(f"it is a package; name the module in it, as in {place}.module")
    with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # that it is imported
        runpy.run_module(place, run_name=f"--zoo {place}")
