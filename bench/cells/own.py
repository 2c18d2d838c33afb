"""Networks of the user's own: added from a file or module, and checked before anything trains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import zoo
from bench.cells.plan import Plan
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


def require_sound(specs: Iterable[ModelSpec], planned: Plan) -> None:
    """Checks that the networks that will run can be trained, and their code read.

    Args:
        specs: Networks of the user's own.
        planned: What will run, with the number of outputs that the data ask for.

    Raises:
        RequestError: One cannot; the message says what to change.
    """
    from bench.cells.jobs import training_code

    own = {spec.name for spec in specs}
    for spec in (cell.spec for name, cell in planned.first_cells.items() if name in own):
        training_code(spec)
        try:
            zoo.require_sound(spec)
        except zoo.ExtensionError as error:
            raise RequestError(str(error)) from error
