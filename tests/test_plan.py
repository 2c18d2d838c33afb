from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import zoo
from bench.cells.deviations import deviations
from bench.cells.plan import Cell, Request, plan
from bench.cli.values import parse_list, parse_margin, parse_seeds
from bench.records.errors import RequestError


def test_every_model_runs_on_every_seed_and_device() -> None:
    planned = plan(Request(models=("dnn", "net"), seeds=(1, 2), devices=("cpu", "cuda")))
    assert len(planned.cells) == len(set(planned.cells)) == 2 * 2 * 2
    assert planned.models == ("dnn", "net")


def test_a_model_named_twice_or_by_its_alias_runs_once() -> None:
    planned = plan(Request(models=("net", "net-mnist", "ne*", "net"), seeds=(1,)))
    assert [cell.model for cell in planned.cells] == ["net"]


def test_all_leaves_out_what_is_heavy_or_does_not_fit_and_says_so() -> None:
    planned = plan(Request(models=("all",)))
    assert set(zoo.names()) - set(planned.models) == {"dnn-sums", "bp-100", "cnn-100"}
    reasons = {item.model: item.reason for item in planned.left_out}
    assert "heavy" in reasons["bp-100"]
    assert "rows of 3 numbers" in reasons["dnn-sums"]


def test_a_heavy_model_runs_when_named_outright() -> None:
    planned = plan(Request(models=("all", "cnn-100")))
    assert "cnn-100" in planned.models
    assert "cnn-100" not in {item.model for item in planned.left_out}


def test_all_on_sums_is_what_takes_sums() -> None:
    assert plan(Request(models=("all",), dataset="sums")).models == ("dnn-sums",)


def test_a_named_model_that_cannot_take_the_data_set_is_an_error() -> None:
    with pytest.raises(RequestError, match="'lenet' takes 1x28x28 input, 'sums' has rows"):
        plan(Request(models=("lenet",), dataset="sums"))
    with pytest.raises(RequestError, match="no model of 'lenet5-\\*' can run"):
        plan(Request(models=("lenet5-*",), dataset="sums"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"models": ()}, "no models"),
        ({"models": ("lenet6",)}, "did you mean 'lenet'"),
        ({"dataset": "cifar"}, "unknown data set 'cifar'"),
        ({"recipe": "best"}, "unknown recipe 'best'; choose from common, document"),
        ({"devices": ("tpu",)}, "unknown device 'tpu'; choose from cpu, cuda"),
        ({"devices": ("cpu", "cpu")}, "a device stands twice"),
        ({"devices": ()}, "no devices"),
        ({"seeds": ()}, "no seeds"),
        ({"seeds": (1, 1)}, "a seed stands twice in 1,1"),
        ({"seeds": (-1,)}, "between 0 and"),
        ({"epochs": 0}, "--epochs 0"),
        ({"epochs": -3}, "--epochs -3"),
        ({"jobs": 0}, "--jobs 0"),
        ({"name": "../../x"}, "--name '../../x'"),
        ({"name": "a/b"}, "--name 'a/b'"),
        ({"name": ".."}, r"--name '\.\.'"),
    ],
)
def test_a_wrong_request_says_what_is_wrong_with_it(changes: dict[str, object], says: str) -> None:
    fields: dict[str, object] = {"models": ("dnn",), **changes}
    with pytest.raises(RequestError, match=says) as error:
        plan(Request(**fields))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_a_reports_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        plan(Request(models=("dnn",), reports=tmp_path / "file"))
    with pytest.raises(RequestError, match="is a file"):
        plan(Request(models=("dnn",), reports=tmp_path, name="file"))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("5", (1, 2, 3, 4, 5)), ("1", (1,)), ("1,2,7", (1, 2, 7)), (" 3, 1 ", (3, 1)), ("7,", (7,))],
)
def test_a_number_of_seeds_or_a_list_of_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["x", "", "1,,2", "-1", "1.5", "²", ","])
def test_seeds_that_are_neither_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--seeds"):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["", ",", "a,,b", " "])
def test_a_list_with_an_empty_item_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--models"):
        parse_list("--models", text)


def cell(model: str, **asked: Any) -> Cell:
    """The first cell of a request for one model by its document's recipe on MNIST."""
    return plan(
        Request(models=(model,), **{"dataset": "mnist", "recipe": "document", **asked})
    ).cells[0]


def test_a_cell_carries_its_network_its_recipe_and_the_epochs_asked_for() -> None:
    assert cell("net").spec is zoo.get("net")
    assert cell("net").recipe == zoo.get("net").recipe
    assert cell("net", epochs=2).recipe.epochs == 2
    assert str(cell("net", recipe="common").recipe.optimiser) == "Adam 0.003"


def test_deviations_are_the_entrys_and_the_runs() -> None:
    said = [d.what for d in deviations(cell("lenet", dataset="digits", epochs=2))]
    assert said == ["trained on digits, not mnist", "2 epochs, not 5"]
    few = [d.what for d in deviations(cell("lenet-rgb"))]
    assert "the first 3 training and 3 test pictures of each digit of mnist" in few
    own = [d.what for d in deviations(cell("lenet-rgb", dataset="pictures:x"))]
    assert own == [d.what for d in zoo.get("lenet-rgb").deviations]
    assert deviations(cell("lenet", recipe="common")) == ()


def test_without_a_name_a_report_is_named_after_data_set_and_recipe() -> None:
    request = Request(models=("dnn",), dataset="pictures:some/where", recipe="document")
    assert request.report_name == "local-pictures-document"
    assert request.folder == Path("reports/local-pictures-document")


def test_a_margin_is_given_in_percentage_points() -> None:
    assert parse_margin("0.5pp") == pytest.approx(0.005)
    for wrong in ("0.5", "0pp", "-1pp", "half", "nanpp", "100pp"):
        with pytest.raises(RequestError, match=f"--margin '{wrong}' is no difference"):
            parse_margin(wrong)


def test_what_is_not_asked_for_is_what_the_readme_says() -> None:
    request = Request(models=("dnn",))
    assert (request.seeds, request.devices, request.jobs) == ((1, 2, 3, 4, 5), ("cpu",), 1)
    assert (request.dataset, request.recipe, request.engine) == ("digits", "common", "sequential")
    assert (request.looks, request.fresh, request.margin) == ((), False, 0.005)
    (first, *_) = plan(request).cells
    assert (first.permuted, first.together, first.epochs) == (False, None, None)
    assert "together" not in first.identity


@pytest.mark.parametrize(
    ("seed", "looks", "together"),
    [
        (3, (), (1, 2, 3, 4, 5, 6, 7)),
        (1, (2, 5, 7), (1, 2)),
        (2, (2, 5, 7), (1, 2)),
        (3, (2, 5, 7), (3, 4, 5)),
        (5, (2, 5, 7), (3, 4, 5)),
        (7, (2, 5, 7), (6, 7)),
    ],
)
def test_seeds_of_one_look_are_trained_at_once(
    seed: int, looks: tuple[int, ...], together: tuple[int, ...]
) -> None:
    asked = {"engine": "batched", "seeds": tuple(range(1, 8)), "looks": looks}
    planned = plan(Request(models=("dnn",), **asked))  # type: ignore[arg-type]
    (found,) = (one for one in planned.cells if one.seed == seed)
    assert found.together == together
    assert found.identity["together"] == together


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seeds": (2**32,)}, "between 0 and"),
        ({"rounds": -1}, "--rounds -1"),
        ({"cell_timeout": 0}, "--cell-timeout 0 is no number"),
        ({"cell_timeout": -1.5}, r"--cell-timeout -1\.5 is no number"),
        ({"cell_timeout": 1e9}, r"--cell-timeout 1e\+09 is no number"),
        ({"engine": "fast"}, "unknown engine 'fast'; choose from sequential, batched"),
        ({"baseline": "net"}, "--baseline 'net' does not run; choose from dnn$"),
        ({"baseline": "nett"}, "did you mean 'net'"),
        ({"epochs": 2, "settings": ("epochs=3",)}, "--epochs 2 and --set epochs both"),
        ({"recipe": "x" * 300}, f"unknown recipe '{'x' * 200}';"),
        ({"name": "-" + "x" * 200}, f"--name '-{'x' * 119}' is no report name"),
        ({"reports": Path("x" * 300)}, f"--reports '{'x' * 120}' can be no folder"),
    ],
)
def test_the_ends_of_what_is_valid_are_refused(changes: dict[str, object], says: str) -> None:
    fields: dict[str, object] = {"models": ("dnn",), **changes}
    with pytest.raises(RequestError, match=says):
        plan(Request(**fields))  # type: ignore[arg-type]


def test_what_lies_just_within_is_planned() -> None:
    asked = {"seeds": (0, 2**32 - 1), "rounds": 0, "cell_timeout": 0.5, "epochs": 1}
    planned = plan(Request(models=("net", "dnn"), name="x" * 100, baseline="dnn", **asked))  # type: ignore[arg-type]
    assert planned.baseline == "dnn"
    assert plan(Request(models=("net", "dnn"))).baseline == "net"
    assert {cell.recipe.epochs for cell in planned.cells} == {1}


def test_a_long_name_is_cut_and_tells_two_apart_that_differ_at_their_end() -> None:
    def named(stem: str) -> str:
        return Request(models=("dnn",), dataset=f"table:{stem}.csv").report_name

    # `table-` and `-common` are 13 characters of the 80 that are kept as they are.
    assert named("x" * 67) == f"local-table-{'x' * 67}-common"
    cut = named("x" * 68)
    assert re.fullmatch(rf"local-table-{'x' * 54}-[0-9a-f]{{8}}", cut)
    assert len({cut, named("x" * 69), named("x" * 67 + "y")}) == 3
