"""`--zoo`: a file of networks beside the zoo's, and what is wrong with one before it trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bench
import zoo
from bench import compare
from bench.cells.jobs import training_code
from bench.report import __main__ as report
from bench.verify import __main__ as verify_command
from tests.programs import REPOSITORY
from zoo import __main__ as listing
from zoo.own import name_of

THREE = """
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo import model

WIDTH = 8


@model(input_shape=(1, 28, 28))
class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, WIDTH, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.output = nn.Linear(WIDTH * 14 * 14, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(functional.relu(self.norm(self.conv(x))).flatten(1))


@model(input_shape=(1, 28, 28))
class TwoBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows, self.columns = nn.Linear(28, 4), nn.Linear(28, 4)
        self.output = nn.Linear(2 * 28 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, 0]
        both = torch.cat([self.rows(x), self.columns(x.transpose(1, 2))], dim=1)
        return self.output(both.relu().flatten(1)).log_softmax(dim=1)


@model(input_shape=(1, 28, 28), name="patches")
def tiny_transformer() -> nn.Module:
    return Transformer(side=7, width=16)


class Transformer(nn.Module):
    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, side, stride=side)
        self.places = nn.Parameter(torch.zeros(1, (28 // side) ** 2, width))
        self.block = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.0, batch_first=True)
        self.output = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        return self.output(self.block(x).mean(dim=1)).softmax(dim=1)
"""
NAMES = ("plain", "two-branches", "patches")
# 8 kernels of 9 weights and a bias, a factor and a term for each of 8 channels, 8 x 14 x 14 to 10
PLAIN_PARAMETERS = 80 + 16 + 15_690

HEAD = """
import torch
from torch import nn
from zoo import model
"""
CLASS = """
@model(input_shape=(1, 28, 28){given})
class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)
        {init}
    def forward(self, x):
        {forward}
"""


def mine(
    forward: str = "return self.layer(x.flatten(1))", init: str = "pass", given: str = ""
) -> str:
    """A file with one network."""
    return HEAD + CLASS.format(forward=forward, init=init, given=given)


# By what is wrong: the file, and words of the line that says so.
WRONG = {
    "raises": (HEAD + "1 / 0", "ZeroDivisionError: division by zero (mine.py:5)"),
    "registers nothing": (HEAD, "registers no network; put @zoo.model("),
    "name taken": (mine(given=", name='lenet'"), "has a model 'lenet' already; choose another"),
    "forward raises": (
        mine("return self.layer(x)"),
        "'mine' fails on a batch of shape (8, 1, 28, 28) in eval mode: RuntimeError",
    ),
    "wrong shape": (
        mine("return self.layer(x.flatten(1)).mean()"),
        "of shape () of a batch of shape (8, 1, 28, 28); return one float tensor of shape (8,",
    ),
    "wrong type": (
        mine("return self.layer(x.flatten(1)), x"),
        "gives a tuple in eval mode, not a tensor; return one float tensor",
    ),
    "other number of classes": (
        mine(given=", classes=7"),
        "has 10 outputs for each sample, and classes=7 is declared; change one of them",
    ),
    "not deterministic": (
        mine("x = x.flatten(1); return self.layer(x + torch.randn_like(x))"),
        "two different outputs for the same input and weights in eval mode; draw random numbers",
    ),
    "nothing to train": (
        mine(init="self.requires_grad_(False)"),
        "has no parameter that is trained; set its layers as attributes",
    ),
    "does not learn": (
        mine("return 0 * self.layer(x.flatten(1))"),
        "does not learn one batch: after 60 steps of Adam its loss is 2.303, and 2.303 at first",
    ),
    "cut off from its parameters": (
        mine("return self.layer(x.flatten(1)).detach()"),
        "cannot be trained: RuntimeError",
    ),
    "changes its input": (
        mine("x -= 1; return self.layer(x.flatten(1))"),
        "changes its input in place; write x = x - 1 instead of x -= 1",
    ),
    "other weights from the same seed": (
        mine(init="import os; self.layer.bias.data.fill_(os.urandom(1)[0] + id(self) % 997)"),
        "has other first weights each time it is built from the same seed",
    ),
    "no such kind of output": (
        mine(given=", output='probabilities'"),
        "declares its outputs as probabilities, and a forward pass gives logits",
    ),
}


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with zoo.temporary():
        yield


@pytest.fixture
def three(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text(THREE)
    return file


def refused(capsys: pytest.CaptureFixture[str], reports: Path, *arguments: str) -> str:
    """The line that a comparison is refused with; nothing has been written."""
    assert compare.main([*arguments, "--devices", "cpu", "--reports", str(reports)]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == ""
    assert not reports.exists()
    return line


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_network_is_one_line_before_anything_trains(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = WRONG[case]
    file = tmp_path / "mine.py"
    file.write_text(text)
    line = refused(capsys, tmp_path / "reports", "--models", "lenet,mine", "--zoo", str(file))
    assert words in line


@pytest.mark.parametrize("place", ["nowhere.py", "no.such.module", "bench"])
def test_a_file_that_is_not_there_is_one_line(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, tmp_path / "reports", "--models", "lenet", "--zoo", place)
    assert f"the networks in '{place}' cannot be added" in line


def test_the_recipe_document_needs_one(
    three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--models", "plain", "--zoo", str(three), "--recipe", "document")
    line = refused(capsys, tmp_path / "reports", *asked)
    assert "'plain' has no recipe of its own; give it one" in line


def test_a_name_that_is_near_is_suggested(
    three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, tmp_path / "reports", "--models", "plan", "--zoo", str(three))
    assert "unknown model 'plan'; did you mean 'plain'?" in line


def test_three_networks_of_a_file_are_compared_with_the_zoos(
    three: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reports = tmp_path / "reports"
    asked = ["--models", ",".join(("lenet", *NAMES)), "--zoo", str(three)]
    options = ["--epochs", "1", "--seeds", "1", "--jobs", "2", "--devices", "cpu", "--rounds", "0"]
    assert compare.main([*asked, *options, "--reports", str(reports)]) == 0
    folder = reports / "local-digits-common"
    text = (folder / "report.md").read_text()
    for name in NAMES:
        assert f"`{name}`" in text
    assert f"{PLAIN_PARAMETERS:,}" in text
    assert f"--zoo {three}" in text

    # Of a report that is rebuilt, and of one that is verified, the file may be gone.
    three.rename(tmp_path / "moved.py")
    capsys.readouterr()
    with zoo.temporary():
        zoo.registry.forget(NAMES)
        assert report.main(["local-digits-common", "--reports", str(reports)]) == 0
        assert (folder / "report.md").read_text() == text
        again = ["local-digits-common", "--reports", str(reports), "--cells", "1"]
        assert verify_command.main(again) == 3
        said = capsys.readouterr().out
    for name in NAMES:
        assert f"there is no network '{name}' here; if it is from a file of your own" in said
    assert "give the file as well: --zoo FILE" in said


@pytest.mark.slow
def test_networks_of_a_file_are_verified_with_the_file(
    three: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reports = str(tmp_path / "reports")
    bench.run(
        "patches",
        zoo=three,
        seeds=1,
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=reports,
        name="x",
    )
    assert verify_command.main(["x", "--reports", reports, "--zoo", str(three)]) == 0
    assert "no difference found" in capsys.readouterr().out


def test_a_changed_file_changes_the_key_and_the_decorator_does_not(three: Path) -> None:
    before = [training_code(spec) for spec in zoo.add(three)]
    three.write_text(THREE.replace("WIDTH = 8", "WIDTH = 9"))
    after = [training_code(spec) for spec in zoo.add(three)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_a_file_that_is_named_as_a_library_is_read_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "random.py"
    file.write_text(mine())
    (before,) = map(training_code, zoo.add(file))
    file.write_text(mine("return 2 * self.layer(x.flatten(1))"))
    (after,) = map(training_code, zoo.add(file))
    assert before != after


def test_a_module_with_what_it_imports_from_its_package_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "own_package_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text("from .networks import Mine\n")
    (package / "factor.py").write_text("FACTOR = 1\n")
    text = mine("return FACTOR * self.layer(x.flatten(1))")
    (package / "networks.py").write_text("from .factor import FACTOR\n" + text)
    monkeypatch.syspath_prepend(tmp_path)
    place = "own_package_of_tests.networks"
    (spec,) = zoo.add(place)
    assert spec.name == "mine"
    before = training_code(spec)
    (package / "factor.py").write_text("FACTOR = 2  # changed\n")
    assert training_code(spec) != before


def test_what_a_file_had_registered_before_is_replaced_and_a_wrong_file_leaves_nothing(
    three: Path,
) -> None:
    before = zoo.names()
    zoo.add(three)
    assert tuple(spec.name for spec in zoo.add(three)) == NAMES
    assert zoo.names() == (*before, *NAMES)
    three.write_text(THREE + "1 / 0\n")
    with pytest.raises(zoo.ExtensionError, match="ZeroDivisionError"):
        zoo.add(three)
    assert zoo.names() == before


@pytest.mark.parametrize("name", [n for n in zoo.names() if "heavy" not in zoo.get(n).tags])
def test_every_network_of_the_zoo_is_found_sound(name: str) -> None:
    zoo.require_sound(zoo.get(name))


def test_the_kind_of_the_outputs_and_their_number_are_found(three: Path) -> None:
    found = {spec.name: (spec.classes, spec.output) for spec in zoo.add(three)}
    assert found == {
        "plain": (10, "logits"),
        "two-branches": (10, "log-probabilities"),
        "patches": (10, "probabilities"),
    }


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("TwoBranches", "two-branches"),
        ("CNN", "cnn"),
        ("MyCNN2D", "my-cnn2d"),
        ("tiny_transformer", "tiny-transformer"),
    ],
)
def test_a_name_is_made_of_the_name_of_the_class(written: str, name: str) -> None:
    assert name_of(type(written, (), {})) == name


def test_the_zoo_lists_the_networks_of_a_file(
    three: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listing.main(["--zoo", str(three)]) == 0
    assert "two-branches" in capsys.readouterr().out
    assert listing.main(["patches", "--zoo", str(three)]) == 0
    assert "TransformerEncoderLayer" in capsys.readouterr().out
    assert listing.main(["--zoo", "nowhere.py"]) == 2


def test_the_example_of_the_docs_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (REPOSITORY / "docs" / "your-own-network.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "my_model.py").write_text(example)
    command = next(line for line in page.splitlines() if line.startswith("python -m bench.compare"))
    monkeypatch.chdir(tmp_path)
    arguments = command.split()[3:]
    short = ["--epochs", "1", "--seeds", "1", "--devices", "cpu", "--rounds", "0"]
    assert compare.main([*arguments, *short]) == 0
    text = (tmp_path / "reports" / "local-digits-common" / "report.md").read_text()
    assert "`mine`" in text
