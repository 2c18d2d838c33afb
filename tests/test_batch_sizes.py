"""Inference at sizes of batches: planted times, how they are measured, what a report says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

import bench
import zoo
from bench.cells.plan import Request, plan
from bench.records import kinds
from bench.records.store import Store, of_kind
from bench.report.batch_sizes import batch_sizes
from bench.report.figures import write_figures
from bench.results.batches import BatchCurve, batch_curves
from bench.results.runs import Results, read
from bench.suite.__main__ import main as suite
from bench.timing.batches import BATCHES, BatchWorkload, measure_batches
from bench.timing.runner import Runner
from tests.factories import count_record, stored, train_record


def timing(model: str, batch: int, *call_seconds: float) -> kinds.Timing:
    """Calls that take so long, in a process each, with blocks of two calls in three rounds."""
    return kinds.Timing(
        key=f"{model}-{batch}",
        model=model,
        device="cpu",
        phase="inference",
        deterministic=True,
        batch=batch,
        status="ok",
        steps_per_block=2,
        processes=len(call_seconds),
        block_seconds=tuple((2 * s, 2 * s, 9 * s) for s in call_seconds),
    )


def planted(model: str, call: float, picture: float) -> list[kinds.Timing]:
    """A call costs so many seconds, and each of its pictures so many."""
    return [timing(model, size, *[call + picture * size] * 3) for size in BATCHES]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Two networks whose sizes have not been measured."""
    models = ("lenet", "dnn")
    records: list[kinds.Record] = [train_record(model, 1, 390) for model in models]
    records += [count_record(model, 61_706, 416_520) for model in models]
    return read(stored(tmp_path, records, models))


def curve_of(*timings: kinds.Timing) -> BatchCurve:
    (curve,) = batch_curves(timings, "cpu")
    return curve


def test_a_point_is_the_median_of_processes_and_its_spread_is_from_slowest_to_fastest() -> None:
    # Of each process the median round, so that a round of nine calls' time changes nothing:
    # 16 pictures in 2, 4 and 8 ms are 8,000, 4,000 and 2,000 a second.
    (point,) = curve_of(timing("lenet", 16, 0.004, 0.002, 0.008)).points
    assert (point.per_second, point.slowest, point.fastest) == pytest.approx((4000, 2000, 8000))
    assert point.call_seconds == pytest.approx(0.004)


def test_nine_tenths_of_the_best_is_reached_where_a_call_costs_a_tenth_of_its_pictures() -> None:
    # One call costs as much as 8 pictures: B / (B + 8) of what endless batches bring. The best of
    # the six is 1,024 / 1,032; nine tenths of it are 0.893, 64 / 72 is 0.889, 256 / 264 is 0.970.
    curve = curve_of(*planted("lenet", call=0.008, picture=0.001))
    assert [point.batch for point in curve.points] == list(BATCHES)
    assert (curve.best.batch, curve.enough.batch) == (1024, 256)
    assert curve.best.per_second == pytest.approx(1000 * 1024 / 1032)
    assert curve.gain == pytest.approx(9 * 1024 / 1032)  # one picture alone takes nine times 1 ms
    assert curve.at_last == 1
    # Without costs of a call every size is the best.
    assert curve_of(*planted("lenet", call=0.0, picture=0.001)).enough.batch == 1


def test_networks_are_in_the_order_of_their_best_and_those_of_other_devices_are_left_out() -> None:
    slow, fast = planted("lenet", 0.01, 0.002), planted("dnn", 0.01, 0.001)
    assert [curve.model for curve in batch_curves([*slow, *fast], "cpu")] == ["dnn", "lenet"]
    assert batch_curves(slow, "cuda") == ()


def test_a_workload_runs_as_many_pictures_as_it_says() -> None:
    (cell, *_) = plan(Request(models=("lenet",), devices=("cpu",))).cells
    workload = BatchWorkload(model="lenet", device="cpu", phase="inference", size=16)
    runner = Runner(workload, cell.spec, cell.recipe)
    assert runner.samples.shape[0] == 16


class OnlySmall(nn.Module):
    """A network that raises for more than four pictures at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.network = zoo.get("dnn").build()

    def forward(self, pictures: Tensor) -> Tensor:
        if len(pictures) > 4:
            raise ValueError("too many")
        found: Tensor = self.network(pictures)
        return found


def test_a_size_that_fails_is_a_record_with_its_cause_and_the_others_are_measured() -> None:
    own = replace(zoo.get("dnn"), name="own", aliases=(), build=OnlySmall)
    with zoo.temporary(own):
        cells = plan(Request(models=("own",), devices=("cpu",))).first_cells
        found = measure_batches(cells, "cpu", lambda _: None, processes=1, rounds=1)
    assert {record.batch: record.status for record in found} == {
        **dict.fromkeys((1, 4), "ok"),
        **dict.fromkeys((16, 64, 256, 1024), "failed"),
    }
    assert all("too many" in str(record.error) for record in found if record.status != "ok")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process, two rounds."""
    short = partial(measure_batches, processes=1, rounds=2)
    monkeypatch.setattr("bench.suite.batches.measure_batches", short)


@pytest.mark.usefixtures("quick")
def test_the_option_measures_each_network_once_at_every_size_and_adds_a_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"jobs": 1, "devices": ["cpu"], "rounds": 0}
    options |= {"reports": tmp_path, "name": "run"}
    models = "lenet,lenet5-relu-max,dnn"
    bench.run(models.split(","), seeds=1, epochs=1, **options)
    where = ["--devices", "cpu", "--name", "run", "--reports", str(tmp_path), "--quiet"]
    arguments = ["--models", f"{models},net", *where, "--batches"]
    assert suite(arguments) == 0
    store = Store(tmp_path / "run")
    found = of_kind(store.read(), kinds.BatchSpeed)
    assert sorted((one.timing.model, one.timing.batch) for one in found) == sorted(
        (model, size)
        for model in ("lenet", "dnn")
        for size in BATCHES  # twins once
    )
    for one in found:
        assert one.run == store.latest_request().key
        assert len(one.timing.block_seconds[0]) == 2
    lenet = {c.model: c for c in batch_curves(read(store).batches, "cpu")}["lenet"]
    assert lenet.gain > 1.5  # a call has costs of its own on every machine
    page = (tmp_path / "run" / "report.md").read_text()
    assert "### How many pictures at a time" in page
    assert 'src="figures/batch-sizes.svg"' in page
    assert "left out: net on cpu" in capsys.readouterr().err

    assert suite(arguments) == 0  # what is measured again replaces what was measured before
    assert len(read(store).batches) == 2 * len(BATCHES)

    assert suite(["--models", "net", *where, "--batches"]) == 2
    assert "does not hold net on cpu; it holds dnn on cpu, lenet on cpu" in capsys.readouterr().err


def test_the_report_says_what_a_call_costs_and_where_large_batches_lose(results: Results) -> None:
    # lenet: 9 pictures' time for one, 12 for four: 1.33 times as long; dnn: 2 and 5, 2.5 times.
    steady = planted("lenet", call=0.008, picture=0.001)
    falling = planted("dnn", call=0.001, picture=0.001)
    falling[-1] = timing("dnn", 1024, *[0.001 * 2 * 1024] * 3)  # two thousandths a picture
    text = batch_sizes(replace(results, batches=(*steady, *falling)), {})
    text = " ".join(text.split())
    assert "With 4 pictures a call takes 1.3 to 2.5 times as long as with 1." in text
    # 2,048 bytes a picture in the factories' count: 2 MiB at 1,024; 500 of 996 a second.
    assert "`dnn` has 50% of its best (its layers' outputs take 2 MiB there)." in text
    assert "| `lenet` | 110 | 990 | 1,024 | 256 | 100% of the best |" in text
    assert "no network is much slower" not in text
    steady_text = " ".join(batch_sizes(replace(results, batches=tuple(steady)), {}).split())
    assert "no network is much slower than at its best" in steady_text
    assert batch_sizes(results, {}) == ""


def test_the_figure_says_how_much_batches_bring(results: Results, tmp_path: Path) -> None:
    # 9 * 1,024 / 1,032 is 8.9; 2 * 1,024 / 1,025 is 2.0.
    found = (*planted("lenet", 0.008, 0.001), *planted("dnn", 0.001, 0.001))
    folder = tmp_path / "figures"
    assert "batch-sizes" in write_figures(replace(results, batches=found), folder).drawn
    drawn = (folder / "batch-sizes.svg").read_text()
    assert "networks answer 2 to 8.9 times as many pictures per second" in drawn
    assert "batch-sizes" not in write_figures(results, folder).drawn
