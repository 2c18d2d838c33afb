"""Small pictures in a terminal: two pixels in each character, one above the other."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import Console

UPPER_HALF = "▀"
SHADES = " .:-=+*#%@"  # from dark to light, where there are no colours


def drawing(pixels: NDArray[Any], console: Console) -> str:
    """A picture as lines of text.

    Args:
        pixels: uint8, (1 or 3, height, width).
        console: Where it will be printed; without colours, a character's density stands for its
            brightness.
    """
    with console.capture() as made:  # printed by rich, a closed pipe would end the program
        _draw(console, pixels.repeat(3, axis=0) if len(pixels) == 1 else pixels)
    return made.get()


def _draw(console: Console, pixels: NDArray[Any]) -> None:
    from rich.text import Text

    rows = pixels.transpose(1, 2, 0).tolist()
    for upper, lower in zip_longest(rows[::2], rows[1::2]):
        line = Text(no_wrap=True, overflow="crop")
        for above, below in zip(upper, lower or upper, strict=True):
            if console.color_system is None:
                line.append(_shade(above, below))
            else:
                line.append(UPPER_HALF, style=f"{_rgb(above)} on {_rgb(below)}")
        console.print(line)


def _rgb(pixel: list[int]) -> str:
    return "rgb({},{},{})".format(*pixel)


def _shade(*pixels: list[int]) -> str:
    values = [value for pixel in pixels for value in pixel]
    return SHADES[round(sum(values) / len(values) / 255 * (len(SHADES) - 1))]
