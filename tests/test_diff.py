from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from scipy import stats

import bench
from bench.diff.__main__ import main
from bench.diff.changes import METRICS, Change, compare, welch_interval
from bench.diff.sides import open_side
from bench.diff.thresholds import UNITS, parse_thresholds
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.errors import RequestError
from bench.records.store import Store
from tests.factories import (
    RECIPE,
    count_record,
    stored,
    timing_records,
    train_record,
    yardstick_record,
)

ENVIRONMENT = Environment(
    system="Linux x86_64",
    processor="P",
    cores=2,
    memory_bytes=1,
    instruction_set="AVX2",
    gpu=None,
    cuda=None,
    python="3.11.7",
    packages={"torch": "2.11"},
    flags={"TF32": "off"},
    commit="c0ffee",
)
# Block seconds whose logarithms are -0.01 and 0.01: mean 0, variance 0.0002.
BLOCKS = (math.exp(-0.01), math.exp(0.01))


SAMPLES = 1000  # that a run of these tests gets wrong are the first ones


def student_2(confidence: float) -> float:
    """Two-sided quantile of Student's t with 2 degrees of freedom, where it has a closed form.

    Source: W. T. Shaw (2006), Sampling Student's T distribution, J. Comp. Finance 9(4):
    t = (2p - 1) / sqrt(2 p (1 - p)). At 95% it is the 4.303 of the printed tables.
    """
    p = (1 + confidence) / 2
    return (2 * p - 1) / math.sqrt(2 * p * (1 - p))


def write_run(
    folder: Path,
    accuracy: Mapping[str, Mapping[int, float]],
    *,
    digest: str = "",
    test_checksum: str = "t",
    blocks: Sequence[float] = BLOCKS,
    steps: int = 1,
    yardstick: float | None = None,
    memory: int = 1000,
    parameters: int = 100,
    epochs: int = 20,
    environment: Environment = ENVIRONMENT,
) -> None:
    """Records of a run as the runner writes them, with the numbers given."""
    records: list[kinds.Record] = []
    # With a yardstick a process for each block, with two rounds; else one process, two labels.
    rows = (tuple(blocks),) * 2 if yardstick is None else tuple((block,) * 2 for block in blocks)
    for model, by_seed in accuracy.items():
        records += [
            train_record(
                model,
                seed,
                0,
                test_accuracy=value,
                weights_sha256=digest or f"{folder}{model}{seed}",
                misclassified=[(i, 0) for i in range(round((1 - value) * SAMPLES))],
                test_samples=SAMPLES,
                test_checksum=test_checksum,
            )
            for seed, value in by_seed.items()
        ]
        records.append(count_record(model, parameters, macs=50))
        train, _, latency = timing_records(model, 1.0)
        records += [
            replace(
                train,
                steps_per_block=steps,
                block_seconds=rows,
                peak_memory_bytes=memory,
                processes=1 if yardstick is None else len(rows),
            ),
            replace(
                latency,
                steps_per_block=1,
                block_seconds=() if yardstick is None else rows,
                processes=1 if yardstick is None else len(rows),
            ),
        ]
    if yardstick is not None:
        unit = yardstick_record(1.0)
        records.append(
            replace(
                unit,
                steps_per_block=1,
                processes=len(rows),
                block_seconds=((yardstick,) * 2,) * len(rows),
            )
        )
    stored(
        folder,
        records,
        accuracy,
        baseline=next(iter(accuracy)),
        seeds=tuple(dict.fromkeys(seed for seeds in accuracy.values() for seed in seeds)),
        dataset_sha256=test_checksum * 64,
        recipes=dict.fromkeys(accuracy, dataclasses.replace(RECIPE, epochs=epochs)),
        environment=environment,
    )


BEFORE = {1: 0.80, 2: 0.82, 3: 0.84}
# Differences 0.01, 0.02, 0.03: mean 0.02, deviation 0.01, standard error 0.01 / sqrt(3).
AFTER = {1: 0.81, 2: 0.84, 3: 0.87}
ERROR = 0.01 / math.sqrt(3)


def changes(a: Path, b: Path) -> dict[tuple[str, str], Change]:
    found = compare(open_side("a", a), open_side("b", b))
    return {(change.model, change.metric.name): change for change in found}


def high(change: Change) -> float:
    assert change.interval is not None
    return change.interval[1]


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return tmp_path / "a"


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return tmp_path / "b"


def test_accuracy_is_b_minus_a_with_the_paired_interval(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER})
    change = changes(a, b)["dnn", "test_accuracy"]
    assert change.a == pytest.approx(0.82)
    assert change.b == pytest.approx(0.84)
    assert change.change == pytest.approx(0.02)
    # Over both it is wider by less than a hundredth; B's seeds differ more, and may be skewed.
    assert high(change) == pytest.approx(0.02 + student_2(0.95) * ERROR, rel=0.01)
    assert change.interval is not None
    assert change.interval[0] < 0.02 - student_2(0.95) * ERROR
    assert change.verdict == "inconclusive"  # 0.02 - 4.303 x 0.00577 = -0.0048


def test_intervals_of_two_networks_hold_together(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE})
    write_run(b, {"dnn": AFTER, "net": {1: 0.80, 2: 0.81, 3: 0.82}})
    # Bonferroni: two intervals, so each at half of the 5%.
    change = changes(a, b)["dnn", "test_accuracy"]
    assert high(change) == pytest.approx(0.02 + student_2(0.975) * ERROR, rel=0.02)


def test_a_network_that_did_better_and_one_that_did_worse_are_called_so(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE})
    up = {1: 0.90, 2: 0.921, 3: 0.942}  # by 0.100, 0.101, 0.102
    down = {1: 0.70, 2: 0.721, 3: 0.742}
    write_run(b, {"dnn": up, "net": down})
    found = changes(a, b)
    assert found["dnn", "test_accuracy"].verdict == "better"
    assert found["net", "test_accuracy"].verdict == "worse"


def test_a_difference_must_hold_for_other_samples_too(a: Path, b: Path) -> None:
    # In all six seeds sample 199 comes right, in three of them 198 as well: seeds hardly differ,
    # but it is two samples that all hangs on.
    write_run(a, {"dnn": dict.fromkeys(range(6), 0.8)})
    write_run(b, {"dnn": {seed: 0.801 + 0.001 * (seed % 2) for seed in range(6)}})
    of_seeds = 0.001 * math.sqrt(0.3 / 6)  # half at 0.001, half at 0.002: variance 0.3 x 0.001^2
    of_samples = math.sqrt((1 + 0.25 - 1000 * 0.0015**2) / 999 / 1000)
    assert stats.t.ppf(0.975, 5) * of_seeds < 0.0015  # seeds alone would say `better`
    # Mean squares, by hand: seeds 1000 x 6 x 0.0005^2 / 5 = 0.0003, samples 6 x 1.24775 / 999, and
    # the residual (8.9865 - 0.0015 - 7.4865) / (5 x 999) = 0.0003, so that seeds add nothing.
    squares = 0.0003, 6 * 1.24775 / 999, 0.0003
    free = squares[1] ** 2 / (
        squares[0] ** 2 / 5 + squares[1] ** 2 / 999 + squares[2] ** 2 / (5 * 999)
    )
    change = changes(a, b)["dnn", "test_accuracy"]
    assert change.interval is not None
    # Two samples of a thousand: the truth may be further above than below.
    assert change.interval[0] == pytest.approx(0.0015 - stats.t.ppf(0.975, free) * of_samples)
    assert change.interval[1] > 0.0015 + stats.t.ppf(0.975, free) * of_samples
    assert change.verdict == "inconclusive"


def test_on_other_samples_the_seeds_are_all_that_is_paired(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, test_checksum="u")
    change = changes(a, b)["dnn", "test_accuracy"]
    assert high(change) == pytest.approx(0.02 + student_2(0.95) * ERROR)
    assert change.basis == "3 paired seeds alone"


def test_only_common_seeds_are_paired(a: Path, b: Path) -> None:
    write_run(a, {"dnn": {**BEFORE, 4: 0.10}})
    write_run(b, {"dnn": {9: 0.99, **AFTER}})
    change = changes(a, b)["dnn", "test_accuracy"]
    assert change.a == pytest.approx(0.82)
    assert change.change == pytest.approx(0.02)
    assert change.basis == "3 paired seeds, 1,000 samples"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({1: 0.80}, {1: 0.90}),
        ({1: 0.80, 2: 0.82, 3: 0.84}, {1: 0.83, 2: 0.85, 3: 0.87}),  # 0.03 each, but for rounding
    ],
)
def test_differences_without_spread_have_no_interval_and_no_verdict(
    a: Path, b: Path, before: dict[int, float], after: dict[int, float]
) -> None:
    write_run(a, {"dnn": before})
    write_run(b, {"dnn": after})
    change = changes(a, b)["dnn", "test_accuracy"]
    assert (change.interval, change.verdict) == (None, "no interval")


def test_equal_weights_are_identical_and_equal_accuracies_only_equal(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE}, digest="same")
    write_run(b, {"dnn": BEFORE}, digest="same")
    assert changes(a, b)["dnn", "test_accuracy"].verdict == "identical"
    c = b.with_name("c")
    write_run(c, {"dnn": BEFORE}, digest="other")
    assert changes(a, c)["dnn", "test_accuracy"].verdict == "equal"


def test_throughput_has_the_welch_interval_of_log_seconds(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, blocks=[math.exp(0.1) * seconds for seconds in BLOCKS])
    change = changes(a, b)["dnn", "train_samples_per_second"]
    # Two samples of two with variance 0.0002 each: standard error sqrt(0.0002 / 2 + 0.0002 / 2),
    # and as the variances are equal, Welch's degrees of freedom are 2 + 2 - 2.
    half = student_2(0.95) * math.sqrt(0.0002)
    assert change.a == pytest.approx(64)
    assert change.b == pytest.approx(64 * math.exp(-0.1))
    assert change.change == pytest.approx(math.exp(-0.1) - 1)
    assert change.interval == pytest.approx(
        (math.exp(-0.1 - half) - 1, math.exp(-0.1 + half) - 1)
    )  # -3.8%
    assert change.verdict == "slower, if no drift"


def test_samples_of_unequal_spread_are_not_pooled() -> None:
    # Of next to no spread on one side, Welch's degrees of freedom are those of the other, 3 - 1;
    # pooled variances would have 3 + 2 - 2.
    low, high = welch_interval([-0.01, 0.0, 0.01], [0.0, 1e-9], 0.95)
    assert (high - low) / 2 == pytest.approx(student_2(0.95) * ERROR, rel=1e-6)


def test_throughput_counts_the_steps_of_a_block(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, steps=3, blocks=[3 * seconds for seconds in BLOCKS])
    change = changes(a, b)["dnn", "train_samples_per_second"]
    assert change.change == pytest.approx(0)
    assert change.verdict == "inconclusive"


SLOWER = [math.exp(0.1) * seconds for seconds in BLOCKS]


def test_with_yardsticks_a_slower_machine_is_no_change(a: Path, b: Path) -> None:
    # Everything takes exp(0.1) times as long in B, the yardstick, too.
    write_run(a, {"dnn": BEFORE}, yardstick=0.5)
    write_run(b, {"dnn": AFTER}, blocks=SLOWER, yardstick=0.5 * math.exp(0.1))
    found = changes(a, b)
    assert ("dnn", "train_samples_per_second") not in found
    assert ("dnn", "latency_p50_seconds") not in found
    change = found["dnn", "train_samples_per_yardstick"]
    # 64 samples in blocks of 1 s, half of which is a yardstick.
    assert [change.a, change.b] == pytest.approx([32, 32])
    assert change.change == pytest.approx(0)
    assert (change.basis, change.verdict) == ("2 and 2 processes", "inconclusive")


def test_with_yardsticks_a_slower_network_is_found_in_training_and_latency(
    a: Path, b: Path
) -> None:
    write_run(a, {"dnn": BEFORE}, yardstick=0.5)
    write_run(b, {"dnn": AFTER}, blocks=SLOWER, yardstick=0.5)
    found = changes(a, b)
    # As for rounds: two samples of two with variance 0.0002 each.
    half = student_2(0.95) * math.sqrt(0.0002)
    training, latency = (
        found["dnn", name] for name in ("train_samples_per_yardstick", "latency_yardsticks")
    )
    assert training.interval == pytest.approx(
        (math.exp(-0.1 - half) - 1, math.exp(-0.1 + half) - 1)
    )
    assert training.verdict == "slower"
    # One sample in blocks of 1 s, which are two yardsticks.
    assert latency.a == pytest.approx(2)
    assert latency.interval == pytest.approx((math.exp(0.1 - half) - 1, math.exp(0.1 + half) - 1))
    assert latency.verdict == "slower"
    assert main([str(a), str(b), "--fail", "throughput:3%"]) == 1
    assert main([str(a), str(b), "--fail", "throughput:4%"]) == 0  # the interval ends at -3.8%
    assert main([str(a), str(b), "--fail", "latency:3%"]) == 1


def test_where_one_run_has_no_yardstick_seconds_are_compared(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, yardstick=0.5)
    found = changes(a, b)
    assert ("dnn", "train_samples_per_yardstick") not in found
    assert found["dnn", "train_samples_per_second"].basis == "2 and 4 rounds"
    assert found["dnn", "latency_p50_seconds"].verdict == "no interval"


def test_a_speed_that_changed_by_itself_breaks_no_threshold(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE}, yardstick=0.5)
    write_run(b, {"dnn": BEFORE, "net": BEFORE}, blocks=SLOWER, yardstick=0.5)
    store = Store(b)
    # In B every process of dnn becomes half as fast after three of six rounds.
    for record in store.read():
        if isinstance(record, kinds.Timing):
            slow = (record.model, record.phase) == ("dnn", "train")
            late = (2.0 if slow else 1.0,) * 3
            rows = tuple(
                (row[0],) * 3 + tuple(row[0] * x for x in late) for row in record.block_seconds
            )
            store.append(replace(record, block_seconds=rows))
    found = changes(a, b)
    assert found["dnn", "train_samples_per_yardstick"].verdict == "unstable"
    assert found["net", "train_samples_per_yardstick"].verdict == "slower"
    assert found["dnn", "latency_yardsticks"].verdict == "slower"


def test_what_is_counted_is_exact_and_latency_has_no_interval(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, memory=1100, parameters=50)
    found = changes(a, b)
    memory, parameters = found["dnn", "peak_memory_bytes"], found["dnn", "parameters"]
    assert memory.change == pytest.approx(0.1)
    assert memory.verdict == "larger"
    assert (parameters.change, parameters.verdict) == (-0.5, "smaller")
    assert parameters.interval == (-0.5, -0.5)
    assert found["dnn", "macs"].verdict == "equal"
    assert found["dnn", "latency_p50_seconds"].verdict == "no interval"
    assert ("dnn", "inference_samples_per_second") not in found  # not measured in these runs


def test_of_nothing_any_number_is_infinitely_more(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE}, parameters=0)
    write_run(b, {"dnn": AFTER, "net": AFTER}, parameters=50)
    parameters = changes(a, b)["dnn", "parameters"]
    assert (parameters.change, parameters.verdict) == (math.inf, "larger")
    assert changes(b, a)["dnn", "parameters"].change == -1
    assert changes(a, a)["dnn", "parameters"].verdict == "equal"
    assert main([str(a), str(b), "--fail", "parameters:1000%"]) == 1
    row = next(line for line in capsys.readouterr().out.splitlines() if "| parameters " in line)
    assert [cell.strip() for cell in row.split("|")][4:8] == ["0", "50", "-", "exact"]


def test_every_threshold_belongs_to_a_metric() -> None:
    assert {metric.threshold for metric in METRICS} - {None} == UNITS.keys()


def test_the_output_says_what_it_rests_on(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE})
    write_run(b, {"dnn": AFTER, "lenet": AFTER}, epochs=40)
    assert main([str(a), str(b)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# ")
    assert "made one after the other, not interleaved" in out
    assert "- recipes differ, dnn: epochs 20 in A, 40 in B" in out
    assert "- not compared: net on cpu, in A alone" in out
    assert "- not compared: lenet on cpu, in B alone" in out


def test_throughputs_that_all_move_alike_are_suspected_of_drift(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE, "net": BEFORE})
    write_run(b, {"dnn": BEFORE, "net": BEFORE}, blocks=[2 * seconds for seconds in BLOCKS])
    main([str(a), str(b)])
    assert "All 2 throughputs moved the same way, by -50.0% to -50.0%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"processor": "Q"}, "processor: P in A, Q in B"),
        ({"packages": {"torch": "2.12"}}, "packages.torch: 2.11 in A, 2.12 in B"),
        ({"python": "3.12.1"}, "python: 3.11.7 in A, 3.12.1 in B"),
    ],
)
def test_other_environments_are_refused_unless_asked_for(
    a: Path, b: Path, change: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, environment=dataclasses.replace(ENVIRONMENT, **change))
    assert main([str(a), str(b)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"cannot be compared fairly: {reason}; --anyway" in captured.err
    assert main([str(a), str(b), "--anyway"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"> **Unfair comparison, made with --anyway:** {reason}."


def test_other_data_are_refused(a: Path, b: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, test_checksum="u")
    assert main([str(a), str(b)]) == 2
    assert "data: digits (SHA-256 tttttttttttt) in A" in capsys.readouterr().err


def test_another_commit_or_more_cores_are_no_reason_to_refuse(a: Path, b: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(
        b, {"dnn": AFTER}, environment=dataclasses.replace(ENVIRONMENT, commit="f00", cores=64)
    )
    assert main([str(a), str(b)]) == 0


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        ("throughput:3%", 1),  # the interval ends at -3.8%
        ("throughput:4%", 0),  # worse by 9.5%, but not beyond doubt
        ("memory:9.9%", 1),
        ("memory:10.1%", 0),
        ("parameters:1%", 0),  # half of them is not worse
        ("accuracy:0pp", 0),
        ("accuracy:0pp,memory:0%", 1),
    ],
)
def test_a_threshold_fails_only_beyond_doubt(
    a: Path, b: Path, thresholds: str, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE})
    blocks = [math.exp(0.1) * seconds for seconds in BLOCKS]
    write_run(b, {"dnn": AFTER}, blocks=blocks, memory=1100, parameters=50)
    assert main([str(a), str(b), "--fail", thresholds]) == expected
    assert ("**FAILED**" in capsys.readouterr().out) == bool(expected)


@pytest.mark.parametrize(("points", "expected"), [("8pp", 1), ("9pp", 0)])
def test_a_loss_of_accuracy_fails_where_its_whole_interval_is_beyond(
    a: Path, b: Path, points: str, expected: int
) -> None:
    # By 0.099, 0.100, 0.101: over seeds 0.1 -+ 4.303 x 0.001 / sqrt(3) = 0.0975 to 0.1025. But of
    # 1,000 samples 39 fall in one seed of three, 39 in two and 61 in all: by sample the variance is
    # (39/9 + 39 x 4/9 + 61 - 1,000 x 0.1^2) / 999 = 0.0727, the error 0.0085, and 0.1 - 1.96 x
    # 0.0085 is 0.083.
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": {1: 0.701, 2: 0.72, 3: 0.739}})
    assert main([str(a), str(b), "--fail", f"accuracy:{points}"]) == expected


def test_the_csv_has_a_row_for_every_change(a: Path, b: Path, tmp_path: Path) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"dnn": AFTER}, memory=1100)
    path = tmp_path / "changes.csv"
    assert main([str(a), str(b), "--csv", str(path), "--fail", "memory:5%"]) == 1
    with path.open(newline="") as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    assert list(rows) == [
        "test_accuracy",
        "train_samples_per_second",
        "latency_p50_seconds",
        "peak_memory_bytes",
        "parameters",
        "macs",
    ]
    memory = rows["peak_memory_bytes"]
    assert (memory["a"], memory["b"], memory["failed"]) == ("1000.0", "1100.0", "True")
    assert rows["latency_p50_seconds"]["low"] == ""
    assert rows["test_accuracy"]["failed"] == "False"


def test_thresholds_are_fractions_by_name() -> None:
    assert parse_thresholds("accuracy:0.5pp, throughput:5%") == {
        "accuracy": 0.005,
        "throughput": 0.05,
    }


@pytest.mark.parametrize(
    "text",
    ["", "accuracy", "accuracy:0.5%", "throughput:5pp", "speed:5%", "accuracy:-1pp", "memory:5%,"],
)
def test_a_wrong_threshold_is_refused_with_those_that_are_valid(text: str) -> None:
    with pytest.raises(RequestError, match="choose from accuracy:NUMBERpp, throughput:NUMBER%"):
        parse_thresholds(text)


def test_a_threshold_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="two thresholds for memory"):
        parse_thresholds("memory:1%,memory:2%")


def test_wrong_requests_are_one_line_and_2(
    a: Path, b: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(a, {"dnn": BEFORE})
    write_run(b, {"net": BEFORE})
    reports = ["--reports", str(tmp_path)]
    cases = {
        "no model in common": ["a", "b", *reports],
        "no report 'c'": ["a", "c", *reports],
        "arguments are required: B": ["a", *reports],
        "cannot be written": ["a", "a", "--csv", str(tmp_path / "no" / "x.csv"), *reports],
        "is no threshold": ["a", "a", "--fail", "everything", *reports],
    }
    for message, arguments in cases.items():
        assert main(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("bench.diff: ")
        assert captured.err.count("\n") == 1
        assert message in captured.err


@pytest.mark.usefixtures("unwritten")
def test_a_run_does_not_differ_from_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"epochs": 1, "jobs": 1, "rounds": 0}
    bench.run("dnn-sums", seeds=1, dataset="sums", name="run", reports=tmp_path, **options)
    assert main(["run", "run", "--reports", str(tmp_path), "--fail", "accuracy:0pp"]) == 0
    assert "identical" in capsys.readouterr().out
