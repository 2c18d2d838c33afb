"""Random changes to training pictures, as a recipe names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zoo.spec import Augmentation

Change = Callable[[Tensor], Tensor]


def augmenting(steps: Sequence[Augmentation]) -> Change | None:
    """What changes uint8 pictures (N, channels, height, width), each on its own; None for none.

    Draws from torch's global generator.

    Source: https://docs.pytorch.org/vision/stable/transforms.html
    """
    if not steps:
        return None
    from torchvision.transforms import v2

    change = v2.Compose([getattr(v2, step.name)(**dict(step.settings)) for step in steps])
    # A transform draws once a call, so each picture has a call of its own.
    return lambda pictures: torch.stack([change(picture) for picture in pictures])
