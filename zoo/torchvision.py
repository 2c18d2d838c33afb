"""torchvision's classification networks by name: `torchvision:resnet18`.

They are built with new weights, nothing is downloaded. They take three channels, so that grey
pictures are repeated, and pictures are scaled to the side that `_side` finds.
"""

from __future__ import annotations

import difflib
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from zoo.spec import NO_RECIPE, Document, ModelSpec

if TYPE_CHECKING:
    from torch import nn

PREFIX = "torchvision:"
DOCUMENT = Document(
    id="torchvision",
    title="Networks of torchvision",
    builds="classification networks with new weights",
)
CLASSES = 10  # of the data sets with pictures
SIDES = range(32, 257, 32)
HEAVY_PARAMETERS = 100_000_000  # with gradients and Adam's averages, 1.6 GB
# Their defaults give a second output in training, or warn.
_OPTIONS = {
    name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")
}


class NoBuilderError(LookupError):
    """torchvision has no classification network of this name; the message suggests the nearest."""


@lru_cache
def entry(name: str) -> ModelSpec:
    """The entry of `torchvision:NAME`.

    Raises:
        NoBuilderError: There is none.
    """
    from torchvision import models

    builder = name.removeprefix(PREFIX)
    known = models.list_models(module=models)
    if builder not in known:
        near = difflib.get_close_matches(builder, known, n=3, cutoff=0.5)
        suggestion = (
            f"did you mean {' or '.join(PREFIX + other for other in near)}? " if near else ""
        )
        raise NoBuilderError(
            f"unknown model '{name}'; {suggestion}(all: "
            "https://docs.pytorch.org/vision/stable/models.html#classification)"
        )
    import torch

    with torch.device("meta"):
        network = build(builder, CLASSES).eval()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    side = _side(name, network)
    return ModelSpec(
        name=name,
        document=DOCUMENT,
        input_shape=(3, side, side),
        classes=CLASSES,
        output="logits",
        build=partial(build, builder, CLASSES),
        recipe=NO_RECIPE,
        tags=frozenset({"heavy"} if parameters > HEAVY_PARAMETERS else ()),
    )


def build(builder: str, classes: int) -> nn.Module:
    """The network of a builder of `torchvision.models`, with new weights."""
    from torchvision import models

    network: nn.Module = models.get_model(
        builder, weights=None, num_classes=classes, **_OPTIONS.get(builder, {})
    )
    return network


def _side(name: str, network: nn.Module) -> int:
    """The smallest multiple of 32 up to 256 that a network on the meta device takes.

    Raises:
        NoBuilderError: It takes none.
    """
    import torch

    for side in SIDES:
        try:
            with torch.no_grad():
                network(torch.empty(2, 3, side, side, device="meta"))
        except Exception:  # networks refuse sizes by whatever they raise
            continue
        return side
    raise NoBuilderError(f"'{name}' takes no square pictures of sides 32 to 256; choose another")
