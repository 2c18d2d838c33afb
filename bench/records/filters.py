"""The filters of first layers: a small file beside the records, for pages made without weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from bench.records.kinds.runs import Name, Natural, NotNegative
from bench.records.place import write_text

FILE = "filters.json"


class Weights(Struct, frozen=True, kw_only=True):
    """Weights of filters in 255 steps, which is finer than a picture shows.

    Attributes:
        largest: The largest magnitude among them, which 127 stands for.
        steps: int8, (filters, height, width), in one row.
    """

    largest: NotNegative
    steps: bytes


class Filters(Struct, frozen=True, kw_only=True):
    """The first layer of a network before and after training.

    Attributes:
        model: Registry name.
        kind: What the layer is; of a linear one every unit is a filter as large as the picture.
        count: How many filters the layer has.
        channels: Of its input. The weights shown are summed over them.
        height: Of a filter.
        width: Of a filter.
        seed: Whose filters are shown.
        weights_sha256: Digest of the network that this seed ended in.
        before: The first filters as training began.
        after: The same ones when it ended.
        growth: By seed, the norm of all the layer's weights over that of the first ones.
        turned: By seed, the share of them whose sign is another than at the beginning.
    """

    model: Name
    kind: Literal["convolution", "linear"]
    count: Natural
    channels: Natural
    height: Natural
    width: Natural
    seed: Natural
    weights_sha256: str
    before: Weights
    after: Weights
    growth: dict[int, NotNegative]
    turned: dict[int, NotNegative]

    @property
    def shown(self) -> int:
        """How many filters there are pictures of; 0 where their sizes contradict each other."""
        pixels = self.height * self.width
        found = len(self.after.steps) // pixels if pixels else 0
        whole = len(self.before.steps) == len(self.after.steps) == found * pixels
        return found if whole else 0


def read_filters(folder: Path, weights: Collection[str]) -> tuple[Filters, ...]:
    """The filters kept in a report's folder; none where the file is missing or damaged.

    Args:
        folder: The report's.
        weights: Digests of networks: filters of others are left out.
    """
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=tuple[Filters, ...])
    except (OSError, msgspec.DecodeError):
        return ()
    return tuple(one for one in found if one.weights_sha256 in weights and one.shown and one.growth)


def write_filters(filters: Iterable[Filters], folder: Path) -> None:
    """Puts the filters of a report's networks into its folder, a line each."""
    lines = ",\n".join(msgspec.json.encode(one).decode() for one in filters)
    write_text(folder / FILE, f"[\n{lines}\n]\n")
