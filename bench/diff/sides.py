"""Two runs side by side, and whether comparing them is fair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records import environment
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.store import Store
from bench.results.runs import Results, read

Place = tuple[str, str]  # a model and the device that it ran on


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two runs.

    Attributes:
        name: What to call it.
        results: What its report shows.
        tested_on: By model, device and seed: checksum of the test samples, number of classes.
        timings: By model, device and phase, the fields of the timing records that are ok.
    """

    name: str
    results: Results
    tested_on: Mapping[tuple[str, str, int], tuple[str, int]]
    timings: Mapping[tuple[str, str, str], Mapping[str, Any]]

    @property
    def environment(self) -> Environment:
        """Where it ran."""
        return environment.recorded(self.results.request["environment"])

    @property
    def places(self) -> tuple[Place, ...]:
        """Its models, each with each of its devices."""
        return tuple((runs.model, runs.device) for runs in self.results.runs)


def open_side(name: str, folder: Path) -> Side:
    """The latest run in a report's folder.

    Raises:
        RequestError: There is none.
    """
    records = Store(folder)
    results = read(records)
    latest = records.latest(results.request["keys"]).values()
    trained = [record.fields for record in latest if record.kind == "train"]
    timed = [record.fields for record in latest if record.kind == "timing"]
    return Side(
        name=name,
        results=results,
        tested_on={
            (cell["model"], cell["device"], cell["seed"]): (cell["test_checksum"], cell["classes"])
            for cell in trained
        },
        timings={
            (timing["model"], timing["device"], timing["phase"]): timing
            for timing in timed
            if timing["status"] == "ok" and timing["deterministic"]
        },
    )


def shared(a: Side, b: Side) -> tuple[Place, ...]:
    """Models and devices that both runs have.

    Raises:
        RequestError: There are none.
    """
    both = tuple(place for place in a.places if place in b.places)
    if not both:
        ours, theirs = (
            ", ".join(f"{model} on {device}" for model, device in side.places) for side in (a, b)
        )
        raise RequestError(
            f"'{a.name}' and '{b.name}' have no model in common: A has {ours}; B has {theirs}"
        )
    return both


def unfairness(a: Side, b: Side) -> tuple[str, ...]:
    """Why comparing the two runs is unfair, a reason each; empty if it is fair.

    Beside all that can change the bits of a result on the shared devices, the processor, the
    operating system and Python count on every device, because they change its speed.
    """
    both = shared(a, b)
    found = [
        f"{name}: {ours} in A, {theirs} in B"
        for device in dict.fromkeys(device for _, device in both)
        for name, (ours, theirs) in environment.differences(
            _decisive(a.environment, device), _decisive(b.environment, device)
        ).items()
    ]
    cells = [cell for cell in a.tested_on if cell in b.tested_on]
    other = dict.fromkeys(
        model
        for model, device, seed in cells
        if a.tested_on[model, device, seed] != b.tested_on[model, device, seed]
    )
    if other:
        data = (
            f"{side.results.request['dataset']} "
            f"(SHA-256 {side.results.request['dataset_sha256'][:12]})"
            for side in (a, b)
        )
        found.append(f"data: {' in A, '.join(data)} in B; tests differ for {', '.join(other)}")
    return tuple(dict.fromkeys(found))


def recipe_changes(a: Side, b: Side) -> tuple[str, ...]:
    """What the recipes of shared models differ in, a line for each model."""
    lines = []
    for model in dict.fromkeys(model for model, _ in shared(a, b)):
        ours, theirs = (side.results.request["recipes"][model] for side in (a, b))
        changed = environment.differences(ours, theirs)
        if changed:
            listed = ", ".join(f"{name} {x} in A, {y} in B" for name, (x, y) in changed.items())
            lines.append(f"{model}: {listed}")
    return tuple(lines)


def _decisive(there: Environment, device: str) -> dict[str, object]:
    return {
        **there.decisive(device),
        "system": there.system,
        "processor": there.processor,
        "python": there.python,
    }
