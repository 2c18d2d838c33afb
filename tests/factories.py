"""Records written by hand, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.records import kinds
from bench.records.environment import Environment
from bench.records.store import Store
from bench.records.wrong_answers import WrongAnswers, from_plain
from zoo import Recipe
from zoo.spec import MNIST_STATISTICS, Optimiser

SEEDS = (1, 2, 3)
RECIPE = Recipe(
    dataset="any",
    normalisation=MNIST_STATISTICS,
    train_batch=32,
    test_batch=256,
    loss="cross-entropy",
    optimiser=Optimiser(name="adam", learning_rate=0.003),
    epochs=2,
    holds_out_validation=True,
)
MACHINE = Environment(
    system="Linux x86_64",
    processor="A processor",
    cores=2,
    memory_bytes=8 * 2**30,
    instruction_set="AVX2",
    gpu=None,
    cuda=None,
    python="3.11.0",
    packages={"torch": "2.0"},
    flags={"TF32": "off"},
    commit="abc",
)


def train_record(model: str, seed: int, right: int, **changes: Any) -> kinds.Train:
    """A cell that got so many of 400 test samples right; `lenet5-relu-max` has lenet's weights."""
    twin = "lenet" if model == "lenet5-relu-max" else model
    fields: dict[str, Any] = {
        "key": f"train-{model}-{seed}",
        "model": model,
        "dataset": "digits",
        "recipe": "common",
        "seed": seed,
        "device": "cpu",
        "epochs": 2,
        "jobs": 2,
        "classes": 10,
        "train_samples": 100,
        "test_samples": 400,
        "test_checksum": "one",
        "data_sha256": "data",
        "code_sha256": f"code of {twin}",
        "status": "ok",
        "test_accuracy": right / 400,
        "validation_accuracy": 0.9,
        "updates": 8,
        "train_seconds": 1.0 + seed,
        "weights_sha256": f"{twin}-{seed}",
        "misclassified": [(index, (index + 1) % 10) for index in range(400 - right)],
        "training_curve": [(100, 1.0), (200, 0.5)],
        "test_curve": [(0, 0, 2.3, 0.1, 0.1), (1, 100, 0.8, 0.9, 0.9), (2, 200, 0.4, 0.97, 0.9)],
        **changes,
    }
    fields["misclassified"] = from_plain(fields["misclassified"])
    return msgspec.convert({"kind": "train", **fields}, kinds.Train)


def failed_record(model: str, seed: int) -> kinds.Train:
    """A cell that raised."""
    return msgspec.structs.replace(
        train_record(model, seed, 0),
        status="failed",
        error="RuntimeError: out of memory (train.py:1)",
        test_accuracy=None,
        weights_sha256=None,
        misclassified=WrongAnswers(),
        training_curve=(),
        test_curve=(),
    )


PROCESSES, ROUNDS = 5, 8


def timing_records(model: str, block_seconds: float) -> list[kinds.Timing]:
    """A network whose blocks take so long, a hundredth more or less in turns, in all processes."""
    phases: dict[str, dict[str, Any]] = {
        "train": {"batch": 64, "block_seconds": _blocks(block_seconds)},
        "inference": {"batch": 64, "block_seconds": _blocks(block_seconds / 2)},
        "latency": {
            "batch": 1,
            "calls": 1_000,
            "block_seconds": _blocks(block_seconds / 20),
            **{f"latency_p{p}_seconds": p / 1e5 for p in (50, 95, 99)},
        },
    }
    return [_timing_record(model, phase, **fields) for phase, fields in phases.items()]


def yardstick_record(block_seconds: float) -> kinds.Timing:
    """The yardstick, whose steps take half of a block."""
    blocks = _blocks(block_seconds)
    return _timing_record("yardstick", "yardstick", batch=1, block_seconds=blocks)


def _timing_record(model: str, phase: Any, **fields: Any) -> kinds.Timing:
    return kinds.Timing(
        key=f"timing-{model}-{phase}",
        model=model,
        device="cpu",
        phase=phase,
        deterministic=True,
        status="ok",
        steps_per_block=2,
        peak_memory_bytes=3 * 2**20,
        processes=PROCESSES,
        **fields,
    )


def _blocks(seconds: float) -> tuple[tuple[float, ...], ...]:
    rounds = tuple(seconds * (1.01 if r % 2 else 0.99) for r in range(ROUNDS))
    return (rounds,) * PROCESSES


def count_record(model: str, parameters: int, macs: int) -> kinds.Count:
    """A network whose three counts agree."""
    return kinds.Count(
        key=f"count-{model}",
        model=model,
        status="ok",
        declared_parameters=parameters,
        module_parameters=parameters,
        reached_parameters=parameters,
        macs=macs,
        weight_bytes=4 * parameters,
        activation_bytes=2_048,
    )


def reference_record(name: str, right: int, **changes: Any) -> kinds.Reference:
    """One class for every sample, which is right for the 40 of 400 that show 0; or a regression."""
    wrong = [index for index in range(400) if index % 10] if right == 40 else range(400 - right)
    fields: dict[str, Any] = {
        "baseline": name,
        "seed": None,
        "classes": 10,
        "train_samples": 100,
        "test_samples": 400,
        "test_checksum": "one",
        "data_sha256": "grey",
        "status": "ok",
        "parameters": None if name == "largest class" else (784 + 1) * 10,
        "test_accuracy": right / 400,
        "misclassified": WrongAnswers((index, 0) for index in wrong),
        **changes,
    }
    return kinds.Reference(key=f"baseline-{name}-{fields['test_checksum']}", **fields)


def request_record(keys: list[str], models: list[str], **changes: Any) -> kinds.Request:
    """A run of these models on digits under the common recipe."""
    fields: dict[str, Any] = {
        "models": ("lenet", "lenet5-*"),
        "dataset": "digits",
        "dataset_sizes": (100, 20, 400),
        "dataset_sha256": "0123456789abcdef0123",
        "recipe": "common",
        "seeds": SEEDS,
        "devices": ("cpu",),
        "ran": tuple(models),
        "baseline": "lenet",
        "left_out": (
            kinds.LeftOut(model="bp-100", reason="'bp-100' is heavy and waits to be named"),
        ),
        "command": "python -m bench.compare --models lenet,lenet5-*",
        "documents": dict.fromkeys(models, "some-document"),
        "recipes": dict.fromkeys(models, RECIPE),
        "deviations": dict.fromkeys(models, ()),
        "test_pictures": None,
        "test_labels": "0123456789" * 40,
        "environment": MACHINE,
        "keys": tuple(keys),
        **changes,
    }
    return kinds.Request(key="request", **fields)


# Of 400 test samples. Means: 390, 370, 390; and a twin of lenet.
RIGHT = {
    "lenet": (388, 390, 392),
    "lenet5-relu-max": (388, 390, 392),
    "lenet5-sigmoid-max": (371, 366, 373),
    "net": (391, 389, 390),
}


def stored(
    folder: Path, records: Sequence[kinds.Record], models: Iterable[str], **changes: Any
) -> Store:
    """A report of these records, the request that lists them behind them."""
    store = Store(folder)
    for record in (*records, request_record([r.key for r in records], list(models), **changes)):
        store.append(record)
    return store


def written_report(folder: Path) -> Store:
    """Four networks, two of them twins, one whose third seed failed; both references."""
    records: list[kinds.Record] = [
        train_record(model, seed, right)
        for model, rights in RIGHT.items()
        for seed, right in zip(SEEDS, rights, strict=True)
    ]
    records[-1] = failed_record("net", 3)
    for model, seconds in (("lenet", 0.020), ("lenet5-sigmoid-max", 0.021), ("net", 0.010)):
        records += timing_records(model, seconds)
    records.append(yardstick_record(0.005))
    records += [count_record(model, 61_706, 416_520) for model in RIGHT]
    records += [reference_record("largest class", 40), reference_record("logistic regression", 372)]
    return stored(folder, records, RIGHT)
