"""Recipes of the user's own: files, single fields, and what is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import msgspec
import pytest

from bench import compare
from bench.cells.jobs import key_content
from bench.cells.own_recipe import FIELDS
from bench.cells.plan import Request, plan
from bench.cells.request import command
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store
from tests.factories import MACHINE, train_record
from zoo import Recipe
from zoo.spec import Optimiser

MINE = """
epochs = 2
train_batch = 16
schedule = "step"

[optimiser]
name = "sgd"
learning_rate = 0.1
momentum = 0.9
weight_decay = 1e-4

[[augmentation]]
name = "RandomAffine"
settings = {degrees = 10, translate = [0.1, 0.1]}
"""


def mine(folder: Path, text: str = MINE) -> str:
    (folder / "my_recipe.toml").write_text(text)
    return str(folder / "my_recipe.toml")


def test_every_field_of_a_recipe_can_be_named() -> None:
    outer = {name.partition(".")[0] for name in FIELDS}
    assert outer == {field.name for field in fields(Recipe)}
    assert {f"optimiser.{field.name}" for field in fields(Optimiser)} <= {*FIELDS}


def test_a_file_says_how_all_networks_are_trained_and_loss_and_pixels_fit_each(
    tmp_path: Path,
) -> None:
    recipe = mine(tmp_path, MINE.partition("[[")[0])
    cells = plan(Request(models=("net", "lenet-rgb"), recipe=recipe)).first_cells
    recipes = {name: cell.recipe for name, cell in cells.items()}
    assert {cell.recipe_name for cell in cells.values()} == {"my_recipe.toml"}
    for found in recipes.values():
        assert str(found.optimiser) == "SGD 0.1 momentum 0.9 weight decay 0.0001"
        assert (found.epochs, found.train_batch, found.schedule) == (2, 16, "step")
    assert recipes["net"].loss == "nll"  # its outputs are log-probabilities
    assert len(recipes["lenet-rgb"].normalisation.mean) == 3


def test_a_field_is_set_over_any_recipe_and_the_rest_stays() -> None:
    for recipe in ("common", "document", "fast"):
        asked = Request(models=("lenet",), recipe=recipe)
        before = plan(asked).cells[0].recipe
        settings = ("optimiser.learning_rate=0.01", "epochs = 3")
        cell = plan(replace(asked, settings=settings)).cells[0]
        assert (cell.recipe.optimiser.learning_rate, cell.recipe.epochs) == (0.01, 3)
        assert {**cell.recipe.settings, "optimiser": 0, "epochs": 0} == {
            **before.settings,
            "optimiser": 0,
            "epochs": 0,
        }
        assert cell.recipe_name == f"{recipe} with optimiser.learning_rate=0.01, epochs=3"


def test_a_recipes_name_and_values_are_in_the_key_and_others_keep_theirs(tmp_path: Path) -> None:
    def key(recipe: str, *settings: str) -> dict[str, object]:
        asked = Request(models=("lenet",), recipe=recipe, settings=settings)
        return key_content(plan(asked).cells[0], "data", "code", MACHINE)

    own, changed = key(mine(tmp_path, MINE.partition("[[")[0])), key("common", "epochs=3")
    assert own["recipe"]["epochs"] == 2  # type: ignore[index]
    assert changed["cell"]["recipe"] == "common with epochs=3"  # type: ignore[index]
    assert key("common")["cell"]["recipe"] == "common"  # type: ignore[index]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("optimizer.learning_rate=1", "unknown field 'optimizer.learning_rate'; did you mean"),
        ("nonsense=1", "unknown field 'nonsense'; choose from dataset, normalisation.mean"),
        ("schedule=cosine", "schedule = cosine, .* choose from constant, linear, step"),
        ("optimiser.name=lion", "optimiser.name = lion, .* choose from sgd, adam, adamw"),
        ("epochs=0", "epochs = 0, .* whole number such as 3 from 1 on"),
        ("epochs=2.5", "epochs = 2.5, which is not valid"),
        ("epochs=true", "epochs = true, which is not valid"),
        ("train_batch=0", "train_batch = 0, .* or all"),
        ("optimiser.learning_rate=-1", "learning_rate = -1, .* number such as 0.01 above 0"),
        ("optimiser.learning_rate=nan", "learning_rate = NaN"),
        ("optimiser.momentum=1", "from 0 on and below 1"),
        ("optimiser.momentum=0.9", "momentum = 0.9 has no effect with adam"),
        ("shuffle=1", "shuffle = 1, .* give true or false"),
        ("loss=nll", "the loss nll takes log-probabilities, and 'lenet' gives logits"),
        ("normalisation.mean=[0.1, 0.2]", "has 2 numbers, and 'lenet' takes 1 channels"),
        ("normalisation.std=[0]", r"normalisation.std = \[0\], which is not valid"),
        ("dataset='`<b>'", "dataset = `<b>, which is not valid; give a word"),
        ("augmentation=flip", "augmentation = flip, which is not valid"),
        ("epochs", "sets nothing; write it as"),
        ("=1", "sets nothing"),
        ("epochs=" + "9" * 5000, "epochs = 9+"),
        ("x=" + "[" * 3000, "unknown field 'x'"),
    ],
)
def test_a_wrong_field_or_value_is_refused_with_what_is_valid(settings: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as error:
        plan(Request(models=("lenet",), settings=(settings,)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epochs = ", "is no TOML"),
        ("epochs = 3", "says no optimiser.name; it needs optimiser.name"),
        (MINE.replace("epochs", "epoch"), "unknown field 'epoch'; did you mean epochs"),
        (MINE.replace("momentum", "nesterov"), "unknown field 'optimiser.nesterov'"),
        ("\0", "is no TOML"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as error:
        plan(Request(models=("lenet",), recipe=mine(tmp_path, text)))
    assert "my_recipe.toml" in str(error.value)


def test_a_missing_file_and_two_values_for_a_field_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--models", "lenet", "--reports", str(tmp_path / "reports")]
    for wrong, says in (
        (["--recipe", "nowhere.toml"], "no recipe 'nowhere.toml'"),
        (["--set", "epochs=1", "--set", "epochs=2"], "--set gives epochs twice"),
        (["--set", "epochs=1", "--epochs", "2"], "leave one out"),
        (["--recipe", "best"], "choose from common, document, fast, or name a file such as"),
    ):
        assert compare.main([*asked, *wrong]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line
    assert not (tmp_path / "reports").exists()


def test_augmentation_is_checked_on_a_networks_own_pictures(tmp_path: Path) -> None:
    asked = Request(models=("lenet",), recipe=mine(tmp_path))
    (step,) = plan(asked).cells[0].recipe.augmentation
    assert step.settings == (("degrees", 10), ("translate", (0.1, 0.1)))
    for change, says in (
        (MINE.replace("RandomAffine", "RandomAfine"), "unknown change 'RandomAfine'.*RandomAffine"),
        (MINE.replace("degrees", "degree"), "the augmentation fails on pictures of 'lenet'"),
    ):
        with pytest.raises(RequestError, match=says):
            plan(Request(models=("lenet",), recipe=mine(tmp_path, change)))


def test_the_command_and_the_names_hold_what_was_set() -> None:
    asked = Request(models=("lenet",), settings=("schedule=constant",))
    assert "--set schedule=constant" in command(asked)
    assert asked.report_name == "local-digits-common-with-schedule-constant"
    assert Request(models=("lenet",)).report_name == "local-digits-common"


def test_records_take_any_recipes_name_and_old_ones_read_as_before(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("common", "my_recipe.toml with epochs=3"):
        record = msgspec.structs.replace(train_record("lenet", 1, 390), key=name, recipe=name)
        store.append(record)
    read = [record.recipe for record in store.read() if isinstance(record, kinds.Train)]
    assert read == ["common", "my_recipe.toml with epochs=3"]


def test_what_was_set_is_recorded_and_printed(
    tmp_path: Path,
) -> None:
    recipe = mine(tmp_path, MINE.partition("[[")[0])
    asked = ["--models", "lenet", "--recipe", recipe, "--set", "epochs=1", "--seeds", "1"]
    where = ["--reports", str(tmp_path / "reports"), "--name", "x", "--devices", "cpu"]
    assert compare.main([*asked, *where, "--rounds", "0", "--quiet"]) == 0
    request = Store(tmp_path / "reports" / "x").latest_request()
    assert request.recipe == "my_recipe.toml with epochs=1"
    assert request.settings["optimiser.momentum"] == 0.9
    assert request.settings["epochs"] == 1
    assert request.recipes["lenet"].epochs == 1
    text = (tmp_path / "reports" / "x" / "report.md").read_text()
    assert "`optimiser.momentum = 0.9`" in text
    assert "chosen on validation samples" not in text
