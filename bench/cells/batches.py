"""Batches of stored samples as a network takes them, gathered and normalised ahead."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.cells.augmentation import Change
from zoo import Normalisation

# Samples that fit are normalised once. Of others, many batches are gathered and normalised at a
# time: on the CPU as many as stay in its cache, on a GPU an epoch.
NORMALISED_BYTES = 1 << 26
BLOCK_BYTES = {"cpu": 1 << 20, "cuda": 1 << 28}


class Batches:
    """Makes what a network takes of stored samples: pixels in 0..1, normalised, in its channels."""

    def __init__(self, normalisation: Normalisation, channels: int) -> None:
        mean, std = torch.tensor(normalisation.mean), torch.tensor(normalisation.std)
        self.mean = mean.expand(channels).reshape(-1, 1, 1)
        self.std = std.expand(channels).reshape(-1, 1, 1)

    def __call__(self, samples: Tensor) -> Tensor:
        """Float32 (N, channels, height, width), channels last in memory, from uint8 pictures.

        Rows of a table pass unchanged, and so do pictures that are ready.
        """
        if samples.dtype != torch.uint8:
            return samples
        if self.mean.device != samples.device:
            self.mean, self.std = self.mean.to(samples.device), self.std.to(samples.device)
        normalised = samples.float().div_(255).sub(self.mean).div_(self.std)
        return normalised.contiguous(memory_format=torch.channels_last)

    def once(self, samples: Tensor) -> Tensor:
        """All samples of a part made ready, where that fits into memory; else as they are stored.

        Where they are, `ahead` makes each batch ready when it is due, with the same outcome.
        """
        return self(samples) if self._bytes(samples) <= NORMALISED_BYTES else samples

    def ahead(
        self,
        inputs: Tensor,
        labels: Tensor,
        order: Tensor,
        size: int,
        change: Change | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The samples in an order, batch by batch, with their labels; the last may be smaller.

        Args:
            inputs: All samples, on the device of the network.
            labels: Class of each.
            order: Positions of those to take.
            size: Samples of a batch.
            change: Made to the samples before they are normalised.
        """
        at_once = max(1, BLOCK_BYTES[inputs.device.type] // self._bytes(inputs[:size])) * size
        for chosen in torch.split(order, at_once):
            samples = rows(inputs, chosen)
            batches = torch.split(self(change(samples) if change else samples), size)
            answers = torch.split(labels.index_select(0, chosen), size)
            yield from zip(batches, answers, strict=True)

    def _bytes(self, samples: Tensor) -> int:
        """Memory of samples that are ready."""
        count, *shape = samples.shape
        if len(shape) == 3:
            shape[0] = self.mean.numel()
        return count * math.prod(shape) * torch.float32.itemsize


def rows(samples: Tensor, chosen: Tensor) -> Tensor:
    """The chosen samples, each copied whole as it lies in memory.

    That takes a tenth of the time that indexing takes.
    """
    if samples.is_contiguous():
        return samples.index_select(0, chosen)
    return samples.permute(0, 2, 3, 1).index_select(0, chosen).permute(0, 3, 1, 2)
