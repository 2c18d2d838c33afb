"""The registry: names, aliases and globs to entries."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

from zoo.spec import ModelSpec

_ENTRIES: dict[str, ModelSpec] = {}
_ALIASES: dict[str, str] = {}


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
        if name == "all" or set(name) & set(",*?[]/\\ "):
            raise ValueError(f"'{name}' cannot name a model: 'all' and , * ? [ ] / \\ are taken")
    _ENTRIES[spec.name] = spec
    _ALIASES.update(dict.fromkeys(spec.aliases, spec.name))
    return spec


@contextmanager
def temporary(spec: ModelSpec) -> Iterator[ModelSpec]:
    """An entry that is there inside a `with` alone; one of its name gives way for as long."""
    before = dict(_ENTRIES)
    _ENTRIES[spec.name] = spec
    try:
        yield spec
    finally:
        _ENTRIES.clear()
        _ENTRIES.update(before)


def names(*, tag: str | None = None) -> tuple[str, ...]:
    """All registry names, in the order of registration; with `tag`, those that carry it."""
    return tuple(name for name, spec in _ENTRIES.items() if tag is None or tag in spec.tags)


def get(name: str) -> ModelSpec:
    """The entry of this name or alias.

    Raises:
        UnknownModelError: There is none.
    """
    spec = _ENTRIES.get(_ALIASES.get(name, name))
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
    found = tuple(
        spec for name, spec in _ENTRIES.items() if pattern == "all" or fnmatchcase(name, pattern)
    )
    if not found:
        raise UnknownModelError(f"no model matches '{pattern}' (all: python -m zoo)")
    return found


def is_group(pattern: str) -> bool:
    """Whether a pattern is `all` or a glob, which leave out what cannot run, and not one name."""
    return pattern == "all" or any(character in pattern for character in "*?[")
