"""The forward pass of a trained network in one mode after the other: seconds, and answers."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import zoo
from bench.cells.allocation import keep_freed_memory
from bench.cells.arrays import Integers
from bench.cells.batches import Batches
from bench.cells.common_recipe import common_recipe
from bench.cells.determinism import deterministic
from bench.cells.jobs import failure
from bench.cells.splits import Split, StoredSplit, open_stored, store, view
from bench.cells.train import place, train
from bench.overhead.data import MODE_BATCH, MODE_EPOCHS, MODE_TEST_PICTURES, first_pictures
from bench.overhead.measure import Contender, Outcome, take_turns
from bench.overhead.modes import MODES
from bench.overhead.names import EAGER
from bench.records.kinds import Answers
from zoo import Recipe

SEED = 1
BLOCK_SECONDS = 0.1
MOST_BATCHES = 8  # a block goes over these again and again


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """A network and the pictures that it is asked, small enough to send to a process.

    Attributes:
        model: Registry name.
        weights: Its trained weights, in safetensors.
        split: Where the pictures lie.
    """

    model: str
    weights: Path
    split: StoredSplit


def measure(
    contenders: Mapping[str, Contender], rounds: int, model: str, data_root: Path
) -> dict[str, Outcome]:
    """Trains a network, runs it in all modes in turns, and asks each for its answers.

    Args:
        contenders: By the name of their mode.
        rounds: How often each is visited.
        model: Registry name.
        data_root: The folder above `MNIST/raw`.
    """
    with tempfile.TemporaryDirectory() as folder:
        network, labels = _trained(model, data_root, Path(folder))
        outcomes = take_turns(contenders, rounds, network)
        return _with_answers(contenders, outcomes, network, labels)


def _trained(model: str, data_root: Path, folder: Path) -> tuple[TrainedNetwork, Integers]:
    """A network trained by this suite, and the labels of the pictures that it is asked."""
    spec = zoo.get(model)
    pictures = first_pictures(data_root, test=MODE_TEST_PICTURES)
    split = view(pictures, spec, _recipe(model))
    trained = train(spec, _recipe(model), split, seed=SEED, device="cpu")
    weights = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in trained.weights.items()}, weights)
    network = TrainedNetwork(model=model, weights=weights, split=store(split, folder))
    return network, split.part("test")[1]


def _recipe(model: str) -> Recipe:
    """The common recipe of small data sets, shorter: documents train some networks too little."""
    return replace(common_recipe(zoo.get(model)), epochs=MODE_EPOCHS)


def _with_answers(
    contenders: Mapping[str, Contender],
    outcomes: Mapping[str, Outcome],
    network: TrainedNetwork,
    labels: Integers,
) -> dict[str, Outcome]:
    """The outcomes with what each mode answers beside what eager torch does."""
    given: dict[str, Integers] = {}
    asked = dict(outcomes)
    for name, outcome in outcomes.items():
        if outcome.error is None:
            try:
                given[name] = contenders[name].ask(answers, network)
            except Exception as error:
                asked[name] = Outcome(error=failure(error))
    for name, found in given.items():
        asked[name] = replace(asked[name], answers=compared(found, labels, given.get(EAGER)))
    return asked


def compared(found: Integers, labels: Integers, base: Integers | None) -> Answers:
    """How many answers are right, and how many are others than those of the base, if it has any.

    Args:
        found: Class answered for each picture, (n,).
        labels: Class of each.
        base: Classes that the others are compared with.
    """
    return Answers(
        tested=len(labels),
        right=int(np.count_nonzero(found == labels)),
        changed=None if base is None else int(np.count_nonzero(found != base)),
    )


def ready_seconds(network: TrainedNetwork, mode: str) -> float:
    """Seconds from a loaded network to the outputs of its first batch, all that is made included.

    What comes first in a process, such as the start of a compiler, is done before on a small
    network.
    """
    keep_freed_memory()
    with deterministic():
        if MODES[mode].kept:
            _start(mode)
        return _running(network, mode).ready_seconds


def forward_seconds(network: TrainedNetwork, mode: str) -> float:
    """Seconds of a forward pass over a batch, in a process that has seen no other mode.

    Pictures are copied each time, and the network is made anew where that is quick, because where
    tensors happen to lie in memory changes a network's speed.
    """
    with deterministic():
        running = _running(network, mode) if MODES[mode].kept else Running(network, mode)
        batches = [pictures.clone() for pictures in running.batches]
        with torch.inference_mode():
            running.over(batches)
            count = 0
            started = time.perf_counter()
            while (seconds := time.perf_counter() - started) < BLOCK_SECONDS:
                count += running.over(batches)
            return seconds / count


def answers(network: TrainedNetwork, mode: str) -> Integers:
    """The class that a mode answers for each test picture, (n,)."""
    with deterministic():
        running = _running(network, mode)
        with torch.inference_mode():
            found = [running.forward(pictures).argmax(dim=1) for pictures in running.pictures()]
        return torch.cat(found)[: running.count].numpy()


class Running:
    """A network that has been made ready in a mode.

    Attributes:
        forward: Runs it.
        ready_seconds: What making it ready took.
        batches: The first batches of pictures, in the mode's layout.
        count: Test pictures.
    """

    def __init__(self, network: TrainedNetwork, mode: str) -> None:
        self.mode = MODES[mode]
        self.split: Split = open_stored(network.split)
        self.count = len(self.split.part("test")[1])
        recipe, channels = _recipe(network.model), zoo.get(network.model).input_shape[0]
        self.to_floats = Batches(recipe.normalisation, channels)
        self.batches = list(self.pictures(MOST_BATCHES))
        module = _loaded(network)
        with torch.no_grad():
            started = time.perf_counter()
            if self.mode.channels_last:
                place(module, torch.device("cpu"))
            self.forward = self.mode.prepare(module, self.batches[0])
            self.forward(self.batches[0])
            self.ready_seconds = time.perf_counter() - started

    def over(self, batches: Sequence[Tensor]) -> int:
        """Runs over batches, and says how many there were."""
        for pictures in batches:
            self.forward(pictures)
        return len(batches)

    def pictures(self, most: int | None = None) -> Iterator[Tensor]:
        """Batches of the test pictures, all of one size: the last is filled up with the first."""
        inputs, labels = map(torch.from_numpy, self.split.part("test"))
        number = math.ceil(self.count / MODE_BATCH)
        order = torch.arange(min(number, most or number) * MODE_BATCH) % self.count
        for pictures, _ in self.to_floats.ahead(inputs, labels, order, MODE_BATCH):
            yield pictures if self.mode.channels_last else pictures.contiguous()


_running = lru_cache(maxsize=1)(Running)


def _loaded(network: TrainedNetwork) -> nn.Module:
    module = zoo.get(network.model).build()
    module.load_state_dict(load_file(network.weights))
    return module.eval()


@lru_cache(maxsize=1)
def _start(mode: str) -> None:
    """Makes a small network ready in a mode, for all that comes first in a process.

    It has a layer of every kind, because torch's compiler turns some into calls of a library and
    starts the C++ compiler for others.
    """
    small = nn.Sequential(
        *(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()), nn.Linear(16, 16)
    ).eval()
    with torch.no_grad():
        pictures = torch.zeros(MODE_BATCH, 1, 4, 4)
        MODES[mode].prepare(small, pictures)(pictures)
