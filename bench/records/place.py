"""Files put into place whole: written under a temporary name, then moved, or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = ".part"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file to write instead; at the end it takes the place of `path`.

    If the block raises, `path` is as it was. The file may be read by whom the umask lets, and a
    link that lies in its place is replaced, not followed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
    os.close(handle)
    part = Path(name)
    part.chmod(0o666 & ~_umask())
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes what runs that were killed have left half written in a folder that is held now."""
    for part in folder.glob(f"*{_PART}"):
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
