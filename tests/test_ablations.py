"""Networks with something taken out: what stays, what changes, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from functools import partial

import pytest
import torch
from torch import Tensor, nn

import zoo
from bench.count import module_parameters
from zoo import ModelSpec
from zoo.ablations import (
    build_with_one_affine_layer,
    build_without,
    with_one_affine_layer,
    without,
)


def built(spec: ModelSpec, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return spec.build()


def layers(spec: ModelSpec) -> dict[str, nn.Module]:
    return dict(built(spec).named_children())


@pytest.mark.parametrize(
    ("name", "taken"),
    [("lenet", ("a1", "a3", "a5")), ("net", ("d2", "d3")), ("lenet-rgb", ("softmax",))],
)
def test_an_ablation_starts_from_the_same_weights_under_the_same_seed(
    name: str, taken: tuple[str, ...]
) -> None:
    spec = zoo.get(name)
    whole = built(spec).state_dict()
    ablated = built(without(spec, *taken, called="ablated")).state_dict()
    assert list(ablated) == list(whole)
    assert all(torch.equal(ablated[key], whole[key]) for key in whole)
    other = built(without(spec, *taken, called="ablated"), seed=2).state_dict()
    assert not torch.equal(next(iter(other.values())), next(iter(whole.values())))


def test_only_the_layers_named_become_identities() -> None:
    spec = zoo.get("lenet")
    whole, ablated = layers(spec), layers(without(spec, "a1", "a5", called="ablated"))
    assert list(ablated) == list(whole)
    changed = {name for name in whole if type(ablated[name]) is not type(whole[name])}
    assert changed == {"a1", "a5"}
    assert all(type(ablated[name]) is nn.Identity for name in changed)


def test_only_name_aliases_and_network_of_the_entry_change() -> None:
    spec = zoo.get("lenet")
    ablated = without(spec, "a1", called="lenet-without-a1")
    changed = {
        field.name
        for field in fields(ModelSpec)
        if getattr(ablated, field.name) != getattr(spec, field.name)
    }
    assert changed == {"name", "aliases", "build"}
    assert (ablated.name, ablated.aliases) == ("lenet-without-a1", ())
    assert "lenet-without-a1" not in zoo.names()


def test_without_its_softmax_a_network_gives_the_logits_that_the_softmax_took() -> None:
    spec = zoo.get("lenet-rgb")
    once = without(spec, "softmax", called="once", output="logits")
    assert (spec.output, once.output) == ("probabilities", "logits")
    pictures = torch.rand(2, 3, 32, 32)
    logits: Tensor = built(once)(pictures)
    torch.testing.assert_close(logits.softmax(dim=1), built(spec)(pictures))


def test_an_ablation_leaves_the_entry_as_it_was() -> None:
    spec = zoo.get("lenet")
    built(without(spec, "a1", called="ablated"))
    assert isinstance(layers(spec)["a1"], nn.ReLU)


def test_a_layer_with_parameters_is_not_taken_out() -> None:
    with pytest.raises(ValueError, match=r"layer 'c1' \(Conv2d.*\) has parameters"):
        build_without(zoo.get("lenet").build, ("a1", "c1"))


def test_a_layer_that_is_not_there_is_not_taken_out() -> None:
    with pytest.raises(KeyError, match="a9"):
        build_without(zoo.get("lenet").build, ("a9",))


def test_one_affine_layer_does_the_work_of_three_with_6582_parameters() -> None:
    spec = with_one_affine_layer(zoo.get("lenet-sigmoid"), called="affine")
    # conv 1-6 k5: 6 (25 + 1); conv 6-16 k5: 16 (150 + 1); 400-10: 10 (400 + 1)
    assert [layer.parameters for layer in spec.layers if layer.parameters] == [156, 2_416, 4_010]
    assert spec.declared_parameters == module_parameters(built(spec)) == 6_582
    assert (spec.name, spec.aliases) == ("affine", ())


def test_the_affine_layers_shapes_are_lenets_up_to_its_second_pooling() -> None:
    spec = with_one_affine_layer(zoo.get("lenet-sigmoid"), called="affine")
    shapes = [(6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 10, 10), (16, 5, 5)]
    expected = [*shapes, (400,), (10,)]
    assert list(spec.shapes) == expected
    found = []
    values = torch.rand(2, 1, 28, 28)
    for layer in built(spec).children():
        values = layer(values)
        found.append(tuple(values.shape[1:]))
    assert found == expected


def test_the_convolutions_start_as_those_of_the_whole_network() -> None:
    spec = zoo.get("lenet-sigmoid")
    whole = list(built(spec).parameters())[:4]  # weights and biases of C1 and C3
    affine = list(built(with_one_affine_layer(spec, called="affine")).parameters())[:4]
    assert all(torch.equal(one, other) for one, other in zip(affine, whole, strict=True))


def test_lenet_sigmoids_last_three_layers_are_an_affine_layer() -> None:
    # With W = W3 W2 W1 and b = W3 (W2 b1 + b2) + b3 the one layer answers as the three do.
    spec = zoo.get("lenet-sigmoid")
    torch.set_default_dtype(torch.float64)
    try:
        whole, affine = built(spec), built(with_one_affine_layer(spec, called="affine"))
    finally:
        torch.set_default_dtype(torch.float32)
    c5, f6, last = (whole.get_submodule(name) for name in ("c5", "f6", "output"))
    assert isinstance(c5, nn.Conv2d)
    assert isinstance(f6, nn.Linear)
    assert isinstance(last, nn.Linear)
    assert c5.bias is not None
    one = list(affine.children())[-1]
    assert isinstance(one, nn.Linear)
    with torch.no_grad():
        one.weight.copy_(last.weight @ f6.weight @ c5.weight.reshape(120, 400))
        one.bias.copy_(last.weight @ (f6.weight @ c5.bias + f6.bias) + last.bias)
    pictures = torch.rand(4, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(affine(pictures), whole(pictures))


@pytest.mark.parametrize(
    "build",
    [
        partial(build_without, zoo.get("lenet").build, ("a1",)),
        partial(build_with_one_affine_layer, zoo.get("lenet-sigmoid").build),
    ],
    ids=["without", "one affine layer"],
)
def test_ablations_are_built_on_the_meta_device_without_memory(
    build: partial[nn.Module],
) -> None:
    with torch.device("meta"):
        network = build()
        assert network(torch.empty(1, 1, 28, 28)).shape == (1, 10)
    assert all(parameter.is_meta for parameter in network.parameters())
