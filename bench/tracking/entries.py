"""Training runs as trackers want them: parameters, metrics, and curves over epochs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass

from bench.cells.jobs import run_name
from bench.records.kinds import Train
from bench.results.runs import Results, Runs

Value = str | int | float | bool
Curve = tuple[tuple[int, float], ...]  # epoch, value


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One training run.

    Attributes:
        name: Of the run among those of its report: `lenet-cpu-1`.
        key: Of its record.
        went_through: Whether it ended without an error; one that diverged did.
        parameters: What was set: network, data, recipe.
        metrics: What came of it; accuracies are fractions in 0..1.
        curves: By name, values after epochs; epoch 0 is the untrained network.
    """

    name: str
    key: str
    went_through: bool
    parameters: dict[str, Value]
    metrics: dict[str, float]
    curves: dict[str, Curve]


def entries(results: Results) -> tuple[Entry, ...]:
    """The training runs of a report that have a record, in the order of the request."""
    return tuple(
        Entry(
            name=run_name(record),
            key=record.key,
            went_through=record.status == "ok",
            parameters=_parameters(results, runs, record),
            metrics=_metrics(record),
            curves=_curves(record),
        )
        for runs in results.runs
        for record in runs.cells.values()
        if record.key  # one whose record was lost has none
    )


def summary(results: Results) -> dict[str, float]:
    """By `network/device/metric`, what a comparison comes to."""
    found: dict[str, float] = {}
    for runs in results.runs:
        place = f"{runs.model.replace(':', '-')}/{runs.device}"
        speed = results.speeds.get((runs.model, runs.device))
        if runs.summary is not None:
            found[f"{place}/test_accuracy_mean"] = runs.summary.mean
        if speed is not None and speed.train_samples_per_second is not None:
            found[f"{place}/train_samples_per_second"] = speed.train_samples_per_second
    return found


def _parameters(results: Results, runs: Runs, record: Train) -> dict[str, Value]:
    """All that was set; fields of the recipe have its own names, those within others a dot."""
    recipe = asdict(results.request.recipes[runs.model])
    optimiser = recipe.pop("optimiser")
    count = results.counts.get(runs.model)
    found = {
        "model": record.model,
        "document": results.request.documents[runs.model],
        "dataset": record.dataset,
        "recipe": record.recipe,
        "seed": record.seed,
        "device": record.device,
        "train_samples": record.train_samples,
        "parameters": count.module_parameters if count else None,
        "macs": count.macs if count else None,
        **{f"optimiser.{name}": value for name, value in optimiser.items()},
        **{f"recipe.{name}": value for name, value in recipe.items()},
    }
    return {
        name: value if isinstance(value, Value) else str(value)
        for name, value in found.items()
        if value is not None and value != ()
    }


def _metrics(record: Train) -> dict[str, float]:
    found = {
        "test_accuracy": record.test_accuracy,
        "test_accuracy_selected": record.test_accuracy_selected,
        "validation_accuracy": record.validation_accuracy,
        "train_seconds": record.train_seconds,
        "updates": record.updates,
        "diverged_at": record.diverged_at,
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def _curves(record: Train) -> dict[str, Curve]:
    """Losses that are not finite are left out, as the records have no number for them."""
    test = record.test_curve
    curves: dict[str, Curve] = {
        "loss/train": _training_losses(record),
        "loss/test": tuple((p.epoch, p.loss) for p in test if p.loss is not None),
        "accuracy/test": tuple((p.epoch, p.accuracy) for p in test),
        "accuracy/validation": tuple(
            (p.epoch, p.validation_accuracy) for p in test if p.validation_accuracy is not None
        ),
    }
    return {name: curve for name, curve in curves.items() if curve}


def _training_losses(record: Train) -> Curve:
    """The mean training loss of each epoch that the records have; they may leave epochs out."""
    tested = [point for point in record.test_curve if point.epoch > 0]
    if not tested:
        return ()
    examples = tested[0].examples_seen // tested[0].epoch  # of an epoch
    points = defaultdict(list)
    for point in record.training_curve:
        points[-(-point.examples_seen // examples)].append(point)
    found = []
    for epoch, own in points.items():
        before, total = (epoch - 1) * examples, 0.0
        for point in own:
            if point.loss is None:
                break
            total += point.loss * (point.examples_seen - before)
            before = point.examples_seen
        else:
            found.append((epoch, total / examples))
    return tuple(found)
