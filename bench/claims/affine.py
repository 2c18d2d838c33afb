"""The one affine layer that layers without an activation between them are equal to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def affine_map(network: nn.Module, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Weight (outputs, inputs) and bias (outputs) of a network that is affine.

    Args:
        network: Layers without an activation between them.
        shape: Of one input, without the batch.
    """
    import torch

    dtype = next(network.parameters()).dtype
    inputs = torch.Size(shape).numel()
    with torch.no_grad():
        bias = network(torch.zeros(1, *shape, dtype=dtype))[0]
        columns = network(torch.eye(inputs, dtype=dtype).reshape(inputs, *shape)) - bias
    return columns.T, bias
