"""Networks of the user's own: added from a file or module, and checked before anything trains."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import zoo
from bench.records.errors import RequestError
from zoo import ModelSpec


def add_networks(place: Path | str | None) -> tuple[ModelSpec, ...]:
    """Runs a file or module that registers networks; none without one.

    Raises:
        RequestError: It is not there, raises something, or registers nothing.
    """
    if place is None:
        return ()
    try:
        return zoo.add(place)
    except zoo.ExtensionError as error:
        raise RequestError(str(error)) from error


def require_sound(specs: Iterable[ModelSpec], planned: Collection[str]) -> None:
    """Checks that the networks that will run can be trained, and their code read.

    Args:
        specs: Networks of the user's own.
        planned: The names of all networks that will run.

    Raises:
        RequestError: One cannot; the message says what to change.
    """
    from bench.cells.jobs import training_code

    for spec in (spec for spec in specs if spec.name in planned):
        training_code(spec)
        try:
            zoo.require_sound(spec)
        except zoo.ExtensionError as error:
            raise RequestError(str(error)) from error
