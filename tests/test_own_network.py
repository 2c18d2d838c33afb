"""A network from a file of a user's own, all the way to a report; and networks that are equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from torch import Tensor, nn

import bench
import zoo
from bench.cells import machine
from bench.cells.count import count
from bench.cells.data import Datasets
from bench.cells.jobs import make_jobs
from bench.cells.plan import Request, plan
from bench.claims.checks.counts import parameters, sharing_parameters
from bench.claims.checks.registry import Found
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind
from bench.timing.workloads import plan_groups

FILE = """
import zoo
from torch import Tensor, nn
from torch.nn import functional


class Strided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.output = nn.Linear(8 * 14 * 14, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        found = functional.relu(self.norm(self.conv(pictures)))
        return self.output(found.flatten(1))


zoo.register(
    zoo.ModelSpec(
        name="notes-strided",
        document=zoo.Document(id="notes", title="My notes", builds="a strided network"),
        input_shape=(1, 28, 28),
        classes=10,
        output="logits",
        build=Strided,
        recipe=zoo.get("dnn").recipe,
    )
)
"""
# 8 kernels of 9 weights, a factor and a term for each of 8 channels, 8 x 14 x 14 values to 10
PARAMETERS = 72 + 16 + 15_690


@pytest.fixture
def strided(tmp_path: Path) -> Iterator[zoo.ModelSpec]:
    """The network of the file."""
    file = tmp_path / "strided.py"
    file.write_text(FILE)
    with zoo.temporary():
        zoo.add(file)
        yield zoo.get("notes-strided")


def test_it_is_counted(strided: zoo.ModelSpec) -> None:
    found = count(strided)
    assert (found.module_parameters, found.reached_parameters) == (PARAMETERS, PARAMETERS)
    assert found.macs == 1_568 * 9 + 1_568 * 10
    # convolution, normalisation and ReLU 8 x 14 x 14 = 1,568 each, and 10
    assert found.activation_bytes == 4 * (3 * 1_568 + 10)


@pytest.mark.usefixtures("strided")
def test_it_is_trained_and_reported_with_two_counts_and_a_dash(tmp_path: Path) -> None:
    outcome = bench.run(
        ["dnn", "notes-strided"],
        seeds=1,
        epochs=1,
        jobs=2,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path,
        name="x",
    )
    assert not outcome.failed
    runs = outcome.results.get("notes-strided", "cpu")
    assert runs is not None
    assert runs.summary is not None
    assert runs.summary.mean > 0.5  # a tenth is what guessing gets
    (counted,) = (
        record
        for record in of_kind(Store(outcome.folder).read(), kinds.Count)
        if record.model == "notes-strided"
    )
    assert counted.declared_parameters is None
    text = (outcome.folder / "report.md").read_text()
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith("| `notes-strided`") and line.count("15,778") == 2
    )
    assert [cell.strip() for cell in line.split("|")[2:6]] == ["-", "15,778", "15,778", "yes"]
    assert "No layer sizes are declared for `notes-strided`" in text


def about(model: str, check: str) -> Claim:
    return Claim(
        id="notes/size",
        document="notes",
        place="page 3",
        claim="It is small.",
        kind="exact",
        verdict="reproduced",
        check=check,
        model=model,
    )


NO_EVIDENCE = cast("Evidence", None)  # what is counted needs none


def counted(model: str) -> Found:
    found = parameters(about(model, "parameters"), NO_EVIDENCE)
    assert isinstance(found, Found)
    return found


@pytest.mark.usefixtures("strided")
def test_a_claim_of_its_parameters_is_decided_by_the_two_counts_that_there_are() -> None:
    assert counted("notes-strided") == Found(value=PARAMETERS, words="two counts agree")
    assert counted("dnn").words == "three counts agree"


def test_counts_that_disagree_are_all_named() -> None:
    with zoo.temporary(replace(zoo.get("dnn"), layers=None, build=WithUnused)):
        found = counted("dnn")
    assert found.holds is False
    # 784 x 10 + 10, and 3 x 2 + 2 that no forward pass reaches
    assert found.words == "two counts disagree: 7,858 in the module, 7,850 reached"


class WithUnused(nn.Linear):
    """A layer with another one in it that it never uses."""

    def __init__(self) -> None:
        super().__init__(784, 10)
        self.unused = nn.Linear(3, 2)

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures.flatten(1))


@pytest.mark.usefixtures("strided")
def test_a_check_that_needs_layers_refuses_in_one_line_where_there_are_none() -> None:
    with pytest.raises(RequestError) as error:
        sharing_parameters(about("notes-strided", "sharing-parameters"), NO_EVIDENCE)
    assert str(error.value) == (
        "claim 'notes/size': the check 'sharing-parameters' needs the sizes of layers, and "
        "'notes-strided' declares none; give its ModelSpec `layers`"
    )


TWINS = {"lenet": ["lenet5-relu-max"], "cnn": ["lenet5-tanh-avg"]}


def test_equal_networks_are_found_and_no_others(tmp_path: Path) -> None:
    request = Request(models=("all",), seeds=(1,))
    planned, here = plan(request), machine.environment()
    (group,) = plan_groups(request, planned, here)
    timed = {
        first.model: [other.model for other in others]
        for first, others in group.twins.items()
        if others
    }
    assert timed == TWINS
    jobs = make_jobs(
        planned.cells, Datasets(tmp_path), splits=tmp_path, environment=here, weights=None
    )
    trained: dict[str, list[str]] = {}
    for job in jobs:
        trained.setdefault(job.work, []).append(job.cell.model)
    assert {first: others for first, *others in trained.values() if others} == TWINS
