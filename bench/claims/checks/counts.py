"""Checks that count parameters and work."""

from __future__ import annotations

import math
from collections.abc import Iterator

import zoo
from bench.claims.checks.registry import Found, check, spec_of
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.records.errors import RequestError
from zoo.counting import counting_exercise

_LEAST = 3e8  # bp-cnn: "more than 300 million"


@check("parameters", model="built")
def parameters(claim: Claim, _evidence: Evidence) -> Found:
    """Parameters of the claim's model, where all three counts agree."""
    from bench.cells.count import count

    found = count(spec_of(claim))
    counts = {
        "declared": found.declared_parameters,
        "in the module": found.module_parameters,
        "reached": found.reached_parameters,
    }
    known = [f"{number:,} {where}" for where, number in counts.items() if number is not None]
    how_many = {2: "two", 3: "three"}[len(known)]
    if not found.agree:
        return Found(
            value=found.module_parameters,
            holds=False,
            words=f"{how_many} counts disagree: {', '.join(known)}",
        )
    return Found(value=found.module_parameters, words=f"{how_many} counts agree")


@check("macs", model="built")
def macs(claim: Claim, _evidence: Evidence) -> Found:
    """Multiply-accumulates of one forward pass of the claim's model, biases not counted."""
    from bench.cells.count import count

    return Found(value=count(spec_of(claim)).macs, words="by torch's flop counter")


@check("parameter-shapes", model="built")
def parameter_shapes(claim: Claim, _evidence: Evidence) -> Found:
    """Shapes of all parameter tensors of the claim's model."""
    import torch

    with torch.device("meta"):
        network = spec_of(claim).build()
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    return Found(
        value=shapes, words=f"{sum(map(math.prod, shapes)):,} numbers in {len(shapes)} tensors"
    )


@check("bp-parameters")
def bp_parameters(_claim: Claim, _evidence: Evidence) -> Found:
    """The BP network's parameters: in closed form, in the module and reached."""
    from bench.cells.count import count

    found = count(zoo.get("bp-100"))
    return Found(
        value=found.module_parameters,
        holds=found.agree and found.module_parameters > _LEAST,
        words="3 x (10,000^2 + 10,000) + 10,000 x 3 + 3 for pictures of 100x100, an inferred size",
    )


@check("bp-against-cnn")
def bp_against_cnn(_claim: Claim, _evidence: Evidence) -> Found:
    """How many times the CNN's parameters and work BP has: least and most of each."""
    _, *cnns = counting_exercise()
    by_parameters = [row.bp_parameters_ratio for row in cnns]
    by_macs = [row.bp_macs_ratio for row in cnns]
    ends = (min(by_parameters), max(by_parameters), min(by_macs), max(by_macs))
    return Found(
        value=[round(end, 1) for end in ends],
        holds=min(by_parameters) > 100,
        words="a range, since kernel size and the halving of odd sizes are lost; in work done the "
        "gap is far smaller",
    )


@check("convolution-parameters", model="built")
def convolution_parameters(claim: Claim, _evidence: Evidence) -> Found:
    """Parameters of the first two convolutions of the claim's model; similar if within a factor 2.

    "Similar" is the document's word, and the factor this suite's reading of it.
    """
    import torch
    from torch import nn

    with torch.device("meta"):
        modules = list(spec_of(claim).build().modules())
    counts = [
        sum(p.numel() for p in module.parameters())
        for module in modules
        if isinstance(module, nn.Conv2d)
    ]
    first, second = counts[:2]
    return Found(
        value=[first, second],
        holds=max(first, second) <= 2 * min(first, second),
        words=f"the second has {second / first:.1f} times as many",
    )


@check("sharing-parameters", model="built")
def sharing_parameters(claim: Claim, _evidence: Evidence) -> Found:
    """Of each convolution: its parameters, those without sharing, those of a dense layer.

    Without sharing, every place of the output has the same window, and weights of its own.
    """
    rows = []
    for layer, inside, outside in _convolutions(claim):
        dense = zoo.layers.Linear(math.prod(inside), math.prod(outside))
        of_a_place = layer.parameters // layer.outputs  # a window's weights, and a bias
        rows.append([layer.parameters, math.prod(outside) * of_a_place, dense.parameters])
    times = " and ".join(f"{unshared / shared:,.0f}" for shared, unshared, _ in rows)
    return Found(
        value=rows,
        holds=all(shared < unshared for shared, unshared, _ in rows),
        words=f"sharing alone makes the parameters {times} times fewer",
    )


@check("sharing-work", model="built")
def sharing_work(claim: Claim, _evidence: Evidence) -> Found:
    """Of each convolution: its MACs, those without sharing, those of a dense layer.

    Without sharing, every place of the output has the same window, and weights of its own.
    """
    rows = []
    for layer, inside, outside in _convolutions(claim):
        dense = zoo.layers.Linear(math.prod(inside), math.prod(outside))
        window = layer.inputs * layer.kernel**2
        unshared = math.prod(outside) * window
        rows.append([layer.macs(inside), unshared, dense.macs((math.prod(inside),))])
    times = " and ".join(f"{dense / unshared:.1f}" for _, unshared, dense in rows)
    return Found(
        value=rows,
        holds=all(shared < unshared for shared, unshared, _ in rows),
        words=f"sharing saves no multiplication; small windows save them: {times} times fewer than "
        "in a dense layer",
    )


def _convolutions(
    claim: Claim,
) -> Iterator[tuple[zoo.layers.Conv, tuple[int, ...], tuple[int, ...]]]:
    """Each convolution of the claim's model with the shapes before and after it."""
    spec = spec_of(claim)
    if spec.layers is None:
        raise RequestError(
            f"claim '{claim.id}': the check '{claim.check}' needs the sizes of layers, and "
            f"'{spec.name}' declares none; give its ModelSpec `layers`"
        )
    before = (spec.input_shape, *spec.shapes[:-1])
    for layer, inside, outside in zip(spec.layers, before, spec.shapes, strict=True):
        if isinstance(layer, zoo.layers.Conv):
            yield layer, inside, outside
