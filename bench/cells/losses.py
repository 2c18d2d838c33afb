"""The losses that recipes name, as functions of outputs and labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from zoo.spec import Loss

LossFunction = Callable[[Tensor, Tensor], Tensor]


def _nll_of_probabilities(outputs: Tensor, labels: Tensor) -> Tensor:
    # A probability that underflowed to 0 would make the loss infinite.
    tiny = torch.finfo(outputs.dtype).tiny
    return functional.nll_loss(outputs.clamp_min(tiny).log(), labels)


def _mse_one_hot(outputs: Tensor, labels: Tensor) -> Tensor:
    return functional.mse_loss(outputs, functional.one_hot(labels, outputs.shape[1]).float())


LOSSES: dict[Loss, LossFunction] = {
    "cross-entropy": functional.cross_entropy,
    "nll": functional.nll_loss,
    "nll-of-probabilities": _nll_of_probabilities,
    "mse-one-hot": _mse_one_hot,
}
