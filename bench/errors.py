"""What a wrong request raises."""

from __future__ import annotations


class RequestError(ValueError):
    """The request cannot be carried out as it stands.

    The message is one line: what was wrong, the value, what is valid, the next step. Command lines
    print it and exit with code 2; nothing has been written by then.
    """
