"""Records to results: what ran, per model and device, unrounded."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, get_args

from bench.records import kinds
from bench.records.filters import Filters, read_filters
from bench.records.store import Store, latest, of_kind
from bench.results.declared import Declared, read_declared
from bench.results.failures import failures
from bench.results.missing import missing
from bench.results.speeds import Speed, read_speeds
from bench.statistics.accuracy import correctness, interval_of, pair
from bench.statistics.basics import Interval, Summary, exact, paired_difference, summarise
from bench.statistics.speed import MARGINS, SpeedMargins
from bench.statistics.uncertainty import accuracy_interval

Value = TypeVar("Value")

# Beside `ok`, in the order told.
_TOLD: tuple[kinds.Outcome, ...] = get_args(kinds.Outcome)[1:]


@dataclass(frozen=True, kw_only=True)
class ReferencePredictor:
    """What a network's accuracy is held against: an answer that needs no network.

    Attributes:
        name: `largest class` or `logistic regression`.
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
        cells: By seed, the record of a cell; at least one.
    """

    model: str
    device: str
    cells: Mapping[int, kinds.Train]

    @cached_property
    def ran(self) -> dict[int, kinds.Train]:
        """By seed, the cells that did not fail."""
        return {seed: cell for seed, cell in self.cells.items() if cell.status == "ok"}

    @cached_property
    def accuracy(self) -> dict[int, float]:
        """By seed, test accuracy of the cells that ran, fractions in 0..1."""
        return _known({seed: cell.test_accuracy for seed, cell in self.ran.items()})

    @property
    def digests(self) -> dict[int, str]:
        """By seed, the digest of the weights."""
        return _known({seed: cell.weights_sha256 for seed, cell in self.ran.items()})

    @property
    def selected(self) -> dict[int, float]:
        """By seed, accuracy at the document's best test epoch, where it picks one."""
        return _known({seed: cell.test_accuracy_selected for seed, cell in self.ran.items()})

    @property
    def validation(self) -> dict[int, float]:
        """By seed, accuracy on held-out samples, where some are held out."""
        return _known({seed: cell.validation_accuracy for seed, cell in self.ran.items()})

    @property
    def train_seconds(self) -> dict[int, float]:
        """By seed, wall time of training."""
        return _known({seed: cell.train_seconds for seed, cell in self.ran.items()})

    @cached_property
    def misclassified(self) -> dict[int, Mapping[int, int]]:
        """By seed, wrong test samples: index among the test samples to class answered."""
        return {seed: cell.misclassified for seed, cell in self.ran.items()}

    @property
    def diverged(self) -> dict[int, int]:
        """By seed, the first update whose loss or outcome was not finite, where there is one."""
        return _known({seed: cell.diverged_at for seed, cell in self.ran.items()})

    @property
    def errors(self) -> dict[int, str]:
        """By seed, what a failed cell raised."""
        return {seed: str(cell.error) for seed, cell in self.cells.items() if cell.status != "ok"}

    @cached_property
    def outcomes(self) -> dict[kinds.Outcome, int]:
        """How many of its cells came to what, but for those that are `ok`."""
        found = Counter(cell.outcome for cell in self.cells.values())
        return {outcome: found[outcome] for outcome in _TOLD if found[outcome]}

    @property
    def instead(self) -> kinds.Outcome | None:
        """What stands where its number would: what has come of all its cells, or of most.

        None if some of them ran to their end.
        """
        if sum(self.outcomes.values()) < len(self.cells):
            return None
        return max(self.outcomes, key=lambda outcome: self.outcomes[outcome])

    @property
    def test_samples(self) -> int:
        """How many samples the accuracy is a fraction of."""
        return self._any.test_samples

    @property
    def classes(self) -> int:
        """How many classes there are to tell apart."""
        return self._any.classes

    @property
    def jobs(self) -> int:
        """How many cells were trained side by side."""
        return max(cell.jobs for cell in self.cells.values())

    @property
    def test_checksums(self) -> dict[int, str]:
        """By seed, the identity of the test samples."""
        return {seed: cell.test_checksum for seed, cell in self.cells.items()}

    @property
    def same_samples(self) -> bool:
        """Whether every seed was tested on the same samples."""
        return len(self._tested_on) == 1

    @cached_property
    def ranking_group(self) -> str:
        """Equal for models that are tested on the same samples and classes."""
        return hashlib.sha256(json.dumps(self._tested_on).encode()).hexdigest()[:8]

    @property
    def _tested_on(self) -> list[tuple[str, int]]:
        # One test split for all seeds, or one for each: either way models that share it share this.
        return sorted({(cell.test_checksum, cell.classes) for cell in self.cells.values()})

    @property
    def _any(self) -> kinds.Train:
        return next(iter(self.cells.values()))

    @cached_property
    def summary(self) -> Summary | None:
        """Test accuracy over seeds; None if no cell ran."""
        return summarise(list(map(exact, self.accuracy.values()))) if self.accuracy else None

    @cached_property
    def accuracy_interval(self) -> Interval | None:
        """Where the mean accuracy lies for other seeds and other test samples.

        None with one seed, and where every seed has samples of its own.
        """
        if not self.accuracy or not self.same_samples:
            return None
        return accuracy_interval(
            correctness(self.misclassified, list(self.accuracy), self.test_samples)
        )

    def lead_over(self, other: Runs) -> Interval | None:
        """Where its lead in accuracy lies, for other seeds, other test samples and both."""
        seeds = [seed for seed in self.accuracy if seed in other.accuracy]
        if not seeds:
            return None
        ours, theirs = (
            correctness(runs.misclassified, seeds, runs.test_samples) for runs in (self, other)
        )
        return interval_of(pair("lead", ours, theirs, same_samples=self.same_samples))

    def minus(self, other: Runs | ReferencePredictor) -> Summary | None:
        """Test accuracy, paired over the seeds that both ran; None if there are none."""
        return _paired(self.accuracy, other.accuracy)

    def is_no_better_than(self, reference: ReferencePredictor) -> bool:
        """Whether it ran and is not right more often than a reference predictor, on average."""
        difference = self.minus(reference)
        return difference is not None and difference.mean <= 0

    def is_twin_of(self, other: Runs) -> bool:
        """Whether both ended in the same weights for every seed."""
        return bool(self.digests) and self.digests == other.digests


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """Everything that a report shows, read from the records of one run.

    Attributes:
        request: The run's own record: what was asked for, recipes, environment.
        runs: One for every model and device, in the order of the request.
        speeds: By model and device.
        counts: By model, where counting succeeded.
        failures: Cells, counts and measurements that failed, a line each.
        rates: The design's cells at other learning rates.
        clocks: The workloads as a second clock timed them.
        profiles: Where the time of training steps goes.
        findings: By claim, what exact checks found of the run's networks.
        references: By ranking group, what its networks are held against.
        permuted: Networks of the run on pictures with permuted pixels, a control.
        timings: What was measured of the networks and the yardstick.
        delayed: What was measured of steps that a known delay was planted in, a control.
        declared: What was declared before the first cell; None in older records.
        batches: Inference at sizes of batches, where that was measured.
        filters: Of the networks' first layers, where they are kept beside the records.
    """

    request: kinds.Request
    runs: tuple[Runs, ...]
    speeds: Mapping[tuple[str, str], Speed]
    counts: Mapping[str, kinds.Count]
    failures: tuple[str, ...]
    rates: tuple[kinds.LearningRate, ...] = ()
    clocks: tuple[kinds.SecondClock, ...] = ()
    profiles: tuple[kinds.Profile, ...] = ()
    findings: Mapping[str, kinds.Finding] = field(default_factory=dict)
    references: Mapping[str, tuple[ReferencePredictor, ...]] = field(default_factory=dict)
    permuted: tuple[Runs, ...] = ()
    timings: tuple[kinds.Timing, ...] = ()
    delayed: tuple[kinds.Timing, ...] = ()
    declared: Declared | None = None
    batches: tuple[kinds.Timing, ...] = ()
    filters: tuple[Filters, ...] = ()

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

    @property
    def speed_margins(self) -> SpeedMargins:
        """How large a difference of speeds has to be."""
        return declared(self.request)

    @property
    def most_seeds(self) -> int:
        """The highest seed that ran."""
        return max((seed for runs in self.runs for seed in runs.accuracy), default=0)

    def get(self, model: str, device: str) -> Runs | None:
        """A model's runs on a device, if it is part of the run and some cell ran."""
        for runs in self.runs:
            if (runs.model, runs.device) == (model, device) and runs.summary:
                return runs
        return None


def declared(request: kinds.Request) -> SpeedMargins:
    """The margins of speeds that a run declared; those of today where an older one did not."""
    found = request.speed_margins
    if found is None:
        return MARGINS
    return SpeedMargins(difference=found.difference, equivalence=found.equivalence)


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


def read(store: Store) -> Results:
    """The results of the latest request in a store.

    Raises:
        MissingRunError: There is none.
    """
    records = store.read()
    request = store.latest_request(records)
    found = [*latest(records, request.keys).values()]
    lost = missing(found, request)
    found += lost.cells
    trained = of_kind(found, kinds.Train)
    runs = _runs(trained, request.ran, request.devices)
    controls = dict.fromkeys(cell.model for cell in trained if cell.model not in request.ran)
    measured = of_kind(found, kinds.Timing)
    timings = [item for item in measured if not item.delay]
    fitted = of_kind(found, kinds.Reference)
    later = {record.key: record for record in records if getattr(record, "run", "") == request.key}
    return Results(
        request=request,
        runs=runs,
        speeds=read_speeds(timings, request.baseline, declared(request)),
        counts={c.model: c for c in of_kind(found, kinds.Count) if c.status == "ok"},
        failures=(*failures(found), *lost.lines),
        rates=tuple(of_kind(later.values(), kinds.LearningRate)),
        clocks=tuple(of_kind(later.values(), kinds.SecondClock)),
        profiles=tuple(of_kind(later.values(), kinds.Profile)),
        findings={item.claim: item for item in of_kind(later.values(), kinds.Finding)},
        references={item.ranking_group: _references(fitted, item.test_checksums) for item in runs},
        permuted=_runs(trained, controls, request.devices),
        timings=tuple(item for item in timings if item.status == "ok"),
        delayed=tuple(item for item in measured if item.delay and item.status == "ok"),
        declared=read_declared(records, request),
        batches=tuple(item.timing for item in of_kind(later.values(), kinds.BatchSpeed)),
        filters=read_filters(store.path.parent, {str(cell.weights_sha256) for cell in trained}),
    )


def _runs(
    train: Sequence[kinds.Train], models: Iterable[str], devices: Sequence[str]
) -> tuple[Runs, ...]:
    by_model: dict[tuple[str, str], dict[int, kinds.Train]] = {}
    for cell in train:
        by_model.setdefault((cell.device, cell.model), {})[cell.seed] = cell
    return tuple(
        Runs(model=model, device=device, cells=by_model[device, model])
        for device in devices
        for model in models
        if (device, model) in by_model
    )


def _references(
    fitted: Sequence[kinds.Reference], test_checksums: Mapping[int, str]
) -> tuple[ReferencePredictor, ...]:
    """The reference predictors that were scored on given test samples, named by seed."""
    ran = {(item.baseline, item.test_checksum): item for item in fitted if item.status == "ok"}
    found = []
    for name in dict.fromkeys(name for name, _ in ran):
        scored = {
            seed: ran[name, checksum]
            for seed, checksum in test_checksums.items()
            if (name, checksum) in ran
        }
        if scored:
            found.append(
                ReferencePredictor(
                    name=name,
                    parameters=next(iter(scored.values())).parameters,
                    accuracy=_known({seed: item.test_accuracy for seed, item in scored.items()}),
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


def _known(values: Mapping[int, Value | None]) -> dict[int, Value]:
    return {seed: value for seed, value in values.items() if value is not None}
