"""`Net` of `net-mnist`: two convolutions, two dropouts, two linear layers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from zoo.documents import NET_MNIST
from zoo.layers import Activation, Conv, Dropout, Flatten, Linear, Pool
from zoo.registry import register
from zoo.spec import MNIST_STATISTICS, Deviation, ModelSpec, Optimiser, Recipe

if TYPE_CHECKING:
    from torch import nn


def net() -> nn.Sequential:
    """Net on 1x28x28, ten log-probabilities out."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(1, 10, kernel_size=5),  # N x 10 x 24 x 24
            s1=nn.MaxPool2d(2),  # N x 10 x 12 x 12
            a1=nn.ReLU(),
            c2=nn.Conv2d(10, 20, kernel_size=5),  # N x 20 x 8 x 8
            d2=nn.Dropout2d(0.5),
            s2=nn.MaxPool2d(2),  # N x 20 x 4 x 4
            a2=nn.ReLU(),
            flatten=nn.Flatten(),  # N x 320
            f3=nn.Linear(320, 50),  # N x 50
            a3=nn.ReLU(),
            d3=nn.Dropout(0.5),
            output=nn.Linear(50, 10),  # N x 10
            log_softmax=nn.LogSoftmax(dim=1),
        )
    )


register(
    ModelSpec(
        name="net",
        aliases=("net-mnist",),
        document=NET_MNIST,
        input_shape=(1, 28, 28),
        classes=10,
        output="log-probabilities",
        layers=(
            *(Conv(1, 10, 5), Pool("max"), Activation("relu")),
            *(Conv(10, 20, 5), Dropout(0.5, of="channels"), Pool("max"), Activation("relu")),
            *(Flatten(), Linear(320, 50), Activation("relu"), Dropout(0.5)),
            *(Linear(50, 10), Activation("log-softmax")),
        ),
        build=net,
        recipe=Recipe(
            dataset="mnist",
            normalisation=MNIST_STATISTICS,
            train_batch=64,
            test_batch=1_000,
            loss="nll",
            optimiser=Optimiser(name="sgd", learning_rate=0.01, momentum=0.9),
            epochs=8,
        ),
        deviations=(
            Deviation(
                what="8 epochs in one run; the document trains 3, saves, and means to train 5 more",
                reason="its second run never uses what it saved; resumed rightly, 3 and 5 are 8",
            ),
            Deviation(
                what="no checkpoint every 10 batches",
                reason="a finished cell's weights are saved instead",
            ),
        ),
    )
)
