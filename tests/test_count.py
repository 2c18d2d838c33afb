from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import zoo
from bench.cells.count import count, module_parameters, reached_parameters


@pytest.mark.parametrize("name", zoo.names())
def test_the_counts_agree_and_the_flop_counter_finds_the_work_that_is_declared(name: str) -> None:
    found = count(zoo.get(name))
    assert found.agree
    if zoo.get(name).layers is not None:
        assert found.declared_parameters == found.module_parameters
        assert found.macs == zoo.get(name).declared_macs
    assert found.weight_bytes == 4 * found.module_parameters


def test_activation_memory_is_that_of_all_layer_outputs_in_float32() -> None:
    # conv and sigmoid 6x28x28, pool 6x14x14, conv and sigmoid 16x10x10, pool 16x5x5,
    # conv and sigmoid 120, linear and sigmoid 84, linear 10
    values = 2 * 4_704 + 1_176 + 2 * 1_600 + 400 + 2 * 120 + 2 * 84 + 10
    assert count(zoo.get("lenet5-sigmoid-avg")).activation_bytes == 4 * values


def test_dropout_and_flattening_need_no_memory_in_evaluation() -> None:
    # conv 10x24x24, pool and relu 10x12x12, conv 20x8x8, pool and relu 20x4x4,
    # linear and relu 50, linear and log-softmax 10
    values = 5_760 + 2 * 1_440 + 1_280 + 2 * 320 + 2 * 50 + 2 * 10
    assert values == 10_680
    assert count(zoo.get("net")).activation_bytes == 4 * values


def strided() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),  # 4x14x14
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(784, 10),
    )


def test_a_network_without_declared_sizes_is_counted_in_two_ways() -> None:
    found = count(replace(zoo.get("lenet"), layers=None, input_shape=(1, 28, 28), build=strided))
    assert found.declared_parameters is None
    # 4 kernels of 9 and a bias, a scale and a shift for 4 channels, 784 x 10 and 10
    assert found.module_parameters == found.reached_parameters == 4 * 10 + 8 + 7_850
    assert found.agree
    assert found.macs == 4 * 14 * 14 * 9 + 7_840
    # The in-place ReLU makes no memory of its own.
    assert found.activation_bytes == 4 * (784 + 784 + 10)


class WithUnused(nn.Module):
    """A layer that a forward pass never reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(3, 2)
        self.unused = nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.used(inputs)
        return output


class OnlyLookedAt(WithUnused):
    """A layer whose weight is transposed and whose bias is reshaped, and nothing more."""

    def forward(self, inputs: Tensor) -> Tensor:
        self.unused.weight.t(), self.unused.bias.reshape(1, 2)
        return super().forward(inputs)


class Tied(nn.Module):
    """Two layers over one weight; each has a bias of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.second(self.first(inputs))
        return output


class SharingMemory(Tied):
    """Two parameters over one memory, which torch's list of parameters counts twice."""

    def __init__(self) -> None:
        super().__init__()
        self.second.weight = nn.Parameter(self.first.weight.detach())


@pytest.mark.parametrize(
    ("network", "in_module", "reached"),
    [
        (WithUnused, 16, 8),
        (OnlyLookedAt, 16, 8),
        (Tied, 9 + 3 + 3, 9 + 3 + 3),
        (SharingMemory, 9 + 9 + 6, 9 + 6),
    ],
)
def test_unused_and_shared_parameters_show_in_the_counts(
    network: type[nn.Module], in_module: int, reached: int
) -> None:
    with torch.device("meta"):
        built = network()
    assert module_parameters(built) == in_module
    assert reached_parameters(built, torch.empty(1, 3, device="meta")) == reached


def test_a_layer_used_twice_is_fewer_parameters_than_its_declaration() -> None:
    with torch.device("meta"):
        built = Tied()
    declared = 2 * (3 * 3 + 3)
    assert module_parameters(built) < declared
