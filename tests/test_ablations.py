"""Networks with something taken out: what stays, what changes, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo import ModelSpec
from zoo.ablations import (
    build_without,
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


def test_ablations_are_built_on_the_meta_device_without_memory() -> None:
    with torch.device("meta"):
        network = build_without(zoo.get("lenet").build, ("a1",))
        assert network(torch.empty(1, 1, 28, 28)).shape == (1, 10)
    assert all(parameter.is_meta for parameter in network.parameters())
