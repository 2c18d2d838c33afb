"""Checks of what the documents' programs do: steps, splits, files, schedules."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path

import zoo
from bench.cells.data import load
from bench.cells.splits import view
from bench.claims.checks.registry import Found, check, spec_of
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from zoo import Recipe

MNIST_TRAINING_PICTURES = 60_000
_SAVED_EVERY = 10  # net-mnist saves model and optimiser every so many batches


def _steps(samples: int, batch: int, *, drop_last: bool = False) -> int:
    """Batches of an epoch, by torch's own loader."""
    from torch.utils.data import DataLoader

    return len(DataLoader(range(samples), batch, drop_last=drop_last))  # type: ignore[arg-type]


@check("updates", model="built")
def updates(claim: Claim, _evidence: Evidence) -> Found:
    """Updates of the whole training of the claim's model on the document's few pictures."""
    spec = spec_of(claim)
    recipe: Recipe = spec.recipe
    assert recipe.samples_per_class is not None
    assert recipe.train_batch is not None
    samples = recipe.samples_per_class[0] * spec.classes
    found = _steps(samples, recipe.train_batch) * recipe.epochs
    return Found(
        value=found, words=f"{samples} pictures, batch {recipe.train_batch}, {recipe.epochs} epochs"
    )


@check("sums-split")
def sums_split(_claim: Claim, _evidence: Evidence) -> Found:
    """Training and test rows of `sums` as the document splits them."""
    spec = zoo.get("dnn-sums")
    train, _, test = view(load("sums", data_root=Path(), seed=1), spec, spec.recipe).sizes
    return Found(value=[train, test], words="70% of 10,000 rows train")


@check("batches")
def batches(_claim: Claim, _evidence: Evidence) -> Found:
    """Steps of one epoch and of five, of 10,240 samples in batches of 1,024."""
    steps = _steps(10_240, 1_024)
    return Found(value=[steps, 5 * steps], words="by torch's own loader")


@check("dropped-batches", model="built")
def dropped_batches(claim: Claim, _evidence: Evidence) -> Found:
    """Steps of an epoch of the claim's model on MNIST, and the pictures that it sees."""
    recipe = spec_of(claim).recipe
    assert recipe.train_batch is not None
    steps = _steps(MNIST_TRAINING_PICTURES, recipe.train_batch, drop_last=recipe.drop_last)
    seen = steps * recipe.train_batch
    return Found(
        value=[steps, seen],
        words=f"the last {MNIST_TRAINING_PICTURES - seen} of each epoch's order fill no batch and "
        "are dropped",
    )


@check("reload", model="built")
def reload(claim: Claim, _evidence: Evidence) -> Found:
    """Whether a saved and reloaded network predicts the same, and a whole module is refused."""
    import torch

    torch.manual_seed(0)
    network = spec_of(claim).build()
    samples = torch.rand(1_000, *spec_of(claim).input_shape)
    state, whole = io.BytesIO(), io.BytesIO()
    torch.save(network.state_dict(), state)
    torch.save(network, whole)
    again = spec_of(claim).build()
    state.seek(0)
    again.load_state_dict(torch.load(state))
    with torch.no_grad():
        equal = torch.equal(network(samples), again(samples))
    whole.seek(0)
    try:
        torch.load(whole)
        refused = False
    except pickle.UnpicklingError:
        refused = True
    return Found(
        value={"equal predictions": equal, "whole module refused": refused},
        holds=equal,
        words="by its state dictionary; the call as printed, which unpickles a whole module and "
        "so runs code from the file, is refused by default since torch 2.6",
    )


@check("stale-resume", model="built", optimises=True)
def stale_resume(claim: Claim, _evidence: Evidence) -> Found:
    """How old the saved files are, and whether training moves the network that loaded them.

    The document's program in small: a network is trained and saved, a second one loads the files
    and gets an optimiser made over the first one's parameters, and the first one trains on.
    """
    import torch
    from torch.nn import functional

    from bench.cells.train import make_optimiser

    recipe = spec_of(claim).recipe
    assert recipe.train_batch is not None
    steps = _steps(MNIST_TRAINING_PICTURES, recipe.train_batch)
    saved_at = (steps - 1) // _SAVED_EVERY * _SAVED_EVERY
    seen = (saved_at + 1) * recipe.train_batch
    torch.manual_seed(0)
    network, continued = spec_of(claim).build(), spec_of(claim).build()
    optimiser = make_optimiser(network.parameters(), recipe.optimiser)
    continued.load_state_dict(network.state_dict())
    before = {name: value.clone() for name, value in continued.state_dict().items()}
    functional.nll_loss(network(torch.rand(8, 1, 28, 28)), torch.arange(8)).backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    moved = any(not torch.equal(before[k], v) for k, v in continued.state_dict().items())
    found = {
        "updates behind": steps - 1 - saved_at,
        "pictures behind": MNIST_TRAINING_PICTURES - seen,
        "continued network moves": moved,
    }
    return Found(
        value=found,
        holds=moved,
        words=f"the files are of batch {saved_at} of {steps - 1}, counted from 0, and the network "
        "that loads them is never trained",
    )


@check("pooling-kinds", model="built")
def pooling_kinds(claim: Claim, _evidence: Evidence) -> Found:
    """The pooling of the document's code and of its prose; holds if they compute the same."""
    import torch

    by_code, by_prose = (zoo.get(name) for name in (spec_of(claim).name, "lenet-sigmoid-max"))
    kinds, outputs = [], []
    samples = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for spec in (by_code, by_prose):
        torch.manual_seed(0)
        network = spec.build()
        kinds += [type(m).__name__ for n, m in network.named_children() if n == "s2"]
        with torch.no_grad():
            outputs.append(network(samples))
    return Found(
        value=kinds,
        holds=torch.equal(*outputs),
        words="code, then prose: with the same weights they answer differently",
    )


@check("scheduler", model="built", optimises=True)
def scheduler(claim: Claim, _evidence: Evidence) -> Found:
    """The rates of ten epochs with the scheduler stepped after each, and without any.

    The value lists the distinct rates used when it is stepped, and whether the weights after ten
    epochs are the same as without it.
    """
    import torch
    from torch import nn

    from bench.cells.train import make_optimiser

    recipe = spec_of(claim).recipe
    rates, weights = [], []
    for stepped in (True, False):
        torch.manual_seed(0)
        network = spec_of(claim).build()
        optimiser = make_optimiser(network.parameters(), recipe.optimiser)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=10, gamma=0.1)
        samples, labels = torch.rand(16, 1, 28, 28), torch.randint(10, (16,))
        for _epoch in range(recipe.epochs):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.zero_grad()
            nn.CrossEntropyLoss()(network(samples), labels).backward()
            optimiser.step()
            if stepped:
                schedule.step()
        weights.append(list(network.state_dict().values()))
    same = all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    return Found(
        value={"rates in ten epochs": sorted(set(rates)), "same weights": same},
        holds=len(set(rates)) > 1,
        words="the document never steps its scheduler; stepped, it would first act after the tenth "
        "epoch, which is the last",
    )
