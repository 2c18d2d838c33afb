"""How the learning rate changes while a network trains."""

from __future__ import annotations

import torch

from zoo import Recipe

STEP_EPOCHS = 10  # between two falls of the schedule `step`


class LearningRate:
    """Sets an optimiser's learning rate as a recipe's schedule has it."""

    def __init__(self, recipe: Recipe, optimiser: torch.optim.Optimizer, per_epoch: int) -> None:
        self.recipe = recipe
        self.optimiser = optimiser
        self.per_epoch = per_epoch

    def before(self, update: int) -> None:
        """Sets the rate for the optimiser's next step, after so many."""
        if self.recipe.schedule == "constant":
            return
        rate = self.recipe.optimiser.learning_rate * self._share(update)
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _share(self, update: int) -> float:
        """The part of the recipe's rate that is left."""
        if self.recipe.schedule == "linear":
            return 1 - update / (self.per_epoch * self.recipe.epochs)
        return float(0.1 ** (update // (self.per_epoch * STEP_EPOCHS)))
