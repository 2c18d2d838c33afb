"""A picture file as a reader sees it: upright, on white paper, eight bits a channel."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 1_024  # networks see at most a tenth of it, and thousands have to fit into memory
MOST_PIXELS = 80_000_000  # below the size at which Pillow warns of a bomb


def read_picture(path: Path) -> Image.Image:
    """A picture in RGB.

    It is turned as its EXIF data say, and what is transparent shows white paper. Grey of 16 bits
    keeps its scale. A picture with a side above 1,024 pixels is made smaller, its shape kept.

    Raises:
        ValueError: It has too many pixels, or pixels of a range that it does not say.
        Exception: Whatever Pillow raises on a damaged file.
    """
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused below
        opened = Image.open(path)
    with opened:
        width, height = opened.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"{width} x {height} pixels, and {MOST_PIXELS:,} are the most")
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):
            image = Image.fromarray((np.asarray(image, dtype=np.uint32) // 257).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise ValueError("32 bits a pixel do not say what is white; convert it to 8 or 16 bits")
        if image.has_transparency_data:
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image.convert("RGBA"))
        image = image.convert("RGB")
        if max(image.size) > LONGEST_SIDE:
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        return image
