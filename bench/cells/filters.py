"""The filters of a network's first layer, before and after training, read from its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.cells.train import first_network
from bench.records.filters import Filters, Weights
from zoo import ModelSpec, Recipe

SHOWN = 16
Floats = NDArray[np.float64]
LARGEST_SIDE = 32  # of a filter: larger ones would make a large file and a picture of noise


def first_filters(
    spec: ModelSpec, recipe: Recipe, files: Mapping[int, Path], weights_sha256: str
) -> Filters | None:
    """The filters of the first layer that sees the picture.

    Args:
        spec: The network's entry.
        recipe: That it was trained with, which draws its first weights.
        files: By seed, its trained weights; those of the lowest seed are shown.
        weights_sha256: Digest of the lowest seed's weights.

    Returns:
        None where the network begins with another layer or with filters that are too large, and
        where a seed ended in weights that are no numbers.
    """
    with torch.device("meta"):
        found = first_layer(spec.build(), spec.input_shape)
    if found is None:
        return None
    name, kind, (channels, height, width) = found
    if max(height, width) > LARGEST_SIDE:
        return None
    before: dict[int, Floats] = {}
    after: dict[int, Floats] = {}
    for seed, path in files.items():
        with torch.random.fork_rng(devices=[]):  # whoever called draws what they would have drawn
            first = first_network(spec, recipe, seed).get_parameter(name)
        last = load_file(path).get(name)
        if last is None or last.shape != first.shape or not last.isfinite().all():
            return None  # of another shape where the entry has changed since the run
        before[seed], after[seed] = _array(first), _array(last)
    shown, shape = min(files), (-1, channels, height, width)
    return Filters(
        model=spec.name,
        kind=kind,
        count=len(after[shown]),
        channels=channels,
        height=height,
        width=width,
        seed=shown,
        weights_sha256=weights_sha256,
        before=_steps(before[shown][:SHOWN].reshape(shape)),
        after=_steps(after[shown][:SHOWN].reshape(shape)),
        growth={seed: growth(before[seed], after[seed]) for seed in files},
        turned={seed: turned(before[seed], after[seed]) for seed in files},
    )


def first_layer(
    network: nn.Module, input_shape: tuple[int, ...]
) -> tuple[str, Literal["convolution", "linear"], tuple[int, int, int]] | None:
    """The weights of the first layer that takes the whole picture.

    Returns:
        Their name, the kind of layer, and the shape of one filter: channels, height, width.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == input_shape[0]:
            if module.groups > 1:
                return None
            height, width = module.kernel_size
            return f"{name}.weight".lstrip("."), "convolution", (input_shape[0], height, width)
        if isinstance(module, nn.Linear) and module.in_features == math.prod(input_shape):
            channels, height, width = input_shape
            return f"{name}.weight".lstrip("."), "linear", (channels, height, width)
    return None


def growth(before: Floats, after: Floats) -> float:
    """The norm of weights over what it was."""
    return _short(float(np.linalg.norm(after) / np.linalg.norm(before)))


def turned(before: Floats, after: Floats) -> float:
    """The share of weights whose sign is another one."""
    return _short(float(np.mean(np.sign(before) != np.sign(after))))


def _array(weights: Tensor) -> Floats:
    array: Floats = weights.detach().double().numpy()
    return array


def _steps(weights: Floats) -> Weights:
    """Filters of (filters, channels, height, width), summed over the channels, in whole steps."""
    summed = weights.sum(axis=1)
    largest = float(np.abs(summed).max())
    steps = np.rint(127 * summed / (largest or 1.0)).astype(np.int8)
    return Weights(largest=_short(largest), steps=steps.tobytes())


def _short(value: float) -> float:
    return float(f"{value:.4g}")
