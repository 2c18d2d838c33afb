"""Files put into place whole: written under a temporary name, then moved, or not there at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.records.errors import RequestError

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


def remove_leftovers(folder: Path, *, older_than_seconds: float = 0.0) -> None:
    """Removes what was left half written by runs that were killed.

    Args:
        folder: Where to look, not in the folders inside.
        older_than_seconds: Of a folder that others may be writing into, only what lies there so
            long.
    """
    for part in folder.glob(f"*{_PART}"):
        with suppress(FileNotFoundError):
            if time.time() - part.lstat().st_mtime >= older_than_seconds:
                part.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Puts a text into place whole, in UTF-8 whatever the locale."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def own_folder(folder: Path) -> Path:
    """A folder inside a report's, made where it is missing.

    Raises:
        RequestError: A link lies there, which may lead anywhere.
    """
    if folder.is_symlink():
        raise RequestError(
            f"'{folder}' is a link, and nothing is written through links in a report's folder; "
            "remove it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder
