"""The report on time to accuracy: a table for each target, the figure, and the published mark."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from statistics import mean, median

from bench.cells.fast_recipe import MODEL, TARGET
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.place import own_folder, replacing, write_text
from bench.records.store import Store, latest, of_kind
from bench.time_to_accuracy.crossings import POINTS_PER_EPOCH, Crossing, Points, crossing
from bench.time_to_accuracy.figure import draw
from bench.writing.style import save
from bench.writing.templates import render

TARGETS = (0.97, 0.98, 0.985, 0.99)
FIGURE = "validation-error"
DESCRIPTION = "Validation error over seconds of training, both logarithmic"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What was published elsewhere; quoted, not measured here.

    Attributes:
        target: The test accuracy that it is about.
        seconds: Of training.
        accuracy: Mean test accuracy then.
        gpu: Of the laptop that it was measured on.
        source: Where it stands.
    """

    target: float = 0.99
    seconds: float = 0.762
    accuracy: float = 0.9904
    gpu: str = "GeForce GTX 1660 Ti"
    source: str = "https://github.com/tuomaso/train_mnist_fast"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A network's line in a target's table."""

    model: str
    crossing: Crossing


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target's table.

    Attributes:
        accuracy: Of the validation samples, a fraction.
        rows: The networks of which a seed reaches it, the fastest first.
        never: The others.
    """

    accuracy: float
    rows: tuple[Row, ...]
    never: tuple[str, ...]

    @property
    def best(self) -> Row | None:
        """The network with the least median time; None where no median is finite."""
        return self.rows[0] if self.finite else None

    @property
    def finite(self) -> int:
        """Networks whose median time is finite: more than half of their seeds reach it."""
        return sum(math.isfinite(row.crossing.steady) for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A network at the end of the recipe.

    Attributes:
        steady: Median seconds of all training steps.
        test: Mean test accuracy over seeds.
    """

    steady: float
    test: float


@dataclass(frozen=True, kw_only=True)
class RacePage:
    """What the page shows.

    Attributes:
        networks: How many ran.
        seeds: All of them.
        device: Where they ran.
        targets: A table each.
        steady: By network, the fastest first at the highest target, the median seconds of training
            steps to each target; infinite where most of its seeds miss it.
        best: The network that is first at the highest target that most seeds of some network reach.
        best_target: That target.
        whole: That network at the end of the recipe; None where a seed did not come so far.
        mark: What was published elsewhere.
        recipe: The recipe, without the loss.
        chosen_for: The network that it was chosen for.
        chosen_target: The accuracy that it was chosen to reach.
        twins: By network, other names of it.
        sizes: Training, validation and test samples.
        points_per_epoch: How often the clocks stand still.
        failures: Runs that ended early, a line each.
        left_out: The networks that did not run.
        command: The command line that makes the report again.
        figure: What the figure shows; None where there is none.
        environment: Where it was measured.
    """

    networks: int
    seeds: tuple[int, ...]
    device: str
    targets: tuple[Target, ...]
    steady: dict[str, tuple[float, ...]]
    best: Row | None
    best_target: float | None
    whole: Whole | None
    recipe: str
    twins: dict[str, tuple[str, ...]]
    sizes: tuple[int, int, int]
    failures: tuple[str, ...]
    left_out: tuple[kinds.LeftOut, ...]
    command: str
    figure: str | None
    environment: Environment
    mark: Mark = Mark()
    chosen_for: str = MODEL
    chosen_target: float = TARGET
    points_per_epoch: int = POINTS_PER_EPOCH
    infinity: float = math.inf


def write_page(folder: Path) -> None:
    """Writes report, figure and table into the folder that holds the records."""
    records = Store(folder).read()
    race = of_kind(records, kinds.AccuracyRace)[-1]
    runs = of_kind(latest(records, race.keys).values(), kinds.TimeToAccuracy)
    points = _by_model(runs)
    own_folder(folder / "figures")
    drawn = save(partial(draw, points, TARGETS), folder / "figures" / f"{FIGURE}.svg", DESCRIPTION)
    view = page_view(race, runs, DESCRIPTION if drawn else None)
    write_text(folder / "report.md", render(Path(__file__).parent, "time-to-accuracy", view) + "\n")
    _write_csv(folder / "results.csv", {t: crossings(points, t) for t in TARGETS})


def page_view(
    race: kinds.AccuracyRace, runs: Sequence[kinds.TimeToAccuracy], figure: str | None
) -> RacePage:
    """What the page shows of the records of a race and its runs."""
    points = _by_model(runs)
    found = {accuracy: crossings(points, accuracy) for accuracy in TARGETS}
    targets = tuple(_target(accuracy, by_model) for accuracy, by_model in found.items())
    reached = [target for target in targets if target.best is not None]
    best = reached[-1].best if reached else None
    return RacePage(
        networks=len(points),
        seeds=race.seeds,
        device=race.device,
        targets=targets,
        steady=_steady(found),
        best=best,
        best_target=reached[-1].accuracy if reached else None,
        whole=_whole([run for run in runs if best is not None and run.model == best.model]),
        recipe=str(runs[0].recipe).rpartition(",")[0],
        twins={run.model: run.twins for run in runs if run.twins},
        sizes=race.dataset_sizes,
        failures=tuple(f"{run}: {run.error}" for run in runs if run.error),
        left_out=race.left_out,
        command=race.command,
        figure=figure,
        environment=race.environment,
    )


def crossings(points: Mapping[str, Sequence[Points]], target: float) -> dict[str, Crossing]:
    """By network, how its seeds reach a target."""
    return {model: crossing(seeds, target) for model, seeds in points.items()}


def _target(accuracy: float, found: Mapping[str, Crossing]) -> Target:
    rows = [Row(model=model, crossing=c) for model, c in found.items() if c.reached]
    return Target(
        accuracy=accuracy,
        rows=tuple(sorted(rows, key=lambda row: (row.crossing.steady, -row.crossing.reached))),
        never=tuple(model for model, c in found.items() if not c.reached),
    )


def _steady(found: Mapping[float, Mapping[str, Crossing]]) -> dict[str, tuple[float, ...]]:
    models = next(iter(found.values()))
    steady = {model: tuple(at[model].steady for at in found.values()) for model in models}
    return dict(sorted(steady.items(), key=lambda item: item[1][::-1]))


def _by_model(runs: Sequence[kinds.TimeToAccuracy]) -> dict[str, list[Points]]:
    """By network, in the order of names, the points of its seeds."""
    points: dict[str, list[Points]] = {model: [] for model in sorted({run.model for run in runs})}
    for run in runs:
        points[run.model].append(run.points)
    return points


def _whole(runs: Sequence[kinds.TimeToAccuracy]) -> Whole | None:
    if not runs or any(run.error for run in runs):
        return None
    return Whole(
        steady=median(run.points[-1].steady_seconds for run in runs),
        test=mean(run.points[-1].test_accuracy for run in runs),
    )


def _write_csv(path: Path, found: Mapping[float, Mapping[str, Crossing]]) -> None:
    """One row for each target and network, unrounded; `inf` where half the seeds or more miss."""
    names = [field.name for field in fields(Crossing)]
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["target", "model", *names])
        for target, by_model in found.items():
            for model, c in by_model.items():
                rows.writerow([target, model, *(getattr(c, name) for name in names)])
