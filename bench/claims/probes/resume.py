"""Resuming `net` rightly, and in the ways that its document mixes up."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zoo
from bench.cells.data import load
from bench.cells.determinism import deterministic
from bench.cells.parent import end_with
from bench.cells.splits import view
from bench.cells.train import Training
from bench.claims.probes.trained import evaluate

SAVED_EPOCHS = 3
_SECOND_HALF = "from bench.claims.probes.resume import main; main()"
SAVED_BATCH = 930  # of 0..937: the last one that the document's every-tenth-batch saving meets


def resume(data_root: Path, _weights: Path, *, trial: str, seed: int) -> Mapping[str, Any]:
    """Test accuracies of networks that all began alike, and the digest of the resumed one.

    `resumed`: 3 epochs, everything saved, loaded in a new process, 5 more. `loaded`: the network
    that the document loads its files into and never trains. `stale`: what using the files as they
    are would give: weights and optimiser from 7 updates before the end of epoch 3, then 5 epochs.
    """
    spec = zoo.get(trial)
    split = view(load("mnist", data_root=data_root, seed=0), spec, spec.recipe)
    with deterministic(), tempfile.TemporaryDirectory() as place:
        training = Training(spec, spec.recipe, split, seed=seed, device="cpu")
        files = _saving(training)
        training.run(SAVED_EPOCHS)
        checkpoint = Path(place) / "checkpoint.pt"
        training.save(checkpoint)
        arguments = [str(data_root), trial, str(seed), str(checkpoint)]
        second_half = subprocess.run(
            [sys.executable, "-c", _SECOND_HALF, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        resumed = json.loads(second_half.stdout)
        stale = Training(spec, spec.recipe, split, seed=seed, device="cpu")
        stale.network.load_state_dict(files["network"])
        stale.optimiser.load_state_dict(files["optimiser"])
        _, loaded = evaluate(stale.network, spec, split, "test")
        stale.epoch = SAVED_EPOCHS
        stale.run(spec.recipe.epochs)
    return {**resumed, "loaded": loaded, "stale": stale.result().test_accuracy}


def _saving(training: Training) -> dict[str, Any]:
    """What the document's files hold in the end; filled while the network trains."""
    files: dict[str, Any] = {}
    batches = -(-training.examples_per_epoch // (training.recipe.train_batch or 1))
    last = (SAVED_EPOCHS - 1) * batches + SAVED_BATCH + 1
    updates = 0

    def keep(*_: object) -> None:
        nonlocal updates
        updates += 1
        if updates == last:
            files["network"] = copy.deepcopy(training.network.state_dict())
            files["optimiser"] = copy.deepcopy(training.optimiser.state_dict())

    training.optimiser.register_step_post_hook(keep)
    return files


def go_on(data_root: Path, trial: str, seed: int, checkpoint: Path) -> dict[str, Any]:
    """The second half, in a process of its own: all it has is the checkpoint and the data."""
    spec = zoo.get(trial)
    split = view(load("mnist", data_root=data_root, seed=0), spec, spec.recipe)
    with deterministic():
        training = Training(spec, spec.recipe, split, seed=seed, device="cpu")
        training.load(checkpoint)
        training.run(spec.recipe.epochs)
        result = training.result()
    return {"resumed": result.test_accuracy, "resumed_sha256": result.weights_sha256}


def main() -> None:
    """Prints what `go_on` gives for the arguments of the command line, as JSON."""
    end_with(os.getppid())
    data_root, trial, seed, checkpoint = sys.argv[1:]
    json.dump(go_on(Path(data_root), trial, int(seed), Path(checkpoint)), sys.stdout)
