"""`python -m bench.gpu_check.throughput`: samples a second at every batch, and many seeds at once.

Writes `throughput.csv` and `seeds.csv`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import zoo
from bench.cells.batched import train_together
from bench.cells.common_recipe import common_recipe
from bench.cells.data import load
from bench.cells.determinism import deterministic
from bench.cells.graphs import graphed
from bench.cells.jobs import failure
from bench.cells.losses import LOSSES
from bench.cells.splits import view
from bench.cells.train import first_network, make_optimiser, place, train, training_step
from bench.cli.parser import Parser, command

MODELS = ("lenet", "cnn", "dnn", "net", "lenet-sigmoid")
BATCHES = tuple(2**power for power in range(14))
SEEDS = (1, 8, 32)
BLOCKS, BLOCK_SECONDS = 5, 0.05
EPOCHS = 20  # of digits, so that starting does not count for much


@command("bench.gpu_check.throughput")
def main(arguments: list[str] | None) -> int:
    """Measures and writes both tables.

    Returns:
        0; what fails is a line with its reason.
    """
    parser = Parser("bench.gpu_check.throughput", __doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the tables go")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a trial (cuda)")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("seeds", seeds_together), ("throughput", throughput)):
        table = pd.DataFrame(rows(options.device))
        table.to_csv(options.folder / f"{name}.csv", index=False)
        print(table.to_string(index=False))
    return 0


def throughput(
    device: str, models: tuple[str, ...] = MODELS, batches: tuple[int, ...] = BATCHES
) -> Iterator[dict[str, Any]]:
    """Samples a second: training steps as they are and in a graph, answers without training."""
    for model in models:
        for batch in batches:
            for way in ("step", "graph", "inference"):
                row = {"model": model, "device": device, "batch": batch, "way": way}
                try:
                    with deterministic(), warnings.catch_warnings():
                        warnings.simplefilter("error")  # a graph that is none is no graph's speed
                        seconds = _seconds(_work(model, batch, way, torch.device(device)), device)
                    yield {**row, "samples_per_second": batch / seconds, "error": None}
                except Exception as error:
                    yield {**row, "samples_per_second": None, "error": failure(error)}


def _work(model: str, batch: int, way: str, device: torch.device) -> Callable[[], object]:
    spec = zoo.get(model)
    network = first_network(spec, spec.recipe, seed=1)
    place(network, device)
    samples = torch.rand(batch, *spec.input_shape, device=device)
    if samples.dim() == 4:
        samples = samples.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % spec.classes
    if way == "inference":
        network.eval()
        return torch.inference_mode()(partial(network, samples))
    optimiser = make_optimiser(network.parameters(), spec.recipe.optimiser)
    step = partial(training_step, network, optimiser, LOSSES[spec.recipe.loss])
    if way == "graph":
        return partial(graphed(step, network, optimiser, samples, labels), samples, labels)
    return partial(step, samples, labels)


def _seconds(work: Callable[[], object], device: str) -> float:
    """Of one call: the fastest of some blocks, each long enough for the clock."""

    def block(calls: int) -> float:
        _synchronise(device)
        started = time.perf_counter()
        for _ in range(calls):
            work()
        _synchronise(device)
        return (time.perf_counter() - started) / calls

    block(3)
    calls = max(1, int(BLOCK_SECONDS / block(3)))
    return min(block(calls) for _ in range(BLOCKS))


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def seeds_together(
    device: str, models: tuple[str, ...] = ("lenet", "dnn"), epochs: int = EPOCHS
) -> Iterator[dict[str, Any]]:
    """By network: seconds of one seed trained by itself, and of many trained at once."""
    digits = load("digits", data_root=Path(), seed=0)
    for model in models:
        spec = zoo.get(model)
        recipe = replace(common_recipe(spec), epochs=epochs)
        split = view(digits, spec, recipe)
        row = {"model": model, "device": device}
        alone = train(spec, recipe, split, seed=1, device=device).train_seconds
        yield {**row, "engine": "sequential", "seeds": 1, "seconds": alone, "times_one": 1.0}
        for count in SEEDS:
            made = train_together(
                spec, recipe, split, seeds=tuple(range(1, count + 1)), device=device
            )
            seconds = sum(one.train_seconds for one in made)
            yield {
                **row,
                "engine": "batched",
                "seeds": count,
                "seconds": seconds,
                "times_one": seconds / alone,
            }


if __name__ == "__main__":
    raise SystemExit(main())
