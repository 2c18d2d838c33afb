"""The registry: names, aliases and globs to entries."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

from zoo import torchvision
from zoo.spec import ModelSpec

# Names stand in commands, tables, figures and files.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_ENTRIES: dict[str, ModelSpec] = {}
_ALIASES: dict[str, str] = {}
_WAITING: list[Callable[[], ModelSpec]] = []


class UnknownModelError(LookupError):
    """No entry has this name; the message suggests the nearest."""


def register(spec: ModelSpec) -> ModelSpec:
    """Adds an entry and returns it.

    Raises:
        ValueError: The name or an alias is taken, or is not a plain name.
    """
    for name in (spec.name, *spec.aliases):
        if name in _ENTRIES or name in _ALIASES:
            raise ValueError(f"the zoo has a model '{name}' already; choose another name")
        if name == "all" or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name[:80]!r} cannot name a model: use up to 64 letters, digits, '.', '_' and "
                "'-', beginning with a letter or digit; 'all' is taken"
            )
    _ENTRIES[spec.name] = spec
    _ALIASES.update(dict.fromkeys(spec.aliases, spec.name))
    return spec


def register_later(make: Callable[[], ModelSpec]) -> None:
    """Adds an entry that is made when the registry is asked next.

    So the file that registers it has been read to its end by then, with all that it uses.
    """
    _WAITING.append(make)


def _register_waiting() -> None:
    waiting = tuple(_WAITING)
    _WAITING.clear()
    for make in waiting:
        register(make())


def forget(names: Iterable[str]) -> None:
    """Takes entries out, with their aliases; names that are not there are passed over."""
    for name in names:
        spec = _ENTRIES.pop(name, None)
        for alias in spec.aliases if spec else ():
            _ALIASES.pop(alias, None)


@contextmanager
def temporary(*specs: ModelSpec) -> Iterator[None]:
    """Inside it, entries are found by their names and aliases, whatever these stood for before.

    At its end the registry is what it was; what was registered inside it is forgotten, too.
    """
    restore = _restorer()
    try:
        for spec in specs:
            _ENTRIES[spec.name] = spec
            _ALIASES.update(dict.fromkeys((spec.name, *spec.aliases), spec.name))
        yield
    finally:
        restore()


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Inside it entries are registered; where something raises, none of them stays."""
    restore = _restorer()
    try:
        yield
        _register_waiting()
    except BaseException:
        restore()
        raise


def _restorer() -> Callable[[], None]:
    """What makes the registry again what it is now."""
    _register_waiting()
    entries, aliases = dict(_ENTRIES), dict(_ALIASES)

    def restore() -> None:
        _WAITING.clear()
        for table, before in ((_ENTRIES, entries), (_ALIASES, aliases)):
            table.clear()
            table.update(before)  # type: ignore[arg-type]

    return restore


def names(*, tag: str | None = None) -> tuple[str, ...]:
    """All registry names, in the order of registration; with `tag`, those that carry it."""
    _register_waiting()
    return tuple(name for name, spec in _ENTRIES.items() if tag is None or tag in spec.tags)


def get(name: str) -> ModelSpec:
    """The entry of this name or alias; `torchvision:NAME` is one of torchvision's networks.

    Raises:
        UnknownModelError: There is none.
    """
    if name not in _ENTRIES and name not in _ALIASES:
        _register_waiting()
    spec = _ENTRIES.get(_ALIASES.get(name, name))
    if spec is None and name.startswith(torchvision.PREFIX):
        try:
            return torchvision.entry(name)
        except torchvision.NoBuilderError as error:
            raise UnknownModelError(str(error)) from error
    if spec is None:
        near = difflib.get_close_matches(name, [*_ENTRIES, *_ALIASES], n=1, cutoff=0.5)
        suggestion = f"did you mean '{near[0]}'? " if near else ""
        raise UnknownModelError(f"unknown model '{name}'; {suggestion}(all: python -m zoo)")
    return spec


def select(pattern: str) -> tuple[ModelSpec, ...]:
    """The entries that a name, an alias, a glob such as `lenet5-*`, or `all` stands for.

    Raises:
        UnknownModelError: The name is unknown, or the glob matches nothing.
    """
    if not is_group(pattern):
        return (get(pattern),)
    _register_waiting()
    found = tuple(
        spec for name, spec in _ENTRIES.items() if pattern == "all" or fnmatchcase(name, pattern)
    )
    if not found and pattern.startswith(torchvision.PREFIX):
        raise UnknownModelError(
            f"'{pattern}' names no network; torchvision's are named one by one, such as "
            f"{torchvision.PREFIX}resnet18"
        )
    if not found:
        raise UnknownModelError(f"no model matches '{pattern}' (all: python -m zoo)")
    return found


def is_group(pattern: str) -> bool:
    """Whether a pattern is `all` or a glob, which leave out what cannot run, and not one name."""
    return pattern == "all" or any(character in pattern for character in "*?[")
