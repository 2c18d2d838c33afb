"""What is measured beside a run: experiments, each known by its name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from bench.records.environment import Environment
from bench.records.kinds.runs import (
    NAME,
    Fraction,
    LeftOut,
    Line,
    Name,
    Natural,
    NotNegative,
    Phase,
    Record,
    Status,
    Timing,
    Worker,
)
from bench.records.wrong_answers import WrongAnswers
from zoo import Recipe

NameOrAll = Annotated[str, Meta(pattern=rf"^({NAME})?\Z")]
OverheadPart = Literal["step", "option", "inference", "epoch", "total"]


class Experiment(Record, frozen=True, kw_only=True, tag="experiment"):
    """Something measured beside training and timing, by its name."""

    experiment: str


class LearningRate(Experiment, frozen=True, kw_only=True):
    """One cell of the activation and pooling design at another learning rate."""

    run: str
    model: Name
    seed: Natural
    rate: NotNegative
    cell_key: str
    test_accuracy: Fraction
    validation_accuracy: Fraction
    misclassified: WrongAnswers
    weights_sha256: str
    worker: Worker | None = None


class SecondClock(Experiment, frozen=True, kw_only=True):
    """One workload as pytest-benchmark timed it, and as the suite's clock did side by side."""

    run: str
    model: Name
    device: Name
    phase: Phase
    batch: Natural
    samples_per_second: NotNegative
    own_samples_per_second: NotNegative
    rounds: Natural


class BatchSpeed(Experiment, frozen=True, kw_only=True):
    """Inference of a network at one size of batches, in the same rounds as at all others.

    Attributes:
        timing: What was measured, as of any other workload.
    """

    run: str
    timing: Timing


class OperatorTime(Struct, frozen=True, kw_only=True):
    """What one operator takes of a training step.

    Attributes:
        operator: torch's name of it; `between operators` is Python's time, `other` the sum of all
            that are not listed.
        self_time_share: Its own share of the step's time without the operators that it calls, in
            0..1: on the CPU of the processor's time, on CUDA of the kernels' time.
        calls: How often the profiled steps called it.
    """

    operator: Line
    self_time_share: Fraction
    calls: Natural


class Profile(Experiment, frozen=True, kw_only=True):
    """Where the time of a network's training step goes."""

    run: str
    model: Name
    device: Name
    steps: Natural
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
    seed: Natural | None = None
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
    claim: Line
    value: Any
    holds: bool | None
    words: Line


class Answers(Struct, frozen=True, kw_only=True):
    """What a network that runs in one of several modes answered.

    Attributes:
        tested: Test pictures.
        right: Those answered with their label.
        changed: Those answered otherwise than in the mode that all are compared with; None where
            that failed.
    """

    tested: Natural
    right: Natural
    changed: Natural | None = None

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
        seconds: NotNegative of each round; contenders of one part and model share their rounds.
        answers: What it answered, where it runs a trained network.
        error: What it raised, where it failed.
    """

    part: OverheadPart
    model: NameOrAll
    contender: Line
    first: NotNegative | None = None
    seconds: tuple[NotNegative, ...] = ()
    answers: Answers | None = None
    error: Line | None = None


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

    samples: Natural
    steady_seconds: NotNegative
    warm_seconds: NotNegative
    cold_seconds: NotNegative
    validation_accuracy: Fraction
    test_accuracy: Fraction


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

    model: Name
    twins: tuple[str, ...]
    seed: Natural
    device: Name
    recipe: Recipe
    train_samples: Natural
    status: Status
    points: tuple[AccuracyPoint, ...] = ()
    error: Line | None = None
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

    device: Name
    seeds: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    command: Line
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
BATCH_SPEED = "batch-speed"
