"""Checks that look at what layers make of what they are given."""

from __future__ import annotations

from itertools import groupby, product
from typing import TYPE_CHECKING

import zoo
from bench.claims.affine import affine_map
from bench.claims.checks.registry import Found, check, spec_of
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from zoo import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

_ROUNDING = 1e-12  # of sums in float64


def layer_outputs(spec: ModelSpec) -> list[tuple[nn.Module, list[int]]]:
    """Module and output shape, without the batch, of each layer that an input meets."""
    import torch

    network = spec.build().eval()
    seen: list[tuple[nn.Module, list[int]]] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda module, _, output: seen.append((module, list(output.shape[1:])))
            )
    with torch.no_grad():
        network(torch.zeros(1, *spec.input_shape))
    return seen


@check("shapes", model="built")
def shapes(claim: Claim, _evidence: Evidence) -> Found:
    """The shapes that a sample passes through in the claim's model, repeated ones once."""
    spec = spec_of(claim)
    all_shapes = [list(spec.input_shape), *(shape for _, shape in layer_outputs(spec))]
    return Found(value=[shape for shape, _ in groupby(all_shapes)], words="of one forward pass")


@check("layer-outputs-and-filters", model="built")
def layer_outputs_and_filters(claim: Claim, _evidence: Evidence) -> Found:
    """The output shape of every layer of the claim's model, and the shapes of its filters."""
    from torch import nn

    seen = layer_outputs(spec_of(claim))
    filters = [list(module.weight.shape) for module, _ in seen if isinstance(module, nn.Conv2d)]
    return Found(
        value={"outputs": [shape for _, shape in seen], "filters": filters},
        words=f"{len(seen)} layers, {len(filters)} of them convolutions",
    )


@check("output-side")
def output_side(_claim: Claim, _evidence: Evidence) -> Found:
    """(H + 2P - F)/S + 1 with the floor taken, against torch for every size up to 12.

    The value is the side of a 4x4 picture after a 3x3 convolution, and after pooling by 2.
    """
    import torch
    from torch import nn

    sides = {
        (h, f, p, s): nn.Conv2d(1, 1, f, stride=s, padding=p)(torch.zeros(1, 1, h, h)).shape[-1]
        for h, f, p, s in product(range(1, 13), range(1, 6), range(3), range(1, 4))
        if h + 2 * p >= f
    }
    pooled = {
        (h, s): nn.MaxPool2d(s)(torch.zeros(1, 1, h, h)).shape[-1]
        for h, s in product(range(1, 13), range(1, 5))
        if h >= s
    }
    right = all((h + 2 * p - f) // s + 1 == side for (h, f, p, s), side in sides.items())
    right &= all(h // s == side for (h, s), side in pooled.items())
    uneven = sum((h + 2 * p - f) % s > 0 for h, f, p, s in sides)
    return Found(
        value=[sides[4, 3, 0, 1], pooled[4, 2]],
        holds=right,
        words=f"in all {len(sides)} convolutions and {len(pooled)} poolings tried; in {uneven} of "
        "them the division leaves a remainder, and the floor is what torch takes",
    )


@check("single-samples")
def single_samples(_claim: Claim, _evidence: Evidence) -> Found:
    """Whether a batch of one and a sample without a batch pass through convolution and layer."""
    import torch
    from torch import nn

    picture, row = torch.zeros(1, 28, 28), torch.zeros(784)
    layers: tuple[tuple[nn.Module, Tensor], ...] = (
        (nn.Conv2d(1, 6, 5), picture),
        (nn.MaxPool2d(2), picture),
        (nn.Linear(784, 10), row),
    )
    works = {
        "batch of one": all(layer(sample[None]).shape[0] == 1 for layer, sample in layers),
        "without batch": all(layer(s).ndim == s.ndim for layer, s in layers),
    }
    return Found(
        value=works,
        holds=not any(works.values()),
        words="a convolution, a pooling and a linear layer take both",
    )


@check("third-convolution-as-linear", model="built")
def third_convolution_as_linear(claim: Claim, _evidence: Evidence) -> Found:
    """Parameters of the third convolution, and of the linear layer with the same weights.

    Holds if both give the same numbers on 16x5x5 maps, in float64.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    modules = spec_of(claim).build().double().modules()
    convolution = [module for module in modules if isinstance(module, nn.Conv2d)][2]
    linear = nn.Linear(400, 120).double()
    linear.weight.data = convolution.weight.data.reshape(120, 400)
    assert convolution.bias is not None
    linear.bias.data = convolution.bias.data
    maps = torch.randn(32, 16, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        apart = (convolution(maps).flatten(1) - linear(maps.flatten(1))).abs().max().item()
    counts = [sum(p.numel() for p in layer.parameters()) for layer in (convolution, linear)]
    return Found(
        value=counts, holds=apart < _ROUNDING, words=f"outputs differ by {apart:.0e} at most"
    )


@check("linear-collapse")
def linear_collapse(_claim: Claim, _evidence: Evidence) -> Found:
    """Parameters of `lenet-sigmoid`'s three last layers, and of the affine layer that they equal.

    Holds if ten stacked linear layers equal their product, and those three equal one, in float64.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    stack = nn.Sequential(*(nn.Linear(8, 8) for _ in range(10))).double()
    children = dict(zoo.get("lenet-sigmoid").build().double().named_children())
    head = nn.Sequential(*(children[name] for name in ("c5", "flatten", "f6", "output")))
    with torch.no_grad():
        apart = max(
            _apart(stack, torch.randn(64, 8, dtype=torch.float64)),
            _apart(head, torch.randn(64, 16, 5, 5, dtype=torch.float64)),
        )
    collapsed = affine_map(head, (16, 5, 5))
    return Found(
        value=[sum(p.numel() for p in head.parameters()), sum(part.numel() for part in collapsed)],
        holds=apart < 1e-10,
        words=f"ten layers and their product, three layers and their product: {apart:.0e} apart "
        "at most",
    )


def _apart(network: nn.Module, samples: Tensor) -> float:
    weight, bias = affine_map(network, tuple(samples.shape[1:]))
    difference = network(samples) - (samples.flatten(1) @ weight.T + bias)
    return float(difference.abs().max())
