"""What a wrong request raises, and what is lost outside this program."""

from __future__ import annotations


class RequestError(ValueError):
    """The request cannot be carried out as it stands.

    The message is one line: what was wrong, the value, what is valid, the next step. Command lines
    print it and exit with code 2; nothing has been written by then.
    """


class ClusterLostError(RuntimeError):
    """The cluster that trains cells is gone; what it has answered is recorded.

    Command lines print the message, which is one line, and exit with code 1.
    """


class TrackingError(RuntimeError):
    """What was found could not be handed on to a program that shows it; the report is kept.

    Command lines print the message, which is one line with the next step, and exit with code 1.
    """


def require_one(option: str, number: int | None) -> None:
    """Checks that an option's number, if one is given, is 1 or more.

    Raises:
        RequestError: It is less.
    """
    if number is not None and number < 1:
        raise RequestError(f"{option} {number} is too few; 1 is the least")
