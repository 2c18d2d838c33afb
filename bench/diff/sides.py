"""Two runs side by side, and whether comparing them is fair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.records import kinds
from bench.records.environment import Environment, differences
from bench.records.errors import RequestError
from bench.records.store import Store
from bench.results.runs import Results, read
from bench.results.speeds import NO_SPEED, YARDSTICK, Pace, log_per_yardstick
from bench.statistics.basics import Floats

Place = tuple[str, str]  # a model and the device that it ran on


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two runs.

    Attributes:
        name: What to call it.
        results: What its report shows.
        timings: By model, device and phase, what was measured with the deterministic flags.
    """

    name: str
    results: Results
    timings: Mapping[tuple[str, str, str], kinds.Timing]

    @property
    def places(self) -> tuple[Place, ...]:
        """Its models, each with each of its devices."""
        return tuple((runs.model, runs.device) for runs in self.results.runs)

    def pace(self, place: Place, phase: str) -> Pace | None:
        """How fast a phase is; None where that was not measured."""
        found: Pace | None = getattr(self.results.speeds.get(place, NO_SPEED), phase)
        return found

    def log_per_yardstick(self, place: Place, phase: str) -> Floats | None:
        """Logs of a phase's samples in the time of a yardstick, by process; None without one."""
        pace = self.pace(place, phase)
        if pace is None or pace.per_yardstick is None:
            return None
        return log_per_yardstick(
            self.timings[*place, phase], self.timings[YARDSTICK, place[1], YARDSTICK]
        )

    @property
    def tested_on(self) -> dict[tuple[str, str, int], tuple[str, int]]:
        """By model, device and seed: checksum of the test samples, number of classes."""
        return {
            (runs.model, runs.device, seed): (cell.test_checksum, cell.classes)
            for runs in self.results.runs
            for seed, cell in runs.cells.items()
        }


def open_side(name: str, folder: Path) -> Side:
    """The latest run in a report's folder.

    Raises:
        RequestError: There is none.
    """
    results = read(Store(folder))
    return Side(
        name=name,
        results=results,
        timings={
            (timing.model, timing.device, timing.phase): timing
            for timing in results.timings
            if timing.deterministic
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
            f"'{a.name}' and '{b.name}' have no model in common: A has {ours}; B has {theirs}; "
            "compare reports that share one"
        )
    return both


def unfairness(a: Side, b: Side) -> tuple[str, ...]:
    """Why comparing the two runs is unfair, a reason each; empty if it is fair.

    Beside all that can change the bits of a result on the shared devices, the processor, the
    operating system and Python count on every device, because they change its speed.
    """
    ours, theirs = a.results.request, b.results.request
    found = [
        f"{name}: {one} in A, {other} in B"
        for device in dict.fromkeys(device for _, device in shared(a, b))
        for name, (one, other) in differences(
            _decisive(ours.environment, device), _decisive(theirs.environment, device)
        ).items()
    ]
    left, right = a.tested_on, b.tested_on
    models = dict.fromkeys(cell[0] for cell in left if right.get(cell, left[cell]) != left[cell])
    if models:
        data = [f"{run.dataset} (SHA-256 {run.dataset_sha256[:12]})" for run in (ours, theirs)]
        found.append(f"data: {' in A, '.join(data)} in B; tests differ for {', '.join(models)}")
    return tuple(dict.fromkeys(found))


def recipe_changes(a: Side, b: Side) -> dict[str, dict[str, tuple[object, object]]]:
    """By shared model whose recipes differ: by name, the value in A and in B."""
    ours, theirs = (side.results.request.recipes for side in (a, b))
    found = {
        model: differences(asdict(ours[model]), asdict(theirs[model])) for model, _ in shared(a, b)
    }
    return {model: changed for model, changed in found.items() if changed}


def _decisive(there: Environment, device: str) -> dict[str, object]:
    return {
        **there.decisive(device),
        "system": there.system,
        "processor": there.processor,
        "python": there.python,
    }
