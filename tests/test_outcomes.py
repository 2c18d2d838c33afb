"""Networks that hang, end their process or answer what they should not: told, and others go on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zoo
from bench import runner
from bench.cells import machine, places
from bench.cells.common_recipe import common_recipe
from bench.cells.plan import Request, plan
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.store import Store, of_kind
from bench.timing.guarded import EndedTiming, measure_guarded
from bench.timing.measure import Asked
from bench.timing.protocol import Workload
from tests.programs import REPOSITORY, outside_pytest

BAD = """
import os, signal, sys, time
from dataclasses import replace
from torch import nn
import zoo
from bench import runner
from bench.compare import main
from bench.timing import workloads

class Bad(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)
    def forward(self, x):
        self.go_wrong(x)
        return self.layer(x.flatten(1))

class Hangs(Bad):
    def go_wrong(self, x):
        while self.training and not x.is_meta:
            time.sleep(1)

class Dies(Bad):
    def go_wrong(self, x):
        if self.training and not x.is_meta:
            os.kill(os.getpid(), signal.SIGKILL)

class Uncountable(Bad):
    def go_wrong(self, x):
        if x.is_meta:
            os._exit(9)

class Exits(Bad):  # where single pictures are timed
    def go_wrong(self, x):
        if not x.is_meta and len(x) == 1:
            sys.exit(0)

if __name__ == "__main__":
    workloads.PROCESSES, workloads.ROUNDS = 2, 2
    dnn = zoo.get("dnn")
    for kind in (Hangs, Dies, Uncountable, Exits):
        name = kind.__name__.lower()
        zoo.register(replace(dnn, name=name, aliases=(), layers=None, build=kind))
    raise SystemExit(main(sys.argv[1:]))
"""
SECONDS = 15  # a small network trains an epoch in one, also in five on a busy machine


@pytest.mark.timeout(1_200)
def test_networks_that_hang_or_end_their_process_are_told_and_all_others_go_on(
    tmp_path: Path,
) -> None:
    program = tmp_path / "program.py"
    program.write_text(BAD)
    done = subprocess.run(
        [
            *(sys.executable, program, "--models", "dnn,hangs,dies,uncountable,exits"),
            *("--seeds", "1", "--epochs", "1", "--jobs", "1", "--devices", "cpu"),
            *("--cell-timeout", str(SECONDS), "--reports", str(tmp_path), "--name", "x"),
        ],
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    records = Store(tmp_path / "x").read()
    trained = {cell.model: cell for cell in of_kind(records, kinds.Train)}
    assert {name: cell.status for name, cell in trained.items() if "-" not in name} == {
        "dnn": "ok",
        "hangs": "timed out",
        "dies": "killed",
        "uncountable": "ok",
        "exits": "ok",
    }
    assert trained["dies"].lost_workers == 1  # and once more
    assert "ended by SIGKILL" in str(trained["dies"].error)
    assert f"not finished after {SECONDS} s" in str(trained["hangs"].error)
    counts = {count.model: count.status for count in of_kind(records, kinds.Count)}
    assert counts.pop("uncountable") == "killed"
    assert set(counts.values()) == {"ok"}
    timed = {(item.model, item.status) for item in of_kind(records, kinds.Timing)}
    # What did not run is not measured; what ends its process takes nobody with it.
    assert timed == {
        ("yardstick", "ok"),
        ("dnn", "ok"),
        ("uncountable", "ok"),
        ("exits", "killed"),
    }
    report = (tmp_path / "x" / "report.md").read_text()
    assert "- `hangs` on cpu, seed 1: timed out, not finished after" in report
    assert "it is trained once more, when nothing runs beside it" in done.stderr


class Ends(nn.Linear):
    """A network that ends its process in training."""

    def forward(self, samples: Tensor) -> Tensor:
        if self.training and not samples.is_meta:
            os._exit(9)
        return super().forward(samples)


def test_where_this_process_measures_a_network_that_would_end_it_is_tried_elsewhere_first() -> None:
    good = zoo.get("dnn-sums")
    bad = replace(good, name="ends", aliases=(), layers=None, build=partial(Ends, 3, 3))
    asked = [
        Asked(
            workload=Workload(model=spec.name, device="cpu", phase="train"),
            spec=spec,
            recipe=common_recipe(spec),
        )
        for spec in (bad, good)
    ]
    timings, failed = measure_guarded(
        asked, processes=1, rounds=1, on_round=lambda _: None, seconds=None
    )
    assert [timing.workload.model for timing in timings] == ["dnn-sums"]
    assert [(item.workload.model, type(item)) for item in failed] == [("ends", EndedTiming)]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_run_trains_apart_from_the_process_that_records_whatever_the_device(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(models=("dnn",), devices=(device,), seeds=(1,), cell_timeout=None)
    jobs: list[Any] = [SimpleNamespace(key=str(c), cell=c) for c in plan(request).cells]
    kept: list[places.Apart | None] = []

    def train(_jobs: object, _number: int, _meanwhile: object, apart: Any, _place: object) -> Any:
        kept.append(apart)
        return ()

    monkeypatch.setattr(runner, "run_jobs", train)
    runner._train(jobs, request, Store(tmp_path), Progress(), places.HERE)
    assert [(apart is not None, apart and apart.seconds) for apart in kept] == [(True, None)]


class Answers(nn.Module):
    """A network that makes something of the answers of a good one."""

    def __init__(self, change: Callable[[Tensor], Tensor], outputs: int = 10) -> None:
        super().__init__()
        self.layer = nn.Linear(784, outputs)
        self.register_buffer("mean", torch.zeros(3))
        self.change = change

    def forward(self, pictures: Tensor) -> Tensor:
        return self.change(self.layer(pictures.flatten(1)))


def same(answers: Tensor) -> Tensor:
    return answers


def with_two_threads(answers: Tensor) -> Tensor:
    torch.set_num_threads(2)
    return answers


def halved() -> Answers:
    network = Answers(same)
    network.mean = network.mean.bfloat16()
    return network


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Answers(same, 20), "has 20 outputs for each sample, and classes=10 is declared"),
        (lambda: Answers(lambda x: x.double()), "makes torch.float64 of shape (8, 10)"),
        (lambda: Answers(lambda x: x + torch.rand(10)), "gives two different outputs"),
        (lambda: Answers(with_two_threads), "sets 2 threads"),
        (halved, "keeps 'mean' in torch.bfloat16, which cannot be recorded"),
    ],
    ids=["20 outputs", "float64", "random", "threads", "bfloat16"],
)
def test_answers_that_cannot_be_compared_are_told_before_training(
    build: Callable[[], nn.Module], says: str
) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(zoo.ExtensionError) as error:
        zoo.require_answers(replace(zoo.get("dnn"), layers=None, build=build))
    assert says in str(error.value)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_that_diverges_at_once_may_be_trained() -> None:
    diverging = replace(
        zoo.get("dnn"), layers=None, build=lambda: Answers(lambda x: x * float("nan"))
    )
    zoo.require_answers(diverging)
    with pytest.raises(zoo.ExtensionError, match="not finite"):
        zoo.require_sound(diverging)


@pytest.mark.parametrize(
    ("jobs_asked", "cells", "cores", "gigabytes", "found"),
    [
        (30, 4, 64, 64.0, 4),
        (30, 100, 8, 64.0, 8),
        (30, 100, 64, 2.2, 4),
        (2, 100, 64, 64.0, 2),
        (4, 4, 4, 0.1, 1),
        (4, 0, 4, 64.0, 1),
    ],
)
def test_no_more_workers_than_cells_cores_and_memory_for_them(
    monkeypatch: pytest.MonkeyPatch,
    jobs_asked: int,
    cells: int,
    cores: int,
    gigabytes: float,
    found: int,
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    monkeypatch.setattr(machine, "available_bytes", lambda: int(gigabytes * 1e9))
    assert places.workers("cpu", jobs_asked, cells) == found
    assert places.workers("cuda", jobs_asked, cells) == 1


def test_every_test_that_the_page_on_robustness_names_is_there() -> None:
    page = (REPOSITORY / "docs" / "robustness.md").read_text()
    named = set(re.findall(r"`(test_\w+\.py)`", page))
    assert len(named) > 15
    assert named <= {path.name for path in (REPOSITORY / "tests").glob("test_*.py")}
