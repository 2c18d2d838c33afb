"""Arrays of samples: their checksum, and pictures at another size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Integers = NDArray[np.int64]


def resized(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """Bilinear, as torchvision's Resize; Pillow's integer arithmetic is the same everywhere."""
    from PIL import Image

    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))


def checksum(parts: Iterable[NDArray[Any] | str]) -> str:
    """SHA-256 of arrays and texts, one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
