from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as replaced

from bench.records import kinds
from bench.records.store import Store
from bench.report.speed import speed, speed_view
from bench.results.runs import Results, read
from bench.timing.gpu import parse
from bench.timing.measure import Timing
from bench.timing.protocol import ROUNDS, Workload
from bench.timing.workloads import timing_record
from tests.factories import request_record, train_record


def timing(model: str, milliseconds: float, spread: float, **more: Any) -> kinds.Timing:
    """A record: one step per block, A/A log-ratio `spread` in every round."""
    both = [milliseconds / 1e3 * np.exp(sign * spread / 2) for sign in (1, -1)]
    fields = {
        "phase": "train",
        "deterministic": True,
        "batch": 64,
        "steps_per_block": 1,
        "peak_memory_bytes": 2**20,
        "block_seconds": tuple((float(seconds),) * ROUNDS for seconds in both),
        **more,
    }
    key = f"{model} {fields['phase']} {fields['deterministic']}"
    return kinds.Timing(key=key, model=model, device="cpu", status="ok", **fields)


def results(folder: Path, timings: list[kinds.Timing]) -> Results:
    store = Store(folder)
    models = list(dict.fromkeys(record.model for record in timings))
    records = [*(train_record(model, 1, 360) for model in models), *timings]
    keys = [record.key for record in records]
    for record in (*records, request_record(keys, models, baseline=models[0])):
        store.append(record)
    return read(store)


def test_ratios_are_against_the_first_network_and_beyond_the_floors(tmp_path: Path) -> None:
    found = results(
        tmp_path,
        [timing("dnn", 10, 0.02), timing("net", 20, 0.01), timing("lenet", 10.1, 0.01)],
    )
    speeds = {model: found.speeds[model, "cpu"].train for model in ("dnn", "net", "lenet")}
    assert all(speeds.values())
    dnn, net, lenet = (speed for speed in speeds.values() if speed)
    assert dnn.ratio is None
    assert dnn.samples_per_second == pytest.approx(6_400, rel=1e-3)
    assert dnn.noise_floor == pytest.approx(np.exp(0.02) - 1)
    assert net.ratio is not None
    assert net.ratio.ratio == pytest.approx(0.5)
    assert net.ratio.verdict == "slower"
    assert lenet.ratio is not None
    assert lenet.ratio.verdict == "inconclusive"  # 1% slower, with a floor of 2%


def test_the_section_shows_floor_ratio_and_verdict_per_network(tmp_path: Path) -> None:
    found = results(tmp_path, [timing("dnn", 10, 0.02), timing("net", 20, 0.01)])
    lines = speed(found).splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    cells = {
        row.split("|")[1].strip(): [c.strip() for c in row.split("|")[3:-1]] for row in rows[:2]
    }
    # exp(0.02) - 1 = 2.0%, exp(0.01) - 1 = 1.0%; 64 samples in 10 ms and in 20 ms.
    assert cells["`dnn`"] == [
        *("6,400", "6,336 to 6,464"),
        *("0 of 40", "2.0%", "1", "-", "baseline"),
    ]
    assert cells["`net`"] == [
        *("3,200", "3,184 to 3,216", "0 of 40", "1.0%"),
        *("0.500", "0.500 to 0.500", "**slower**"),
    ]


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (8.0, "takes 1.250 times as long as without them (95% interval 1.250 to 1.250), a cost"),
        (
            9.9,
            "takes 1.010 times as long as without them (95% interval 1.010 to 1.010), which cannot "
            "be distinguished from 1",
        ),
    ],
)
def test_the_cost_of_determinism_is_the_step_with_flags_over_the_one_without(
    tmp_path: Path, milliseconds: float, said: str
) -> None:
    free = timing("dnn", milliseconds, 0.02, deterministic=False)
    text = speed(results(tmp_path, [timing("dnn", 10, 0.02), free]))
    assert "a training step of `dnn` " + said in text
    # It is a workload of its own, not a second measurement of the network.
    assert "6,400" in text


def test_a_network_that_could_not_be_measured_keeps_its_row(tmp_path: Path) -> None:
    failed = replaced(timing("net", 20, 0.01), status="failed", error="RuntimeError: no")
    found = results(tmp_path, [timing("dnn", 10, 0.02), failed])
    assert found.speeds["net", "cpu"].train is None
    assert any(line.startswith("| `net`") and " - " in line for line in speed(found).splitlines())
    assert len(found.failures) == 1


def test_without_its_baseline_a_table_says_no_verdict(tmp_path: Path) -> None:
    failed = replaced(timing("dnn", 10, 0.02), status="failed", error="RuntimeError: no")
    found = results(tmp_path, [failed, timing("net", 20, 0.01)])
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
    found = results(tmp_path, [timing("dnn", 10, 0.02)])
    (measured,) = found.speeds.values()
    assert measured.train is not None
    on_gpu = replace(measured, train=replace(measured.train, gpu=state))
    request = replaced(found.request, devices=("cuda",))
    assert said in speed(replace(found, request=request, speeds={("dnn", "cuda"): on_gpu}))
    assert speed_view(found).on_gpu is False


def test_a_record_keeps_all_blocks_within_a_kilobyte() -> None:
    seconds = tuple(0.040123456789 + 1e-5 * number for number in range(ROUNDS))
    measured = Timing(
        workload=Workload(model="lenet5-sigmoid-avg", device="cuda", phase="train"),
        steps_per_block=123,
        block_seconds=(seconds, seconds),
        peak_memory_bytes=123_456_789,
        gpu_states=(parse("1980, 312.45, 41, 0x04"), parse("1200, 690.12, 86, 0x60")),
    )
    record = timing_record(measured, measured.workload, 32 * "0")
    assert len(kinds.encode(record)) <= 1_024
    assert record.block_seconds[0][0] == 0.040123  # of 0.040123456789, five digits
    np.testing.assert_allclose(record.block_seconds, [seconds, seconds], rtol=1e-4)
