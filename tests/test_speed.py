from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as replaced

from bench.records import kinds
from bench.records.lines import encode
from bench.records.store import Store
from bench.report.speed import speed, speed_view
from bench.results.runs import Results, read
from bench.statistics.speed import MARGINS
from bench.timing.gpu import parse
from bench.timing.measure import Timing
from bench.timing.protocol import PHASES, PROCESSES, ROUNDS, Workload
from bench.timing.workloads import timing_record
from tests.factories import stored, train_record

# Log-ratios of five processes to their mean: mean 0, deviation sqrt(2.5) of their unit.
LUCK = (-2, -1, 0, 1, 2)


def timing(model: str, milliseconds: float, luck: float = 0.0, **more: Any) -> kinds.Timing:
    """A record: one step per block, the same in all rounds of a process."""
    fields = {
        "phase": "train",
        "deterministic": True,
        "batch": 64,
        "steps_per_block": 1,
        "peak_memory_bytes": 2**20,
        "processes": len(LUCK),
        "block_seconds": tuple(
            (float(milliseconds / 1e3 * np.exp(luck * step)),) * ROUNDS for step in LUCK
        ),
        **more,
    }
    key = f"{model} {fields['phase']} {fields['deterministic']}"
    return kinds.Timing(key=key, model=model, device="cpu", status="ok", **fields)


def yardstick_timing(milliseconds: float) -> kinds.Timing:
    return timing("yardstick", milliseconds, phase="yardstick", batch=1)


def older(model: str, milliseconds: float, **more: Any) -> kinds.Timing:
    """A record of one process that visited each workload under two labels in 20 rounds."""
    seconds = milliseconds / 1e3
    labels = ((seconds * 1.01,) * 20, (seconds / 1.01,) * 20)
    return timing(model, milliseconds, processes=1, block_seconds=labels, **more)


def results(folder: Path, timings: list[kinds.Timing]) -> Results:
    models = [m for m in dict.fromkeys(record.model for record in timings) if m != "yardstick"]
    records = [*(train_record(model, 1, 360) for model in models), *timings]
    return read(stored(folder, records, models, baseline=models[0]))


def test_ratios_are_against_the_first_network_over_processes(tmp_path: Path) -> None:
    found = results(tmp_path, [timing("dnn", 10), timing("net", 20, 0.001), timing("lenet", 10.1)])
    dnn, net, lenet = (found.speeds[model, "cpu"].train for model in ("dnn", "net", "lenet"))
    assert dnn is not None
    assert dnn.ratio is None
    assert dnn.samples_per_second == pytest.approx(6_400)
    assert net is not None
    assert net.ratio is not None
    assert net.ratio.ratio == pytest.approx(0.5)
    assert net.ratio.verdict == "slower"
    assert lenet is not None
    assert lenet.ratio is not None
    assert lenet.ratio.verdict == "as fast"  # 1% slower


def cells(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by network."""
    section = text.partition(f"### {heading}")[2].partition("\n#")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


def test_the_section_shows_ratio_verdict_and_yardsticks_of_each_network(tmp_path: Path) -> None:
    records = [timing("dnn", 10), timing("net", 20), yardstick_timing(5)]
    text = speed(results(tmp_path, records))
    # 64 samples in 10 and in 20 ms: 6,400 and 3,200 a second; in a yardstick's 5 ms 32 and 16.
    assert cells(text, "Training") == {
        "dnn": ["1", "-", "baseline", "32.0", "6,400"],
        "net": ["0.500", "0.500 to 0.500", "**slower**", "16.0", "3,200"],
    }
    assert "`yardstick`" not in text
    assert "5 fresh processes measured the same" in text
    assert "by more than 2.0%" in text


def test_latency_is_judged_like_throughput(tmp_path: Path) -> None:
    percentiles = {f"latency_p{p}_seconds": p / 1e5 for p in (50, 95, 99)}
    latency: dict[str, Any] = {"phase": "latency", "batch": 1, **percentiles}
    records = [timing("dnn", 1, **latency), timing("net", 2, **latency), yardstick_timing(5)]
    assert cells(speed(results(tmp_path, records)), "Latency and memory") == {
        "dnn": ["1", "-", "baseline", "5.00", "0.500", "0.950", "0.990", "-"],
        "net": ["0.500", "0.500 to 0.500", "**slower**", "2.50", "0.500", "0.950", "0.990", "-"],
    }


def test_a_network_that_slows_down_by_itself_gets_no_verdict(tmp_path: Path) -> None:
    steady = [
        timing(model, milliseconds + place, phase=phase)
        for model, milliseconds in (("dnn", 10), ("lenet", 10.1))
        for place, phase in enumerate(PHASES)
    ]
    late = tuple((0.009,) * 4 + (0.012,) * 4 for _ in LUCK)  # before and after dnn's 0.010
    records = [*steady, timing("net", 10, block_seconds=late)]
    speeds = results(tmp_path, records).speeds
    net, lenet = speeds["net", "cpu"].train, speeds["lenet", "cpu"].train
    assert net is not None
    assert net.unstable
    assert net.ratio is not None
    assert net.ratio.verdict == "unstable"
    assert lenet is not None
    assert lenet.ratio is not None
    assert lenet.ratio.verdict == "as fast"


def test_an_older_record_of_one_process_is_judged_by_its_rounds_and_says_so(
    tmp_path: Path,
) -> None:
    latency = {"phase": "latency", "batch": 1, "latency_p50_seconds": 0.001, "calls": 1_000}
    records = [
        older("dnn", 10),
        older("net", 20),
        *(replaced(older(m, 1, **latency), block_seconds=()) for m in ("dnn", "net")),
    ]
    text = speed(results(tmp_path, records))
    assert cells(text, "Training")["net"] == [
        *("0.500", "0.500 to 0.500", "**slower**", "-", "3,200")
    ]
    row = cells(text, "Latency and memory")["net"]
    assert row == ["-", "-", "-", "-", "1.000", "-", "-", "1.00"]
    assert "the verdicts hold for this process only" in text
    assert "The yardstick" not in text


def test_a_run_is_judged_by_the_margins_that_it_declared(tmp_path: Path) -> None:
    found = results(tmp_path, [timing("dnn", 10), timing("net", 10.5)])
    assert found.speed_margins == MARGINS
    margins = kinds.SpeedMargins(difference=0.06, equivalence=0.01)
    declared = replaced(found.request, key="second", speed_margins=margins)
    store = Store(tmp_path)
    store.append(declared)
    net = read(store).speeds["net", "cpu"].train
    assert net is not None
    assert net.ratio is not None
    assert net.ratio.verdict == "inconclusive"
    assert "by more than 6.0%" in speed(read(store))


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (8.0, "takes 1.250 times as long as without them (95% interval 1.250 to 1.250), a cost"),
        (
            9.9,
            "takes 1.010 times as long as without them (95% interval 1.010 to 1.010), which is no "
            "cost worth the name",
        ),
    ],
)
def test_the_cost_of_determinism_is_the_step_with_flags_over_the_one_without(
    tmp_path: Path, milliseconds: float, said: str
) -> None:
    free = timing("dnn", milliseconds, deterministic=False)
    text = speed(results(tmp_path, [timing("dnn", 10), free]))
    assert "a training step of `dnn` " + said in text
    # It is a workload of its own, not a second measurement of the network.
    assert "6,400" in text


def test_a_network_that_could_not_be_measured_keeps_its_row(tmp_path: Path) -> None:
    failed = replaced(timing("net", 20), status="failed", error="RuntimeError: no")
    found = results(tmp_path, [timing("dnn", 10), failed])
    assert found.speeds["net", "cpu"].train is None
    assert any(line.startswith("| `net`") and " - " in line for line in speed(found).splitlines())
    assert len(found.failures) == 1


def test_without_its_baseline_a_table_says_no_verdict(tmp_path: Path) -> None:
    failed = replaced(timing("dnn", 10), status="failed", error="RuntimeError: no")
    found = results(tmp_path, [failed, timing("net", 20)])
    net = found.speeds["net", "cpu"].train
    assert net is not None
    assert net.ratio is None
    assert not {"**slower**", "**faster**"} & set(speed(found).split())


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "The GPU's clock, power and throttling could not be read."),
        (
            {
                "clock_mhz": [1200, 1980],
                "power_watts": [312.4, 690.1],
                "temperature_celsius": None,
                "throttle_reasons": ["power cap", "heat"],
            },
            "GPU after each round: clock 1,200 to 1,980 MHz, power 312 to 690 W, throttling power "
            "cap, heat.",
        ),
        (
            {
                "clock_mhz": None,
                "power_watts": None,
                "temperature_celsius": [41, 86],
                "throttle_reasons": [],
            },
            "GPU after each round: temperature 41 to 86 °C, throttling none seen.",
        ),
        (
            {
                "clock_mhz": None,
                "power_watts": None,
                "temperature_celsius": None,
                "throttle_reasons": None,
            },
            "GPU after each round: throttling not reported.",
        ),
    ],
)
def test_the_state_of_the_gpu_is_reported_as_far_as_it_was_read(
    tmp_path: Path, state: dict[str, Any] | None, said: str
) -> None:
    found = results(tmp_path, [timing("dnn", 10)])
    (measured,) = found.speeds.values()
    assert measured.train is not None
    on_gpu = replace(measured, train=replace(measured.train, gpu=state))
    request = replaced(found.request, devices=("cuda",))
    assert said in speed(replace(found, request=request, speeds={("dnn", "cuda"): on_gpu}))
    assert speed_view(found).on_gpu is False


def test_a_record_keeps_all_blocks_within_a_kilobyte() -> None:
    rounds = [0.040123456789 + 1e-5 * number for number in range(ROUNDS)]
    seconds = tuple((one,) for one in rounds)
    measured = Timing(
        workload=Workload(model="lenet5-sigmoid-avg", device="cuda", phase="train"),
        steps_per_block=123,
        seconds=(seconds,) * PROCESSES,
        peak_memory_bytes=123_456_789,
        gpu_states=(parse("1980, 312.45, 41, 0x04"), parse("1200, 690.12, 86, 0x60")),
    )
    record = timing_record(measured, measured.workload, 32 * "0")
    assert len(encode(record)) <= 1_024
    assert record.block_seconds[0][0] == 0.040123  # of 0.040123456789, five digits
    assert record.processes == PROCESSES
    np.testing.assert_allclose(record.block_seconds, [rounds] * PROCESSES, rtol=1e-4)
