"""The kinds of records: one typed line each in `records.jsonl`, all read and checked here.

A line is flat JSON with its `kind` and `key`; an experiment has its name beside them. Fields that a
kind does not know are passed over, so that a newer file can still be read; one that is missing or
of another type makes the line no record.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.wrong_answers import WrongAnswers, from_plain
from zoo.spec import Deviation, Recipe

Status = Literal["ok", "failed"]
RecipeName = Literal["common", "document", "fast"]
Phase = Literal["train", "inference", "latency", "yardstick"]
OverheadPart = Literal["step", "option", "inference", "epoch", "total"]


class RecordError(RequestError):
    """A line is no record; the message says which line, and why."""


class TrainingPoint(Struct, frozen=True, array_like=True):
    """The mean training loss per sample, since the point before or the epoch's beginning.

    None is a loss that is not finite.
    """

    examples_seen: int
    loss: float | None


class TestPoint(Struct, frozen=True, array_like=True):
    """The network in evaluation mode after an epoch; epoch 0 is the untrained network.

    Accuracies are fractions in 0..1; validation is None where nothing is held out.
    """

    epoch: int
    examples_seen: int
    loss: float | None
    accuracy: float
    validation_accuracy: float | None


class Record(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One line of a report's records; the newest line of a key is the one that counts."""

    key: str


class Train(Record, frozen=True, kw_only=True, tag="train"):
    """One cell as it was trained; what follows `error` is None where it failed.

    Attributes:
        model: Registry name.
        epochs: Epochs of the recipe.
        jobs: Cells trained side by side, this one included.
        classes: Classes that the network tells apart.
        test_checksum: Identity of the test samples.
        data_sha256: Checksum of the network's view of the data.
        code_sha256: Digest of the code that trained it.
        together: The seeds that were trained at once with stacked weights, if they were.
        error: What a failed cell raised.
        test_accuracy: Fraction of test samples right after the last epoch.
        test_accuracy_selected: The best epoch's, where the document picks its epoch on the test
            set.
        validation_accuracy: Fraction of held-out samples right after the last epoch.
        updates: Optimiser steps made.
        diverged_at: The first of them, from 1 on, whose loss or outcome was not finite, if any; the
            run ended with its epoch where it was trained alone.
        train_seconds: Wall time of the training steps.
        weights_sha256: Digest of the weights after the last epoch.
        misclassified: Wrong test samples: index among the test samples, class answered.
        training_curve: Training loss over examples seen.
        test_curve: Test loss and accuracy over examples seen.
    """

    model: str
    dataset: str
    recipe: RecipeName
    seed: int
    device: str
    epochs: int
    jobs: int
    classes: int
    train_samples: int
    test_samples: int
    test_checksum: str
    data_sha256: str
    code_sha256: str
    status: Status
    together: tuple[int, ...] | None = None
    error: str | None = None
    test_accuracy: float | None = None
    test_accuracy_selected: float | None = None
    validation_accuracy: float | None = None
    updates: int | None = None
    diverged_at: int | None = None
    train_seconds: float | None = None
    weights_sha256: str | None = None
    misclassified: WrongAnswers = WrongAnswers()
    training_curve: tuple[TrainingPoint, ...] = ()
    test_curve: tuple[TestPoint, ...] = ()

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed} {self.device}"


class Timing(Record, frozen=True, kw_only=True, tag="timing"):
    """One workload as it was measured; see `bench.timing.measure.Timing`.

    Attributes:
        model: Registry name, or `yardstick`.
        block_seconds: A row for each process with one number a round; of latency the median of the
            round's calls. Older records have one process, and in it a row for each of two labels
            that a workload was visited under in every round, or for latency nothing.
        processes: How many processes measured it.
        delay: The share of its own time that every step waited, planted as a control; 0 for none.
        beside_cores: How many cores other processes of the machine kept busy meanwhile, on average;
            None in older records.
    """

    model: str
    device: str
    phase: Phase
    deterministic: bool
    batch: int
    status: Status
    error: str | None = None
    samples_per_second: float | None = None
    steps_per_block: int | None = None
    peak_memory_bytes: int | None = None
    gpu: dict[str, Any] | None = None
    block_seconds: tuple[tuple[float, ...], ...] = ()
    processes: int = 1
    delay: float = 0.0
    beside_cores: float | None = None
    latency_p50_seconds: float | None = None
    latency_p95_seconds: float | None = None
    latency_p99_seconds: float | None = None
    calls: int | None = None


class Count(Record, frozen=True, kw_only=True, tag="count"):
    """What a network is made of and what one sample costs it.

    Attributes:
        model: Registry name.
        error: What counting raised; all else is 0 then.
        declared_parameters: From declared layer sizes, in closed form; None where there are none.
        module_parameters: What torch finds in the built module.
        reached_parameters: Those whose memory reaches an operator in a forward pass.
        macs: Multiply-accumulates of one sample's forward pass, by torch's flop counter.
        weight_bytes: Memory of the parameters in float32.
        activation_bytes: Memory of all layer outputs of one sample in float32.
    """

    model: str
    status: Status
    error: str | None = None
    declared_parameters: int | None = None
    module_parameters: int = 0
    reached_parameters: int = 0
    macs: int = 0
    weight_bytes: int = 0
    activation_bytes: int = 0

    @property
    def agree(self) -> bool:
        """Whether the counts of parameters that there are are one number."""
        counts = {self.declared_parameters, self.module_parameters, self.reached_parameters}
        return len(counts - {None}) == 1


class Reference(Record, frozen=True, kw_only=True, tag="baseline"):
    """One reference predictor as it was fitted.

    Attributes:
        baseline: Name of the predictor; the field keeps the name that it has always had.
        seed: Of the data, where they are drawn for each seed.
        parameters: Numbers that were fitted; None where there are no weights.
    """

    baseline: str
    seed: int | None
    classes: int
    train_samples: int
    test_samples: int
    test_checksum: str
    data_sha256: str
    status: Status
    error: str | None = None
    parameters: int | None = None
    test_accuracy: float | None = None
    misclassified: WrongAnswers = WrongAnswers()


class LeftOut(Struct, frozen=True, kw_only=True):
    """A model that a glob or `all` named and that does not run, with the reason."""

    model: str
    reason: str


class Pictures(Struct, frozen=True, kw_only=True):
    """The first test pictures.

    Attributes:
        side: Pixels of one side.
        pixels: uint8, (count, side, side), in one row.
        labels: Class of each.
    """

    side: int
    pixels: bytes
    labels: tuple[int, ...]


class SpeedMargins(Struct, frozen=True, kw_only=True):
    """How large a difference of speeds has to be; see `bench.statistics.speed.SpeedMargins`."""

    difference: float
    equivalence: float


class UntilSettled(Struct, frozen=True, kw_only=True):
    """The design of a run that goes on until it is settled, and how far it went.

    Attributes:
        looks: After how many seeds its verdicts are looked at.
        spending: The function that shares the error between the looks.
        ran: By model, how many seeds it has run in the end; empty before.
    """

    looks: tuple[int, ...]
    spending: str
    ran: dict[str, int] = {}


class Declaration(Record, frozen=True, kw_only=True, tag="declaration"):
    """What a run will judge and by which rules, recorded before its first cell.

    The key is a digest of all fields, so that another declaration is another record.

    Attributes:
        families: By family, what it compares; on every device, and for every ranking, its own.
        primary: The question that has half of its family's error.
        level: How often all verdicts of a kind together may err.
        margin: Within which accuracies are equivalent, a fraction.
        speed_margins: How large a difference of speeds has to be.
        devices: Where it runs.
        seeds: All seeds, or at most.
        looks: After how many seeds it may stop; empty for a fixed number.
        spending: The function that shares the error between the looks, if there are any.
    """

    families: dict[str, tuple[str, ...]]
    primary: str
    level: float
    margin: float
    speed_margins: SpeedMargins
    devices: tuple[str, ...]
    seeds: tuple[int, ...]
    looks: tuple[int, ...] = ()
    spending: str | None = None


class Request(Record, frozen=True, kw_only=True, tag="request"):
    """What was asked for, and how it was made.

    Attributes:
        models: As asked for: names, aliases, globs.
        dataset_sizes: Training, validation and test samples.
        ran: The models that ran.
        left_out: Models that a glob named and that cannot run.
        command: The command line that makes the run again.
        documents: By model, the id of its document.
        recipes: By model, its recipe, every value filled in.
        deviations: By model, where it departs from its document.
        test_labels: A digit for each test sample; None where labels are no digits.
        margin: The smallest difference of accuracies that matters, a fraction.
        keys: Of all records that belong to the run.
        speed_margins: Declared before anything was measured; None in older records.
        until_settled: Its design, where it went on until it was settled.
        declaration: Key of what was declared before the first cell; None in older records.
    """

    models: tuple[str, ...]
    dataset: str
    dataset_sizes: tuple[int, int, int]
    dataset_sha256: str
    recipe: RecipeName
    seeds: tuple[int, ...]
    devices: tuple[str, ...]
    ran: tuple[str, ...]
    baseline: str
    left_out: tuple[LeftOut, ...]
    command: str
    documents: dict[str, str]
    recipes: dict[str, Recipe]
    deviations: dict[str, tuple[Deviation, ...]]
    test_pictures: Pictures | None
    test_labels: str | None
    environment: Environment
    keys: tuple[str, ...]
    margin: float = 0.005
    speed_margins: SpeedMargins | None = None
    until_settled: UntilSettled | None = None
    declaration: str | None = None

    def seeds_of(self, model: str) -> tuple[int, ...]:
        """The seeds that a model has run, or failed on."""
        if self.until_settled is None:
            return self.seeds
        return self.seeds[: self.until_settled.ran.get(model)]


class Experiment(Record, frozen=True, kw_only=True, tag="experiment"):
    """Something measured beside training and timing, by its name."""

    experiment: str


class LearningRate(Experiment, frozen=True, kw_only=True):
    """One cell of the activation and pooling design at another learning rate."""

    run: str
    model: str
    seed: int
    rate: float
    cell_key: str
    test_accuracy: float
    validation_accuracy: float
    misclassified: WrongAnswers
    weights_sha256: str


class SecondClock(Experiment, frozen=True, kw_only=True):
    """One workload as pytest-benchmark timed it, and as the suite's clock did side by side."""

    run: str
    model: str
    device: str
    phase: Phase
    batch: int
    samples_per_second: float
    own_samples_per_second: float
    rounds: int


class OperatorTime(Struct, frozen=True, kw_only=True):
    """What one operator takes of a training step.

    Attributes:
        operator: torch's name of it; `between operators` is Python's time, `other` the sum of all
            that are not listed.
        self_time_share: Its own share of the step's time without the operators that it calls, in
            0..1: on the CPU of the processor's time, on CUDA of the kernels' time.
        calls: How often the profiled steps called it.
    """

    operator: str
    self_time_share: float
    calls: int


class Profile(Experiment, frozen=True, kw_only=True):
    """Where the time of a network's training step goes."""

    run: str
    model: str
    device: str
    steps: int
    operators: tuple[OperatorTime, ...]


class Machine(Experiment, frozen=True, kw_only=True):
    """The environment that the records after it were made in."""

    status: Status
    environment: Environment


class Probe(Experiment, frozen=True, kw_only=True):
    """What a probe measured beside training.

    Attributes:
        trial: The trial whose trained networks it looks into.
        seed: Of that trial.
        of: The trial whose samples it is about.
        drawn: The seed that those samples are drawn for.
        inputs: Digests of the data and weights that it was made from.
        decisive: What of the environment can change the outcome.
        outcome: What was found.
    """

    trial: str | None = None
    seed: int | None = None
    of: str | None = None
    drawn: int | None = None
    inputs: tuple[str, ...]
    decisive: dict[str, Any]
    status: Status
    outcome: dict[str, Any]


class Finding(Experiment, frozen=True, kw_only=True):
    """What an exact check found for a claim about a network of a run.

    Attributes:
        claim: The claim's id.
        value: What was found.
        holds: Whether what the document says is so; None where the expected value says that.
        words: One line for the reader.
    """

    run: str
    claim: str
    value: Any
    holds: bool | None
    words: str


class Answers(Struct, frozen=True, kw_only=True):
    """What a network that runs in one of several modes answered.

    Attributes:
        tested: Test pictures.
        right: Those answered with their label.
        changed: Those answered otherwise than in the mode that all are compared with; None where
            that failed.
    """

    tested: int
    right: int
    changed: int | None = None

    @property
    def accuracy(self) -> float:
        """Fraction of pictures answered right."""
        return self.right / self.tested


class Overhead(Experiment, frozen=True, kw_only=True):
    """What one contender of the overhead measurement came to.

    Attributes:
        part: What was measured: `step`, `option`, `inference`, `epoch` or `total`.
        model: The network; empty where it is all.
        contender: Its name.
        first: What the visit before the first round gave: seconds, of getting ready where the
            contender compiles, exports or quantises; they count in no round.
        seconds: Seconds of each round; contenders of one part and model share their rounds.
        answers: What it answered, where it runs a trained network.
        error: What it raised, where it failed.
    """

    part: OverheadPart
    model: str
    contender: str
    first: float | None = None
    seconds: tuple[float, ...] = ()
    answers: Answers | None = None
    error: str | None = None


class OverheadCells(Experiment, frozen=True, kw_only=True):
    """The cells that the total of the overhead measurement is of, run one at a time.

    Attributes:
        seconds: Of each cell.
        same_bits: Whether every cell ended in the same weights when others ran beside it.
        side_by_side: How many ran beside each other then.
    """

    seconds: dict[str, float]
    same_bits: bool
    side_by_side: int


class AccuracyPoint(Struct, frozen=True, array_like=True):
    """A network at a moment of its training; evaluation is on none of the three clocks.

    Attributes:
        samples: Training samples shown until then.
        steady_seconds: Training steps alone, the first one counted like the others.
        warm_seconds: From building the network, in a process that has torch and the data.
        cold_seconds: From the start of the process.
        validation_accuracy: Fraction of the validation samples right.
        test_accuracy: Fraction of the test samples right.
    """

    samples: int
    steady_seconds: float
    warm_seconds: float
    cold_seconds: float
    validation_accuracy: float
    test_accuracy: float


class TimeToAccuracy(Experiment, frozen=True, kw_only=True):
    """One training run with its accuracy now and then, in a process of its own.

    Attributes:
        twins: Other names of the same network.
        train_samples: Samples of an epoch.
        points: About eight an epoch.
        status: `failed` for a run that raised; one that diverged is `ok`, because it always does.
        error: Why it stopped before its end, if it did.
        weights_sha256: Digest of the weights after the last epoch.
    """

    model: str
    twins: tuple[str, ...]
    seed: int
    device: str
    recipe: Recipe
    train_samples: int
    status: Status
    points: tuple[AccuracyPoint, ...] = ()
    error: str | None = None
    weights_sha256: str | None = None

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed}"


class AccuracyRace(Experiment, frozen=True, kw_only=True):
    """What a report on time to accuracy is made of.

    Attributes:
        device: Where all were trained.
        left_out: The networks of the zoo that were not.
        command: The command line that makes it again.
        dataset_sizes: Training, validation and test samples.
        keys: Of all its records of runs.
    """

    device: str
    seeds: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    command: str
    dataset_sizes: tuple[int, int, int]
    environment: Environment
    keys: tuple[str, ...]


LEARNING_RATE, SECOND_CLOCK, PROFILE, MACHINE, FINDING = (
    "learning-rate",
    "pytest-benchmark",
    "profile",
    "environment",
    "finding",
)
OVERHEAD, OVERHEAD_CELLS = "overhead", "overhead-cells"
TIME_TO_ACCURACY, ACCURACY_RACE = "time-to-accuracy", "accuracy-race"

_KINDS: dict[str, type[Record]] = {
    "train": Train,
    "timing": Timing,
    "count": Count,
    "baseline": Reference,
    "request": Request,
    "declaration": Declaration,
}
_EXPERIMENTS: dict[str, type[Record]] = {
    LEARNING_RATE: LearningRate,
    SECOND_CLOCK: SecondClock,
    PROFILE: Profile,
    MACHINE: Machine,
    FINDING: Finding,
    OVERHEAD: Overhead,
    OVERHEAD_CELLS: OverheadCells,
    TIME_TO_ACCURACY: TimeToAccuracy,
    ACCURACY_RACE: AccuracyRace,
}


class _Head(Struct, frozen=True):
    kind: str
    experiment: str = ""


def decode(line: bytes) -> Record | None:
    """The record that a line holds; None if it is of a kind that this version does not know.

    Raises:
        msgspec.DecodeError: The line is no JSON.
        msgspec.ValidationError: A field is missing or of another type.
    """
    head = msgspec.json.decode(line, type=_Head)
    if head.kind == "experiment":
        kind: type[Record] | None = _EXPERIMENTS.get(head.experiment, Probe)
    else:
        kind = _KINDS.get(head.kind)
    return None if kind is None else msgspec.json.decode(line, type=kind, dec_hook=_from_plain)


def _from_plain(kind: type, plain: object) -> object:
    """What msgspec cannot read by itself."""
    if kind is WrongAnswers:
        return from_plain(plain)
    raise NotImplementedError(f"no field of a record has the type {kind}")


def _plain(value: object) -> object:
    """What msgspec cannot write by itself."""
    if isinstance(value, WrongAnswers):
        return value.plain()
    raise NotImplementedError(f"a record cannot hold {value!r}")


def encode(record: Record) -> bytes:
    """A record's line, without the line's end; what is not finite becomes null."""
    return msgspec.json.encode(record, enc_hook=_plain)


def finite(value: float) -> float | None:
    """The value, or None where it is infinite or no number: JSON has neither."""
    return value if math.isfinite(value) else None
