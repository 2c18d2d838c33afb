"""Which test samples a network got wrong, and what it answered: small on disk and in memory.

In a record's line they are one text: a bit for each test sample, set where it was wrong, then a
byte with the class answered for each that was, compressed by zlib, in base64. Lines that hold
pairs `[sample, class]` are read as well, and written where they are shorter.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

_SIZE_BYTES = 4
_MOST_CLASSES = 256

Pairs = Iterable[tuple[int, int]]


class WrongAnswers(Mapping[int, int]):
    """Class answered by position of each wrong test sample, positions ascending; never changed."""

    def __init__(self, pairs: Pairs = (), *, packed: str | None = None) -> None:
        """Holds pairs of position and class, or a text that they are unpacked from when needed."""
        self._packed = packed
        if packed is None:
            self._answers = dict(pairs)

    @cached_property
    def _answers(self) -> dict[int, int]:
        assert self._packed is not None
        return dict(_unpack(self._packed))

    def __getitem__(self, position: int) -> int:
        return self._answers[position]

    def __iter__(self) -> Iterator[int]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        return f"WrongAnswers({[*self.items()]})"

    def plain(self) -> str | list[tuple[int, int]]:
        """What a record's line holds: the shorter of text and pairs."""
        if self._packed is not None:
            return self._packed
        pairs = [*self._answers.items()]
        if not pairs or max(self._answers.values()) >= _MOST_CLASSES:
            return pairs
        text = _pack(self._answers)
        return text if len(text) < len(str(pairs).replace(" ", "")) else pairs


def from_plain(plain: object) -> WrongAnswers:
    """What a record's line holds, read.

    Raises:
        ValueError: It is neither such a text nor pairs of whole numbers.
    """
    if isinstance(plain, str):
        answers = WrongAnswers(packed=plain)
        len(answers)  # unpacks, so that a damaged line is found when it is read
        return answers
    if not isinstance(plain, list | tuple):
        raise ValueError(f"wrong answers are a text or a list, not {type(plain).__name__}")
    pairs = []
    for pair in plain:
        if not (isinstance(pair, list | tuple) and [type(x) for x in pair] == [int, int]):
            raise ValueError(f"{pair} is no pair of test sample and class answered")
        pairs.append((pair[0], pair[1]))
    return WrongAnswers(pairs)


def _pack(answers: Mapping[int, int]) -> str:
    positions = sorted(answers)
    bits = bytearray(positions[-1] // 8 + 1)
    for position in positions:
        bits[position // 8] |= 1 << position % 8
    classes = bytes(answers[position] for position in positions)
    content = len(bits).to_bytes(_SIZE_BYTES, "little") + bits + classes
    return base64.b64encode(zlib.compress(content, level=9)).decode()


def _unpack(text: str) -> Iterator[tuple[int, int]]:
    try:
        content = zlib.decompress(base64.b64decode(text, validate=True))
    except (ValueError, zlib.error) as error:
        raise ValueError(f"wrong answers cannot be unpacked ({error})") from error
    size = int.from_bytes(content[:_SIZE_BYTES], "little")
    bits, classes = content[_SIZE_BYTES : _SIZE_BYTES + size], content[_SIZE_BYTES + size :]
    positions = [
        8 * place + bit
        for place, byte in enumerate(bits)
        if byte
        for bit in range(8)
        if byte >> bit & 1
    ]
    if len(positions) != len(classes):
        raise ValueError(f"{len(positions)} wrong samples have {len(classes)} answers")
    return iter(zip(positions, classes, strict=True))
