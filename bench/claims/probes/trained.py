"""What trained networks are like inside, and how they do on the samples that they trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.cells.batches import Batches
from bench.cells.data import load
from bench.cells.determinism import deterministic
from bench.cells.losses import LOSSES
from bench.cells.splits import Split, view
from bench.claims.affine import affine_map
from bench.claims.trials import DEVICE, trials
from zoo import ModelSpec
from zoo.lenet import ACTIVATIONS

_BATCH = 1_000


def generalisation_gap(
    data_root: Path, weights: Path, *, trial: str, seed: int
) -> Mapping[str, Any]:
    """Loss and accuracy of a trained network on training and on test samples, dropout off."""
    network, spec, split = _trained(data_root, weights, trial, seed)
    with deterministic():
        train_loss, train_accuracy = evaluate(network, spec, split, "train")
        test_loss, test_accuracy = evaluate(network, spec, split, "test")
    return {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
    }


def linear_head(data_root: Path, weights: Path, *, trial: str, seed: int) -> Mapping[str, Any]:
    """How the three last layers of a trained `lenet-sigmoid` differ from the one that they equal.

    On all test pictures, in float64: the largest difference of a logit, the largest logit, and how
    many pictures are given another class.
    """
    network, spec, split = _trained(data_root, weights, trial, seed)
    layers = dict(network.double().named_children())
    head = nn.Sequential(*(layers[name] for name in ("c5", "flatten", "f6", "output")))
    body = nn.Sequential(*(layers[name] for name in ("c1", "a1", "s2", "c3", "a3", "s4")))
    weight, bias = affine_map(head, (16, 5, 5))
    batches = Batches(spec.recipe.normalisation, spec.input_shape[0])
    apart, largest, changed = 0.0, 0.0, 0
    inputs = torch.from_numpy(split.part("test")[0])
    with deterministic(), torch.no_grad():
        for chosen in torch.split(inputs, _BATCH):
            maps = body(batches(chosen).double())
            three, one = head(maps), maps.flatten(1) @ weight.T + bias
            apart = max(apart, float((three - one).abs().max()))
            largest = max(largest, float(three.abs().max()))
            changed += int((three.argmax(1) != one.argmax(1)).sum())
    return {
        "largest_difference": apart,
        "largest_logit": largest,
        "changed_answers": changed,
        "pictures": len(inputs),
    }


def zero_share(data_root: Path, weights: Path, *, trial: str, seed: int) -> Mapping[str, Any]:
    """Which share of its activations' outputs is exactly zero, over all test pictures."""
    network, spec, split = _trained(data_root, weights, trial, seed)
    activations = tuple(getattr(nn, name) for name in ACTIVATIONS.values())
    zeros = total = 0

    def note(_: nn.Module, __: object, output: Tensor) -> None:
        nonlocal zeros, total
        zeros += int((output == 0).sum())
        total += output.numel()

    for module in network.modules():
        if isinstance(module, activations):
            module.register_forward_hook(note)
    with deterministic():
        evaluate(network, spec, split, "test")
    return {"zero_share": zeros / total, "outputs": total}


@torch.inference_mode()
def evaluate(
    network: nn.Module, spec: ModelSpec, split: Split, part: Literal["train", "test"]
) -> tuple[float, float]:
    """Mean loss per sample and accuracy, in evaluation mode, by the entry's own recipe."""
    batches = Batches(spec.recipe.normalisation, spec.input_shape[0])
    inputs, labels = (torch.from_numpy(array) for array in split.part(part))
    loss, right = 0.0, 0
    network.eval()
    for start in range(0, len(inputs), _BATCH):
        chosen = slice(start, start + _BATCH)
        outputs = network(batches(inputs[chosen]))
        loss += float(LOSSES[spec.recipe.loss](outputs, labels[chosen])) * len(outputs)
        right += int((outputs.argmax(1) == labels[chosen]).sum())
    return loss / len(inputs), right / len(inputs)


def _trained(
    data_root: Path, weights: Path, trial: str, seed: int
) -> tuple[nn.Module, ModelSpec, Split]:
    of = trials()[trial]
    network = of.spec.build()
    network.load_state_dict(load_file(weights / f"{trial}-{DEVICE}-{seed}.safetensors"))
    split = view(load(of.dataset, data_root=data_root, seed=0), of.spec, of.recipe)
    return network.eval(), of.spec, split
