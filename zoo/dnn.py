"""The fully connected networks of `dnn-cnn`: one for MNIST, one for a synthetic table."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from zoo.documents import ANY_DEVICE, DNN_CNN
from zoo.layers import Activation, Flatten, Linear
from zoo.registry import register
from zoo.spec import MNIST_STATISTICS, UNIT_RANGE, Deviation, ModelSpec, Optimiser, Recipe

if TYPE_CHECKING:
    from torch import nn


def dnn() -> nn.Sequential:
    """Four hidden layers on 1x28x28, ten logits out."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # N x 784
            f1=nn.Linear(784, 512),  # N x 512
            a1=nn.ReLU(),
            f2=nn.Linear(512, 256),  # N x 256
            a2=nn.ReLU(),
            f3=nn.Linear(256, 128),  # N x 128
            a3=nn.ReLU(),
            f4=nn.Linear(128, 64),  # N x 64
            a4=nn.ReLU(),
            output=nn.Linear(64, 10),  # N x 10
        )
    )


register(
    ModelSpec(
        name="dnn",
        document=DNN_CNN,
        input_shape=(1, 28, 28),
        classes=10,
        output="logits",
        layers=(
            Flatten(),
            *(Linear(784, 512), Activation("relu")),
            *(Linear(512, 256), Activation("relu")),
            *(Linear(256, 128), Activation("relu")),
            *(Linear(128, 64), Activation("relu")),
            Linear(64, 10),
        ),
        build=dnn,
        recipe=Recipe(
            dataset="mnist",
            normalisation=MNIST_STATISTICS,
            train_batch=64,
            test_batch=64,
            loss="cross-entropy",
            optimiser=Optimiser(name="sgd", learning_rate=0.01, momentum=0.5),
            epochs=5,
        ),
        deviations=(ANY_DEVICE,),
    )
)


def dnn_sums() -> nn.Sequential:
    """Three hidden layers of five on three numbers, three scores out."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            f1=nn.Linear(3, 5),  # N x 5
            a1=nn.ReLU(),
            f2=nn.Linear(5, 5),  # N x 5
            a2=nn.ReLU(),
            f3=nn.Linear(5, 5),  # N x 5
            a3=nn.ReLU(),
            output=nn.Linear(5, 3),  # N x 3
        )
    )


register(
    ModelSpec(
        name="dnn-sums",
        document=DNN_CNN,
        input_shape=(3,),
        classes=3,
        output="logits",
        layers=(
            *(Linear(3, 5), Activation("relu")),
            *(Linear(5, 5), Activation("relu")),
            *(Linear(5, 5), Activation("relu")),
            Linear(5, 3),
        ),
        build=dnn_sums,
        recipe=Recipe(
            dataset="sums",
            normalisation=UNIT_RANGE,
            train_batch=None,
            shuffle=False,  # the rows are permuted once, when they are drawn
            test_batch=3_000,
            loss="mse-one-hot",
            optimiser=Optimiser(name="sgd", learning_rate=0.01),
            epochs=1_000,
        ),
        deviations=(
            ANY_DEVICE,
            Deviation(
                what="accuracy is the share of rows whose largest score is the right class",
                reason="the document's own metric sets whole columns and scores any network that "
                "uses more than one class 0",
            ),
            Deviation(
                what="rows with a sum of exactly 1 or 2 count as the middle class",
                reason="the document leaves them out of all three classes",
            ),
        ),
    )
)
