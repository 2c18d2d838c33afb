"""Records to tables: what ran, per model and device, unrounded."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench.cells.reference import LARGEST_CLASS, LOGISTIC_REGRESSION, NAMES
from bench.records.errors import RequestError
from bench.records.store import Record, Store
from bench.statistics.accuracy import Summary, exact, paired_difference, summarise
from bench.statistics.speed import Array, SpeedRatio, compare, count_outliers, noise_floor

CSV_COLUMNS = (
    *("model", "device", "dataset", "recipe", "seeds", "parameters", "macs"),
    *("test_accuracy_mean", "test_accuracy_low", "test_accuracy_high"),
    *("train_seconds_median", "train_samples_per_second", "inference_samples_per_second"),
    *("latency_p50_seconds", "latency_p99_seconds", "peak_memory_bytes", "status"),
    *("latency_p95_seconds", "test_accuracy_std", "test_accuracy_min", "test_accuracy_max"),
    *("test_accuracy_selected_mean", "validation_accuracy_mean", "test_samples"),
    *("document", "ranking_group", "largest_class_share", "logistic_regression_accuracy"),
)


FREE = "train without deterministic flags"  # a phase of its own beside those of the records


class MissingRunError(RequestError):
    """There are no records of a run."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a network's accuracy is held against: an answer that needs no network.

    Attributes:
        name: One of `bench.baselines.NAMES`.
        parameters: Numbers that were fitted; None where there are no weights.
        accuracy: Test accuracy by seed of the networks, fractions in 0..1; the same for every seed
            that has the same samples.
    """

    name: str
    parameters: int | None
    accuracy: dict[int, float]

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds, exact, so that equal ones keep their bits."""
        return float(statistics.mean(map(exact, self.accuracy.values())))

    def minus(self, network: Runs) -> Summary | None:
        """Test accuracy, paired over the seeds that both have; None if there are none."""
        return _paired(self.accuracy, network.accuracy)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """A model's cells on one device.

    Attributes:
        model: Registry name.
        device: Where they ran.
        accuracy: Test accuracy by seed, of the cells that ran, fractions in 0..1.
        digests: Digest of the weights by seed.
        selected: Accuracy at the document's best test epoch by seed, where it picks one.
        validation: Accuracy on held-out samples by seed, where some are held out.
        train_seconds: Wall time of training by seed.
        misclassified: Wrong test samples by seed: index among the test samples to class answered.
        curves: By seed, training points (examples, loss) and test points (epoch, examples, loss,
            accuracy, validation accuracy).
        test_samples: How many samples the accuracy is a fraction of.
        classes: How many classes there are to tell apart.
        test_checksums: Identity of the test samples by seed.
        ranking_group: Equal for models that are tested on the same samples and classes.
        same_samples: Whether every seed was tested on the same samples.
        errors: By seed, what a failed cell raised.
        jobs: How many cells were trained side by side.
    """

    model: str
    device: str
    accuracy: dict[int, float]
    digests: dict[int, str]
    selected: dict[int, float]
    validation: dict[int, float]
    train_seconds: dict[int, float]
    misclassified: dict[int, dict[int, int]]
    curves: dict[int, tuple[list[list[float]], list[list[float]]]]
    test_samples: int
    classes: int
    test_checksums: dict[int, str]
    ranking_group: str
    same_samples: bool
    errors: dict[int, str]
    jobs: int

    @cached_property
    def summary(self) -> Summary | None:
        """Test accuracy over seeds; None if no cell ran."""
        return summarise(list(map(exact, self.accuracy.values()))) if self.accuracy else None

    def minus(self, other: Runs | Baseline) -> Summary | None:
        """Test accuracy, paired over the seeds that both ran; None if there are none."""
        return _paired(self.accuracy, other.accuracy)

    def is_no_better_than(self, baseline: Baseline) -> bool:
        """Whether it ran and is not right more often than a baseline, on average over its seeds."""
        difference = self.minus(baseline)
        return difference is not None and difference.mean <= 0

    def is_twin_of(self, other: Runs) -> bool:
        """Whether both ended in the same weights for every seed."""
        return bool(self.digests) and self.digests == other.digests


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Samples per second of one workload over its blocks, and what they say of a difference.

    Attributes:
        samples_per_second: Median over the blocks of both labels.
        quartiles: First and third quartile of samples per second.
        blocks: How many blocks there are.
        outliers: How many of them lie beyond Tukey's fences; they are part of all numbers.
        noise_floor: By how much the workload may seem to differ from itself, as a fraction.
        ratio: Its speed over the baseline's; None for the baseline, and where that failed.
        gpu: Ranges of clock, power and temperature and the throttle reasons seen, or None.
    """

    samples_per_second: float
    quartiles: tuple[float, float]
    blocks: int
    outliers: int
    noise_floor: float
    ratio: SpeedRatio | None
    gpu: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Measured speed of a model on a device; None for what could not be measured.

    Attributes:
        train: Training steps at batch 64.
        inference: Forward passes at batch 64.
        free_over_deterministic: How many times as fast a training step is that need not be
            deterministic; measured for the baseline only.
        latency_p50_seconds: Median time of a single sample's forward pass.
        latency_p95_seconds: Its 95th percentile.
        latency_p99_seconds: Its 99th percentile.
        peak_memory_bytes: What one training step holds at most.
    """

    train: Throughput | None
    inference: Throughput | None
    free_over_deterministic: SpeedRatio | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    peak_memory_bytes: int | None

    @property
    def train_samples_per_second(self) -> float | None:
        """Median throughput of training."""
        return self.train.samples_per_second if self.train else None

    @property
    def inference_samples_per_second(self) -> float | None:
        """Median throughput of inference."""
        return self.inference.samples_per_second if self.inference else None


NO_SPEED = Speed(
    train=None,
    inference=None,
    free_over_deterministic=None,
    latency_p50_seconds=None,
    latency_p95_seconds=None,
    latency_p99_seconds=None,
    peak_memory_bytes=None,
)


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that a report shows, read from the records of one run.

    Attributes:
        request: The run's own record: what was asked for, recipes, environment.
        runs: One for every model and device, in the order of the request.
        speeds: By model and device.
        counts: By model, the fields of `bench.count.Count`, where counting succeeded.
        failures: Cells, counts and measurements that failed, a line each.
        experiments: By name, the fields of the experiments made on top of this run.
        baselines: By ranking group, what its networks are held against; older runs have none.
    """

    request: Mapping[str, Any]
    runs: tuple[Runs, ...]
    speeds: Mapping[tuple[str, str], Speed]
    counts: Mapping[str, Mapping[str, int]]
    failures: tuple[str, ...]
    experiments: Mapping[str, tuple[Mapping[str, Any], ...]]
    baselines: Mapping[str, tuple[Baseline, ...]] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[tuple[Runs, ...], ...]:
        """Networks tested on the same samples, in order; the largest group first.

        First those that are `ranked`, the highest mean first; then those that ran other seeds, and
        those that did not run. Equal ones are in the order of the request.
        """
        grouped: dict[tuple[str, str], list[Runs]] = {}
        for runs in self.runs:
            grouped.setdefault((runs.device, runs.ranking_group), []).append(runs)
        ordered = (tuple(_in_order(group)) for group in grouped.values())
        return tuple(sorted(ordered, key=len, reverse=True))

    def get(self, model: str, device: str) -> Runs | None:
        """A model's runs on a device, if it is part of the run and some cell ran."""
        for runs in self.runs:
            if (runs.model, runs.device) == (model, device) and runs.summary:
                return runs
        return None


def ranked(group: Sequence[Runs]) -> tuple[Runs, ...]:
    """The networks of a group, in its order, that ran the seeds of its first one.

    A mean over other seeds cannot be ranked with theirs: a network that lost a seed that is hard
    for all would rise.
    """
    seeds = group[0].accuracy.keys()
    return tuple(runs for runs in group if runs.accuracy and runs.accuracy.keys() == seeds)


def _in_order(group: Sequence[Runs]) -> list[Runs]:
    seeds = Counter(frozenset(runs.accuracy) for runs in group)
    # The most seeds, and of several such sets the one that most networks ran.
    best = max(seeds, key=lambda found: (len(found), seeds[found]))

    def place(runs: Runs) -> tuple[bool, bool, float]:
        is_ranked = runs.accuracy.keys() == best
        mean = runs.summary.mean if runs.summary and is_ranked else 0.0
        return not is_ranked, runs.summary is None, -mean

    return sorted(group, key=place)


def latest_request(store: Store) -> Record:
    """The record of the latest request in a store: what was asked for, and the keys of its lines.

    Raises:
        MissingRunError: There is none.
    """
    requests = [record for record in store.read() if record.kind == "request"]
    if not requests:
        raise MissingRunError(f"no run is recorded in '{store.path}'; make one: bench.compare")
    return requests[-1]


def read(store: Store) -> Results:
    """The results of the latest request in a store.

    Raises:
        MissingRunError: There is none.
    """
    records = store.read()
    asked = latest_request(store)
    request = asked.fields
    latest = store.latest(request["keys"])
    train = [record for record in latest.values() if record.kind == "train"]
    timing = [record for record in latest.values() if record.kind == "timing"]
    counts = [record for record in latest.values() if record.kind == "count"]
    fitted = [record for record in latest.values() if record.kind == "baseline"]
    runs = _runs(train, request)
    return Results(
        request=request,
        runs=runs,
        speeds=_speeds(timing, baseline=request["baseline"]),
        counts={
            record.fields["model"]: record.fields
            for record in counts
            if record.fields["status"] == "ok"
        },
        failures=tuple(
            _failure(record) for record in latest.values() if record.fields["status"] != "ok"
        ),
        experiments=_experiments(records, asked.key),
        baselines={item.ranking_group: _baselines(fitted, item.test_checksums) for item in runs},
    )


def results_table(results: Results) -> pd.DataFrame:
    """One row per model and device, units in the names, fractions in 0..1."""
    rows = []
    for runs in results.runs:
        summary = runs.summary
        speed = results.speeds.get((runs.model, runs.device), NO_SPEED)
        count = results.counts.get(runs.model, {})
        baselines = {item.name: item.mean for item in results.baselines.get(runs.ranking_group, ())}
        rows.append(
            {
                "model": runs.model,
                "device": runs.device,
                "dataset": results.request["dataset"],
                "recipe": results.request["recipe"],
                "seeds": len(runs.accuracy),
                "parameters": count.get("module_parameters"),
                "macs": count.get("macs"),
                "test_accuracy_mean": summary and summary.mean,
                "test_accuracy_low": summary and summary.low,
                "test_accuracy_high": summary and summary.high,
                "train_seconds_median": _median(runs.train_seconds),
                "train_samples_per_second": speed.train_samples_per_second,
                "inference_samples_per_second": speed.inference_samples_per_second,
                "latency_p50_seconds": speed.latency_p50_seconds,
                "latency_p99_seconds": speed.latency_p99_seconds,
                "peak_memory_bytes": speed.peak_memory_bytes,
                "status": "failed" if runs.errors else "ok",
                "latency_p95_seconds": speed.latency_p95_seconds,
                "test_accuracy_std": summary and summary.std,
                "test_accuracy_min": summary and summary.minimum,
                "test_accuracy_max": summary and summary.maximum,
                "test_accuracy_selected_mean": _mean(runs.selected),
                "validation_accuracy_mean": _mean(runs.validation),
                "test_samples": runs.test_samples,
                "document": results.request["documents"][runs.model],
                "ranking_group": runs.ranking_group,
                "largest_class_share": baselines.get(LARGEST_CLASS),
                "logistic_regression_accuracy": baselines.get(LOGISTIC_REGRESSION),
            }
        )
    table = pd.DataFrame(rows, columns=list(CSV_COLUMNS))
    whole = ["seeds", "parameters", "macs", "peak_memory_bytes", "test_samples"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _runs(train: Sequence[Record], request: Mapping[str, Any]) -> tuple[Runs, ...]:
    found = []
    for device in request["devices"]:
        for model in request["ran"]:
            cells = [
                record.fields
                for record in train
                if (record.fields["model"], record.fields["device"]) == (model, device)
            ]
            if cells:
                found.append(model_runs(model, device, cells))
    return tuple(found)


def model_runs(model: str, device: str, cells: Sequence[Mapping[str, Any]]) -> Runs:
    """A model's cells on one device, from the fields of their records."""
    ran = [cell for cell in cells if cell["status"] == "ok"]
    # One test split for all seeds, or one for each: either way models that share it share this.
    tested_on = sorted({(cell["test_checksum"], cell["classes"]) for cell in cells})
    return Runs(
        model=model,
        device=device,
        accuracy=_by_seed(ran, "test_accuracy"),
        digests=_by_seed(ran, "weights_sha256"),
        selected=_by_seed(ran, "test_accuracy_selected"),
        validation=_by_seed(ran, "validation_accuracy"),
        train_seconds=_by_seed(ran, "train_seconds"),
        misclassified={cell["seed"]: dict(cell["misclassified"]) for cell in ran},
        curves={cell["seed"]: (cell["training_curve"], cell["test_curve"]) for cell in ran},
        test_samples=cells[0]["test_samples"],
        classes=cells[0]["classes"],
        same_samples=len(tested_on) == 1,
        test_checksums={cell["seed"]: cell["test_checksum"] for cell in cells},
        ranking_group=hashlib.sha256(json.dumps(tested_on).encode()).hexdigest()[:8],
        errors={cell["seed"]: cell["error"] for cell in cells if cell["status"] != "ok"},
        jobs=max(cell["jobs"] for cell in cells),
    )


def _baselines(fitted: Sequence[Record], test_checksums: Mapping[int, str]) -> tuple[Baseline, ...]:
    """The baselines that were scored on given test samples, which are named by seed."""
    ran = {
        (record.fields["baseline"], record.fields["test_checksum"]): record.fields
        for record in fitted
        if record.fields["status"] == "ok"
    }
    found = []
    for name in NAMES:
        scored = {
            seed: ran[name, checksum]
            for seed, checksum in test_checksums.items()
            if (name, checksum) in ran
        }
        if scored:
            found.append(
                Baseline(
                    name=name,
                    parameters=next(iter(scored.values()))["parameters"],
                    accuracy={seed: fields["test_accuracy"] for seed, fields in scored.items()},
                )
            )
    return tuple(found)


def _paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Summary | None:
    seeds = [seed for seed in ours if seed in theirs]
    if not seeds:
        return None
    return paired_difference(
        [exact(ours[seed]) for seed in seeds], [exact(theirs[seed]) for seed in seeds]
    )


def _by_seed(cells: Sequence[Mapping[str, Any]], field: str) -> dict[int, Any]:
    return {cell["seed"]: cell[field] for cell in cells if cell.get(field) is not None}


def _speeds(timing: Sequence[Record], baseline: str) -> dict[tuple[str, str], Speed]:
    measured: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for record in timing:
        fields = record.fields
        if fields["status"] == "ok":
            phase = fields["phase"] if fields["deterministic"] else FREE
            measured.setdefault((fields["device"], phase), {})[fields["model"]] = fields
    throughputs = {
        where: _throughputs(models, baseline)
        for where, models in measured.items()
        if where[1] in ("train", "inference")
    }
    speeds = {}
    for model, device in dict.fromkeys((r.fields["model"], r.fields["device"]) for r in timing):
        train, free, latency = (
            measured.get((device, phase), {}).get(model) for phase in ("train", FREE, "latency")
        )
        speeds[model, device] = Speed(
            train=throughputs.get((device, "train"), {}).get(model),
            inference=throughputs.get((device, "inference"), {}).get(model),
            free_over_deterministic=_free_over_deterministic(train, free),
            latency_p50_seconds=latency["latency_p50_seconds"] if latency else None,
            latency_p95_seconds=latency["latency_p95_seconds"] if latency else None,
            latency_p99_seconds=latency["latency_p99_seconds"] if latency else None,
            peak_memory_bytes=train["peak_memory_bytes"] if train else None,
        )
    return speeds


def _throughputs(measured: Mapping[str, Mapping[str, Any]], baseline: str) -> dict[str, Throughput]:
    """By model, the throughput of one phase on one device; their ratios are one family."""
    seconds = {model: _seconds_per_sample(fields) for model, fields in measured.items()}
    ratios = compare(seconds, baseline)
    found = {}
    for model, times in seconds.items():
        middle, high, low = np.percentile(times, [50, 25, 75])
        found[model] = Throughput(
            samples_per_second=float(1 / middle),
            quartiles=(float(1 / low), float(1 / high)),
            blocks=times.size,
            outliers=count_outliers(times),
            noise_floor=noise_floor(times),
            ratio=ratios.get(model),
            gpu=measured[model]["gpu"],
        )
    return found


def _free_over_deterministic(
    flagged: Mapping[str, Any] | None, free: Mapping[str, Any] | None
) -> SpeedRatio | None:
    if flagged is None or free is None:
        return None
    seconds = {"flagged": _seconds_per_sample(flagged), FREE: _seconds_per_sample(free)}
    return compare(seconds, "flagged")[FREE]


def _seconds_per_sample(fields: Mapping[str, Any]) -> Array:
    """Of a timing record, (labels, rounds)."""
    samples = fields["batch"] * fields["steps_per_block"]
    seconds: Array = np.asarray(fields["block_seconds"], dtype=np.float64) / samples
    return seconds


def _experiments(
    records: Sequence[Record], run_key: str
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The latest experiments that name this run, each a record of kind `experiment`.

    Such a record has the fields `experiment`, its name, and `run`, the key of the request record
    that it belongs to.
    """
    latest = {
        record.key: record.fields
        for record in records
        if record.kind == "experiment" and record.fields["run"] == run_key
    }
    names = dict.fromkeys(fields["experiment"] for fields in latest.values())
    return {
        name: tuple(fields for fields in latest.values() if fields["experiment"] == name)
        for name in names
    }


def _failure(record: Record) -> str:
    """What failed, in a line."""
    fields = record.fields
    if record.kind == "baseline":
        drawn = "" if fields["seed"] is None else f", seed {fields['seed']}"
        tested = f"{fields['test_samples']:,} test samples of {fields['classes']} classes"
        return f"baseline `{fields['baseline']}` on {tested}{drawn}: {fields['error']}"
    if record.kind == "train":
        what = f"on {fields['device']}, seed {fields['seed']}"
    elif record.kind == "timing":
        what = f"on {fields['device']}, measuring {fields['phase']}"
    else:
        what = "counting its parameters"
    return f"`{fields['model']}` {what}: {fields['error']}"


def _median(values: Mapping[int, float]) -> float | None:
    return float(np.median(list(values.values()))) if values else None


def _mean(values: Mapping[int, float]) -> float | None:
    return float(np.mean(list(values.values()))) if values else None
