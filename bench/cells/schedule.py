"""How the learning rate changes while a network trains."""

from __future__ import annotations

import torch

from zoo import Recipe


class LearningRate:
    """Sets an optimiser's learning rate as a recipe's schedule has it."""

    def __init__(self, recipe: Recipe, optimiser: torch.optim.Optimizer, per_epoch: int) -> None:
        self.recipe = recipe
        self.optimiser = optimiser
        self.updates = per_epoch * recipe.epochs

    def before(self, update: int) -> None:
        """Sets the rate for the optimiser's next step, after so many."""
        if self.recipe.schedule == "constant":
            return
        rate = self.recipe.optimiser.learning_rate * (1 - update / self.updates)
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
