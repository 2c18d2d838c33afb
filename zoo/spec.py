"""What an entry of the zoo is: a network, the document it stands for, and how that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from zoo.layers import Layer, Shape, shapes

if TYPE_CHECKING:
    from torch import nn

Output = Literal["logits", "log-probabilities", "probabilities"]

# cross-entropy: log-softmax of the outputs, whatever they are, then the negative log-likelihood.
# nll:           the outputs are log-probabilities already.
# nll-of-probabilities: the outputs are probabilities; their logarithm is taken first.
# mse-one-hot:   squared error against the one-hot label, averaged over entries.
Loss = Literal["cross-entropy", "nll", "nll-of-probabilities", "mse-one-hot"]

# torch:         the default of each torch module.
# xavier-normal: convolutions Xavier normal, linear layers normal(0, 0.1), biases zero.
Initialisation = Literal["torch", "xavier-normal"]

# constant:      the learning rate stays.
# linear:        it falls linearly with every update, to 0 after the last.
# step:          it falls tenfold after every tenth epoch.
Schedule = Literal["constant", "linear", "step"]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A teaching document, named by the id that code and reports use."""

    id: str
    title: str
    builds: str


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One place where the suite does other than the document says, or says what it leaves open."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """`(pixel / 255 - mean) / std` per channel; tables, which have no pixels, pass unchanged."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


UNIT_RANGE = Normalisation(mean=(0.0,), std=(1.0,))
MNIST_STATISTICS = Normalisation(mean=(0.1307,), std=(0.3081,))
IMAGENET_STATISTICS = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """An optimiser and its settings; what is not named stays at torch's default."""

    name: Literal["sgd", "adam", "adamw"]
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __str__(self) -> str:
        momentum = f" momentum {self.momentum:g}" if self.momentum else ""
        decay = f" weight decay {self.weight_decay:g}" if self.weight_decay else ""
        name = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[self.name]
        return f"{name} {self.learning_rate:g}{momentum}{decay}"


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """A random change to training pictures: a class of `torchvision.transforms.v2`.

    Attributes:
        name: Of the class.
        settings: Its arguments by name.
    """

    name: str
    settings: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained and tested.

    Attributes:
        dataset: The data set that the recipe was written for.
        normalisation: What happens to pixels between 0 and 255 before the network sees them.
        train_batch: Samples per optimiser step; None takes all of them at once.
        test_batch: Samples per forward pass when the document tests. The suite takes a batch that
            is fast, which changes nothing but the time.
        loss: The function that training makes smaller.
        optimiser: The optimiser.
        epochs: Passes over the training samples.
        schedule: How the learning rate changes on the way.
        initialisation: How the weights start.
        drop_last: Whether a last, smaller batch of an epoch is left out.
        shuffle: Whether each epoch draws a new order of the samples.
        holds_out_validation: Whether the validation samples are kept from training. The documents
            know of none and train on all that is not for testing.
        selects_on_test: Whether the document keeps the epoch that did best on the test set.
        samples_per_class: Training and test samples per class where the document's own pictures
            are missing; None takes all there are.
        augmentation: Changes to each training picture, one after the other.
    """

    dataset: str
    normalisation: Normalisation
    train_batch: int | None
    test_batch: int
    loss: Loss
    optimiser: Optimiser
    epochs: int
    schedule: Schedule = "constant"
    initialisation: Initialisation = "torch"
    drop_last: bool = False
    shuffle: bool = True
    holds_out_validation: bool = False
    selects_on_test: bool = False
    samples_per_class: tuple[int, int] | None = None
    augmentation: tuple[Augmentation, ...] = ()

    @property
    def settings(self) -> dict[str, object]:
        """What a recipe says by name, without what it leaves at its default."""
        defaults = {own.name: own.default for own in fields(self) if own.default is not MISSING}
        everything = asdict(self)
        return {
            name: everything[name]
            for name in everything
            if name not in defaults or getattr(self, name) != defaults[name]
        }

    def __str__(self) -> str:
        batch = "full batch" if self.train_batch is None else f"batch {self.train_batch}"
        falls = {
            "constant": "",
            "linear": "falling linearly to 0, ",
            "step": "falling tenfold every 10 epochs, ",
        }[self.schedule]
        return f"{self.optimiser}, {falls}{batch}, {self.epochs} epochs, {self.loss}"


# Of a network that has none of its own; nothing is trained by it.
NO_RECIPE = Recipe(
    dataset="any",
    normalisation=UNIT_RANGE,
    train_batch=None,
    test_batch=1,
    loss="cross-entropy",
    optimiser=Optimiser(name="sgd", learning_rate=0.0),
    epochs=0,
)


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One entry of the zoo.

    Attributes:
        name: The registry name.
        document: The document that it comes from.
        input_shape: Shape of one sample, without the batch.
        classes: Number of outputs.
        output: What the outputs are.
        build: Makes the module; honours `torch.device("meta")`.
        recipe: The document's way of training it; `NO_RECIPE` where it says none.
        layers: Sizes that a document declares, from which everything in closed form follows; None
            where nothing but the module says what the network is.
        deviations: Where entry or recipe differ from the document, and why.
        aliases: Other names that find it.
        tags: Groups it belongs to. `heavy` entries run only when named outright.
    """

    name: str
    document: Document
    input_shape: Shape
    classes: int
    output: Output
    build: Callable[[], nn.Module]
    recipe: Recipe
    layers: tuple[Layer, ...] | None = None
    deviations: tuple[Deviation, ...] = ()
    aliases: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.layers is not None and self.shapes[-1] != (self.classes,):
            raise ValueError(
                f"{self.name}: the declared layers end in shape {self.shapes[-1]}, "
                f"but the entry has {self.classes} classes"
            )

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The declared output shape of every layer; none where no layers are declared."""
        return shapes(self.layers or (), self.input_shape)

    @property
    def declared_parameters(self) -> int | None:
        """Trainable numbers, from the declared sizes; None where there are none."""
        return None if self.layers is None else sum(layer.parameters for layer in self.layers)

    @property
    def declared_macs(self) -> int | None:
        """Multiply-accumulates of one sample's forward pass, from the declared sizes."""
        if self.layers is None:
            return None
        before = (self.input_shape, *self.shapes[:-1])
        return sum(layer.macs(shape) for layer, shape in zip(self.layers, before, strict=True))

    @property
    def has_recipe(self) -> bool:
        """Whether its document says how it is trained."""
        return self.recipe != NO_RECIPE

    @property
    def takes_images(self) -> bool:
        """Whether a sample is a picture, not a row of a table."""
        return len(self.input_shape) == 3
