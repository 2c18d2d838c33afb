"""What a run consists of: its request, its cells, counts, timings and reference predictors."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from bench.records.environment import Environment
from bench.records.wrong_answers import WrongAnswers
from zoo.spec import Deviation, Recipe

Status = Literal["ok", "failed", "timed out", "out of memory", "killed"]
Outcome = Literal["ok", "diverged", "failed", "timed out", "out of memory", "killed"]
Phase = Literal["train", "inference", "latency", "yardstick"]

# What a line may hold; what is outside makes it no record.
Fraction = Annotated[float, Meta(ge=0, le=1)]
Natural = Annotated[int, Meta(ge=0)]
NotNegative = Annotated[float, Meta(ge=0)]
# Nothing to escape; one colon, as in `torchvision:resnet18`.
NAME = r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}(:[A-Za-z0-9._-]{1,60})?"
Name = Annotated[str, Meta(pattern=rf"^{NAME}\Z")]
Line = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]
# `common`, `document` or `fast`; or the name of a file; either with what was set over it.
RecipeName = Line


class TrainingPoint(Struct, frozen=True, array_like=True):
    """The mean training loss per sample, since the point before or the epoch's beginning.

    None is a loss that is not finite.
    """

    examples_seen: Natural
    loss: float | None


class TestPoint(Struct, frozen=True, array_like=True):
    """The network in evaluation mode after an epoch; epoch 0 is the untrained network.

    Accuracies are fractions in 0..1; validation is None where nothing is held out.
    """

    epoch: Natural
    examples_seen: Natural
    loss: float | None
    accuracy: Fraction
    validation_accuracy: Fraction | None


class Record(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One line of a report's records; the newest line of a key is the one that counts."""

    key: str


class Worker(Struct, frozen=True, kw_only=True):
    """Where a cell was trained, if not in the process that recorded it or beside it.

    Attributes:
        host: The machine's name; None where it is not known.
        environment: The worker's.
    """

    host: Line | None
    environment: Environment


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
        error: What a cell raised, or what ended it; None where it is `ok`.
        lost_workers: How many processes ended over it before one answered; 0 for most.
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
        worker: The worker of a cluster that trained it; None for the run's own machine.
    """

    model: Name
    dataset: Line
    recipe: RecipeName
    seed: Natural
    device: Name
    epochs: Natural
    jobs: Natural
    classes: Natural
    train_samples: Natural
    test_samples: Natural
    test_checksum: str
    data_sha256: str
    code_sha256: str
    status: Status
    together: tuple[int, ...] | None = None
    lost_workers: Natural = 0
    error: Line | None = None
    test_accuracy: Fraction | None = None
    test_accuracy_selected: Fraction | None = None
    validation_accuracy: Fraction | None = None
    updates: Natural | None = None
    diverged_at: Natural | None = None
    train_seconds: NotNegative | None = None
    weights_sha256: str | None = None
    misclassified: WrongAnswers = WrongAnswers()
    training_curve: tuple[TrainingPoint, ...] = ()
    test_curve: tuple[TestPoint, ...] = ()
    worker: Worker | None = None

    @property
    def outcome(self) -> Outcome:
        """What has come of it; one that diverged has run, and its record's status is `ok`."""
        return "diverged" if self.status == "ok" and self.diverged_at is not None else self.status

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

    model: Name
    device: Name
    phase: Phase
    deterministic: bool
    batch: Natural
    status: Status
    error: Line | None = None
    samples_per_second: NotNegative | None = None
    steps_per_block: Natural | None = None
    peak_memory_bytes: Natural | None = None
    gpu: dict[str, Any] | None = None
    block_seconds: tuple[tuple[NotNegative, ...], ...] = ()
    processes: Natural = 1
    delay: NotNegative = 0.0
    beside_cores: NotNegative | None = None
    latency_p50_seconds: NotNegative | None = None
    latency_p95_seconds: NotNegative | None = None
    latency_p99_seconds: NotNegative | None = None
    calls: Natural | None = None


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

    model: Name
    status: Status
    error: Line | None = None
    declared_parameters: Natural | None = None
    module_parameters: Natural = 0
    reached_parameters: Natural = 0
    macs: Natural = 0
    weight_bytes: Natural = 0
    activation_bytes: Natural = 0

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

    baseline: Name
    seed: Natural | None
    classes: Natural
    train_samples: Natural
    test_samples: Natural
    test_checksum: str
    data_sha256: str
    status: Status
    error: Line | None = None
    parameters: Natural | None = None
    test_accuracy: Fraction | None = None
    misclassified: WrongAnswers = WrongAnswers()


class LeftOut(Struct, frozen=True, kw_only=True):
    """A model that a glob or `all` named and that does not run, with the reason."""

    model: Name
    reason: Line


class Pictures(Struct, frozen=True, kw_only=True):
    """The test pictures that most trained networks of a run misread.

    Attributes:
        side: Pixels of one side.
        pixels: uint8, (count, side, side), in one row.
        labels: Class of each.
        positions: Of each among the test samples; none in older records, which hold the first ones.
    """

    side: Natural
    pixels: bytes
    labels: tuple[int, ...]
    positions: tuple[Natural, ...] = ()


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
    level: Fraction
    margin: Fraction
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
        settings: What a recipe of the user's own says, and what was set over one, by field.
        test_labels: The class of each test picture: its digit, or a number where there are more
            than ten; None where samples are no pictures.
        class_names: By class; none where classes are digits.
        margin: The smallest difference of accuracies that matters, a fraction.
        keys: Of all records that belong to the run.
        speed_margins: Declared before anything was measured; None in older records.
        until_settled: Its design, where it went on until it was settled.
        declaration: Key of what was declared before the first cell; None in older records.
    """

    models: tuple[Line, ...]
    dataset: Line
    dataset_sizes: tuple[int, int, int]
    dataset_sha256: str
    recipe: RecipeName
    seeds: tuple[int, ...]
    devices: tuple[Name, ...]
    ran: tuple[Name, ...]
    baseline: Name
    left_out: tuple[LeftOut, ...]
    command: Line
    documents: dict[str, str]
    recipes: dict[str, Recipe]
    deviations: dict[str, tuple[Deviation, ...]]
    test_pictures: Pictures | None
    test_labels: str | tuple[Natural, ...] | None
    environment: Environment
    keys: tuple[str, ...]
    margin: float = 0.005
    speed_margins: SpeedMargins | None = None
    until_settled: UntilSettled | None = None
    declaration: str | None = None
    settings: dict[str, Any] = {}
    class_names: tuple[Line, ...] = ()

    def class_name(self, label: int) -> str:
        """What a class is called: by its name, or its digit."""
        return self.class_names[label] if self.class_names else str(label)

    def seeds_of(self, model: str) -> tuple[int, ...]:
        """The seeds that a model has run, or failed on."""
        if self.until_settled is None:
            return self.seeds
        return self.seeds[: self.until_settled.ran.get(model)]


def finite(value: float) -> float | None:
    """The value, or None where it is infinite or no number: JSON has neither."""
    return value if math.isfinite(value) else None
