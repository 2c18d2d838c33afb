"""The report, rendered from records written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.records import Record

GOLDEN = Path(__file__).parent / "golden" / "report.md"
SEEDS = (1, 2, 3)
# Of 400 test samples. Means: 390, 370, 390; and lenet-rgb of 30.
RIGHT = {
    "lenet": (388, 390, 392),
    "lenet5-relu-max": (388, 390, 392),
    "lenet5-sigmoid-max": (371, 366, 373),
    "net": (391, 389, 390),
}


def train_record(model: str, seed: int, right: int, **changes: Any) -> Record:
    twin = "lenet" if model == "lenet5-relu-max" else model
    fields = {
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
        "status": "ok",
        "test_accuracy": right / 400,
        "test_accuracy_selected": None,
        "validation_accuracy": 0.9,
        "updates": 8,
        "train_seconds": 1.0 + seed,
        "weights_sha256": f"{twin}-{seed}",
        "misclassified": [[index, 0] for index in range(400 - right)],
        "training_curve": [[100, 1.0], [200, 0.5]],
        "test_curve": [[0, 0, 2.3, 0.1, 0.1], [1, 100, 0.8, 0.9, 0.9], [2, 200, 0.4, 0.97, 0.9]],
        **changes,
    }
    return Record(kind="train", key=f"train-{model}-{seed}", fields=fields)


def failed_record(model: str, seed: int) -> Record:
    record = train_record(model, seed, 0)
    gone = ("test_accuracy", "weights_sha256", "misclassified", "training_curve", "test_curve")
    fields = {name: value for name, value in record.fields.items() if name not in gone}
    failure = {"status": "failed", "error": "RuntimeError: out of memory (train.py:1)"}
    return Record(kind="train", key=record.key, fields={**fields, **failure})


def timing_record(model: str, phase: str, **fields: Any) -> Record:
    shared = {"model": model, "device": "cpu", "phase": phase, "status": "ok", "steps_per_block": 2}
    return Record(kind="timing", key=f"timing-{model}-{phase}", fields={**shared, **fields})


def count_record(model: str, parameters: int, macs: int) -> Record:
    fields = {
        "model": model,
        "status": "ok",
        "declared_parameters": parameters,
        "module_parameters": parameters,
        "reached_parameters": parameters,
        "macs": macs,
        "weight_bytes": 4 * parameters,
        "activation_bytes": 2_048,
    }
    return Record(kind="count", key=f"count-{model}", fields=fields)


def request_record(keys: list[str], models: list[str]) -> Record:
    fields = {
        "models": ["lenet", "lenet5-*"],
        "dataset": "digits",
        "dataset_sizes": [100, 20, 400],
        "dataset_sha256": "0123456789abcdef0123",
        "recipe": "common",
        "seeds": list(SEEDS),
        "devices": ["cpu"],
        "ran": models,
        "left_out": [{"model": "bp-100", "reason": "'bp-100' is heavy and waits to be named"}],
        "command": "python -m bench.compare --models lenet,lenet5-*",
        "documents": dict.fromkeys(models, "some-document"),
        "recipes": {},
        "recipe_words": {},
        "deviations": {},
        "test_pictures": None,
        "environment": {
            "system": "Linux x86_64",
            "processor": "A processor",
            "cores": 2,
            "memory_bytes": 8 * 2**30,
            "instruction_set": "AVX2",
            "gpu": None,
            "cuda": None,
            "python": "3.11.0",
            "packages": {"torch": "2.0"},
            "flags": {"TF32": "off"},
            "commit": "abc",
        },
        "keys": keys,
    }
    return Record(kind="request", key="request", fields=fields)
