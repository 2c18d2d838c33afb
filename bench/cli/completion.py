"""What a shell offers after Tab, by argcomplete: options, and values where those are names."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator

import zoo
from bench.cli.frame import AnsweredError

Completer = Callable[..., Iterable[str]]


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that asks, and ends the process then; else it does nothing.

    Raises:
        AnsweredError: The shell asks, and argcomplete is not installed here.
    """
    if "_ARGCOMPLETE" not in os.environ:
        return
    try:
        from argcomplete import autocomplete
    except ImportError as error:  # the shell's own is elsewhere; nothing may run because of Tab
        raise AnsweredError(0) from error
    autocomplete(parser, always_complete_options="long")


def offers(action: argparse.Action, completer: Completer) -> None:
    """Has an option's values completed."""
    action.completer = completer  # type: ignore[attr-defined]


def one_of(*values: str) -> Completer:
    """Completes one of some words."""

    def completer(**_: object) -> Iterable[str]:
        return values

    return completer


def models(*, prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterator[str]:
    """Completes the last of several names of networks with commas between."""
    if getattr(parsed_args, "zoo", None):
        zoo.add(parsed_args.zoo)
    before, comma, _last = prefix.rpartition(",")
    named = before.split(",")
    for name in (*zoo.names(), "all"):
        if name not in named:
            yield f"{before}{comma}{name}"
