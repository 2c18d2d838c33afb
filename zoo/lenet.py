"""LeNet, in all the forms that the documents and the controlled comparison give it."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Literal

from zoo.documents import ANY_DEVICE, BP_CNN, CONTROLLED, DNN_CNN, LENET_RELU, LENET_SIGMOID
from zoo.layers import Activation, Conv, Flatten, Layer, Linear, Pool
from zoo.registry import register
from zoo.spec import (
    IMAGENET_STATISTICS,
    MNIST_STATISTICS,
    UNIT_RANGE,
    Deviation,
    ModelSpec,
    Optimiser,
    Recipe,
)

if TYPE_CHECKING:
    from torch import nn

ActivationName = Literal["sigmoid", "relu", "tanh"]
PoolingName = Literal["avg", "max"]

# The classes of torch.nn by name: torch is loaded when a network is built, and no sooner.
ACTIVATIONS: dict[ActivationName, str] = {"sigmoid": "Sigmoid", "relu": "ReLU", "tanh": "Tanh"}
POOLINGS: dict[PoolingName, str] = {"avg": "AvgPool2d", "max": "MaxPool2d"}


def seven_layers(
    activation: ActivationName, pooling: PoolingName, *, linear_head: bool = False
) -> nn.Sequential:
    """The seven-layer LeNet on 1x28x28, ten logits out.

    Args:
        activation: Used after every layer but the last.
        pooling: Used for both subsampling layers.
        linear_head: Leaves out the activations after C5 and F6, as `lenet-sigmoid` does.
    """
    from torch import nn

    act = getattr(nn, ACTIVATIONS[activation])
    pool = getattr(nn, POOLINGS[pooling])
    head = nn.Identity if linear_head else act
    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(1, 6, kernel_size=5, padding=2),  # N x 6 x 28 x 28
            a1=act(),
            s2=pool(2),  # N x 6 x 14 x 14
            c3=nn.Conv2d(6, 16, kernel_size=5),  # N x 16 x 10 x 10
            a3=act(),
            s4=pool(2),  # N x 16 x 5 x 5
            c5=nn.Conv2d(16, 120, kernel_size=5),  # N x 120 x 1 x 1
            a5=head(),
            flatten=nn.Flatten(),  # N x 120
            f6=nn.Linear(120, 84),  # N x 84
            a6=head(),
            output=nn.Linear(84, 10),  # N x 10
        )
    )


def _declared(
    activation: ActivationName, pooling: PoolingName, *, linear_head: bool = False
) -> tuple[Layer, ...]:
    act = Activation(activation)
    pool = Pool(pooling)
    after: tuple[Layer, ...] = () if linear_head else (act,)
    return (
        *(Conv(1, 6, 5, padding=2), act, pool),
        *(Conv(6, 16, 5), act, pool),
        *(Conv(16, 120, 5), *after, Flatten()),
        *(Linear(120, 84), *after, Linear(84, 10)),
    )


LENET_RELU_RECIPE = Recipe(
    dataset="mnist",
    normalisation=UNIT_RANGE,
    train_batch=64,
    drop_last=True,
    test_batch=1,
    loss="cross-entropy",
    optimiser=Optimiser(name="adam", learning_rate=1e-3),
    epochs=5,
)

register(
    ModelSpec(
        name="lenet",
        aliases=("lenet-relu",),
        document=LENET_RELU,
        input_shape=(1, 28, 28),
        classes=10,
        output="logits",
        layers=_declared("relu", "max"),
        build=partial(seven_layers, "relu", "max"),
        recipe=LENET_RELU_RECIPE,
        tags=frozenset({"lenet"}),
    )
)

register(
    ModelSpec(
        name="cnn",
        aliases=("lenet5",),
        document=DNN_CNN,
        input_shape=(1, 28, 28),
        classes=10,
        output="logits",
        layers=_declared("tanh", "avg"),
        build=partial(seven_layers, "tanh", "avg"),
        recipe=Recipe(
            dataset="mnist",
            normalisation=MNIST_STATISTICS,
            train_batch=256,
            test_batch=256,
            loss="cross-entropy",
            optimiser=Optimiser(name="sgd", learning_rate=0.9),
            epochs=5,
        ),
        deviations=(ANY_DEVICE,),
        tags=frozenset({"lenet"}),
    )
)

LENET_SIGMOID_RECIPE = Recipe(
    dataset="mnist",
    normalisation=UNIT_RANGE,
    train_batch=16,
    test_batch=16,
    loss="cross-entropy",
    optimiser=Optimiser(name="sgd", learning_rate=1e-3, momentum=0.9),
    epochs=10,
    selects_on_test=True,
)
NEVER_STEPPED = Deviation(
    what="no learning-rate scheduler; the document makes StepLR(10, 0.1) and never steps it",
    reason="stepped or not, it cannot act within 10 epochs",
)
LAST_EPOCH = Deviation(
    what="test accuracy is the last epoch's; the document's best test epoch stands beside it",
    reason="choosing an epoch on the test set flatters the number",
)


def _register_lenet_sigmoid(name: str, pooling: PoolingName, said_by: str) -> None:
    register(
        ModelSpec(
            name=name,
            document=LENET_SIGMOID,
            input_shape=(1, 28, 28),
            classes=10,
            output="logits",
            layers=_declared("sigmoid", pooling, linear_head=True),
            build=partial(seven_layers, "sigmoid", pooling, linear_head=True),
            recipe=LENET_SIGMOID_RECIPE,
            deviations=(
                NEVER_STEPPED,
                LAST_EPOCH,
                Deviation(
                    what=f"{pooling} pooling, as the document's {said_by} has it",
                    reason="its prose says max pooling, its code averages; the zoo has both",
                ),
            ),
            tags=frozenset({"lenet"}),
        )
    )


_register_lenet_sigmoid("lenet-sigmoid", "avg", "code")
_register_lenet_sigmoid("lenet-sigmoid-max", "max", "prose")


def lenet_rgb() -> nn.Sequential:
    """LeNet on 3x32x32 with a softmax at its end: ten probabilities out."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(3, 6, kernel_size=5),  # N x 6 x 28 x 28
            a1=nn.ReLU(),
            s2=nn.MaxPool2d(2),  # N x 6 x 14 x 14
            c3=nn.Conv2d(6, 16, kernel_size=5),  # N x 16 x 10 x 10
            a3=nn.ReLU(),
            s4=nn.MaxPool2d(2),  # N x 16 x 5 x 5
            flatten=nn.Flatten(),  # N x 400
            f5=nn.Linear(400, 120),  # N x 120
            a5=nn.ReLU(),
            f6=nn.Linear(120, 84),  # N x 84
            a6=nn.ReLU(),
            output=nn.Linear(84, 10),  # N x 10
            softmax=nn.Softmax(dim=1),
        )
    )


register(
    ModelSpec(
        name="lenet-rgb",
        document=BP_CNN,
        input_shape=(3, 32, 32),
        classes=10,
        output="probabilities",
        layers=(
            *(Conv(3, 6, 5), Activation("relu"), Pool("max")),
            *(Conv(6, 16, 5), Activation("relu"), Pool("max"), Flatten()),
            *(Linear(400, 120), Activation("relu")),
            *(Linear(120, 84), Activation("relu")),
            *(Linear(84, 10), Activation("softmax")),
        ),
        build=lenet_rgb,
        recipe=Recipe(
            dataset="pictures",
            normalisation=IMAGENET_STATISTICS,
            train_batch=1,
            test_batch=1,
            loss="cross-entropy",  # applied to the softmax outputs, as the document does
            optimiser=Optimiser(name="sgd", learning_rate=0.05, momentum=0.2),
            epochs=60,
            initialisation="xavier-normal",
            samples_per_class=(3, 3),
        ),
        deviations=(
            Deviation(
                what="class numbers as targets; the document passes one-hot rows",
                reason="cross-entropy of either is the same number",
            ),
        ),
        tags=frozenset({"lenet"}),
    )
)

for _activation in ACTIVATIONS:
    for _kind in POOLINGS:
        register(
            ModelSpec(
                name=f"lenet5-{_activation}-{_kind}",
                document=CONTROLLED,
                input_shape=(1, 28, 28),
                classes=10,
                output="logits",
                layers=_declared(_activation, _kind),
                build=partial(seven_layers, _activation, _kind),
                recipe=LENET_RELU_RECIPE,
                deviations=(
                    Deviation(
                        what="`document` trains it as lenet-relu trains its LeNet",
                        reason="no document trains this variant; lenet-relu's network is the one "
                        "that it varies",
                    ),
                ),
                tags=frozenset({"lenet", "controlled"}),
            )
        )
