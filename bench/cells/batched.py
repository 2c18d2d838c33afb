"""Several seeds of one network trained together, their weights stacked: few large operations.

A seed starts from the same weights and sees the samples in the same order as when it is trained
alone; its gradients are the same numbers within rounding. Not the same bits, because stacked
operations add in another order, and dropout draws for all seeds at once. With the same seeds
together, a run ends in the same bits each time. Where one seed diverges, the others go on, and so
does it.

Source: https://pytorch.org/tutorials/intermediate/ensembling.html
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from bench.cells.allocation import keep_freed_memory
from bench.cells.augmentation import augmenting
from bench.cells.batches import Batches, rows
from bench.cells.curves import Answers, Curves
from bench.cells.determinism import deterministic, stream_seed
from bench.cells.losses import LOSSES
from bench.cells.schedule import LearningRate
from bench.cells.splits import Split
from bench.cells.train import (
    EVALUATION_BATCH,
    Part,
    Trained,
    draw_order,
    first_network,
    first_not_finite,
    is_tested,
    make_optimiser,
    order_of,
    outcome,
)
from zoo import ModelSpec, Recipe


def train_together(
    spec: ModelSpec, recipe: Recipe, split: Split, *, seeds: Sequence[int], device: str
) -> list[Trained]:
    """Trains and tests one network on several seeds at once; what came of each, in their order.

    Raises:
        RuntimeError: The network does something that torch cannot do for stacked weights, such as
            changing its running statistics.
    """
    keep_freed_memory()
    with deterministic():
        together = Together(spec, recipe, split, seeds=seeds, device=device)
        together.run()
        return together.results()


class Together:
    """The training of several seeds; to be used inside `deterministic()`."""

    def __init__(
        self, spec: ModelSpec, recipe: Recipe, split: Split, *, seeds: Sequence[int], device: str
    ) -> None:
        self.recipe = recipe
        self.device = torch.device(device)
        self.batches = Batches(recipe.normalisation, spec.input_shape[0])
        networks = [first_network(spec, recipe, seed).to(self.device) for seed in seeds]
        self.parameters, self.buffers = stack_module_state(networks)
        self.network = copy.deepcopy(networks[0]).to("meta")  # its shape only: weights are passed
        self.optimiser = make_optimiser(self.parameters.values(), recipe.optimiser)
        torch.manual_seed(stream_seed(seeds[0], "dropout"))
        self.change = augmenting(recipe.augmentation)
        self.orders = [order_of(seed) for seed in seeds]
        self.parts = {part: self._part(split, part) for part in ("train", "validation", "test")}
        samples = len(self.parts["train"][0])
        self.size = recipe.train_batch or samples
        self.examples = samples - samples % self.size if recipe.drop_last else samples
        self.steps = math.ceil(self.examples / self.size)
        self.schedule = LearningRate(recipe, self.optimiser, self.steps)
        self.curves = [Curves(recipe, split, self.examples, self.size) for _ in seeds]
        self.epoch = 0
        self.diverged_at: list[int | None] = [None] * len(seeds)
        self.train_seconds = 0.0
        self.predictions = self._test()

    def run(self) -> None:
        """Trains to the last epoch, testing as it goes."""
        while self.epoch < self.recipe.epochs:
            self.epoch += 1
            self._train_epoch()
            if is_tested(self.epoch, self.recipe):
                self.predictions = self._test()

    def results(self) -> list[Trained]:
        """What each seed has come to; the time of all is shared equally among them."""
        state = {**self.parameters, **self.buffers}
        names = list(self.network.state_dict())  # in the order of a network that trains alone
        return [
            outcome(
                curves,
                epochs=self.epoch,
                updates=self.epoch * self.steps,
                train_seconds=self.train_seconds / len(self.curves),
                predictions=predictions,
                diverged_at=diverged_at,
                weights={name: state[name][index].detach() for name in names},
            )
            for index, (curves, predictions, diverged_at) in enumerate(
                zip(self.curves, self.predictions, self.diverged_at, strict=True)
            )
        ]

    def losses(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Each seed's mean loss over its own batch, (seeds,).

        Args:
            inputs: (seeds, batch, ...).
            labels: (seeds, batch).
        """
        loss_function = LOSSES[self.recipe.loss]

        def loss(
            parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor
        ) -> Tensor:
            return loss_function(functional_call(self.network, (parameters, buffers), (x,)), y)

        found: Tensor = vmap(loss, randomness="different")(
            self.parameters, self.buffers, inputs, labels
        )
        return found

    def _part(self, split: Split, part: Part) -> tuple[Tensor, Tensor]:
        inputs, labels = (torch.from_numpy(array).to(self.device) for array in split.part(part))
        changed = part == "train" and self.change is not None
        return inputs if changed else self.batches.once(inputs), labels

    def _train_epoch(self) -> None:
        inputs, labels = self.parts["train"]
        losses = []
        self.network.train()
        started = time.perf_counter()
        orders = torch.stack(
            [
                draw_order(len(inputs), order if self.recipe.shuffle else None)[: self.examples]
                for order in self.orders
            ]
        ).to(self.device)
        for step, chosen in enumerate(torch.split(orders, self.size, dim=1)):
            samples = rows(inputs, chosen.flatten())
            batch = self.batches(self.change(samples) if self.change else samples)
            answers = labels.index_select(0, chosen.flatten()).reshape(chosen.shape)
            self.schedule.before((self.epoch - 1) * self.steps + step)
            self.optimiser.zero_grad()
            each = self.losses(batch.reshape(*chosen.shape, *batch.shape[1:]), answers)
            each.sum().backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            losses.append(each.detach())
        means = torch.stack(losses).double().cpu().numpy()
        self.train_seconds += time.perf_counter() - started
        for seed, (curves, own) in enumerate(zip(self.curves, means.T, strict=True)):
            curves.trained(self.epoch, own)
            if self.diverged_at[seed] is None:
                weights = [tensor[seed] for tensor in self.parameters.values()]
                updates = self.epoch * self.steps
                self.diverged_at[seed] = first_not_finite(own, weights, updates)

    def _test(self) -> list[Answers]:
        """Leaves a point on every seed's test curve and gives the classes that each answers."""
        losses, predictions = self._evaluate("test")
        held_out: list[Answers | None] = [None] * len(self.curves)
        if len(self.parts["validation"][1]):
            held_out = [*self._evaluate("validation")[1]]
        for curves, loss, answers, validation in zip(
            self.curves, losses, predictions, held_out, strict=True
        ):
            curves.tested(self.epoch, loss, answers, validation)
        return predictions

    @torch.no_grad()
    def _evaluate(self, part: Part) -> tuple[list[float], list[Answers]]:
        """Each seed's mean loss per sample, and the classes that it answers."""
        inputs, labels = self.parts[part]
        loss_sums = torch.zeros(len(self.curves), dtype=torch.float64, device=self.device)
        answers = []
        self.network.eval()
        loss_function = LOSSES[self.recipe.loss]

        def outputs(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
            found: Tensor = functional_call(self.network, (parameters, buffers), (x,))
            return found

        everything = torch.arange(len(inputs), device=self.device)
        for batch, right in self.batches.ahead(inputs, labels, everything, EVALUATION_BATCH):
            found = vmap(outputs, in_dims=(0, 0, None))(self.parameters, self.buffers, batch)
            loss_sums += torch.stack([loss_function(own, right) for own in found]) * len(batch)
            answers.append(found.argmax(dim=2))
        predictions = torch.cat(answers, dim=1).cpu().numpy()
        return (loss_sums / len(inputs)).tolist(), [*predictions]
