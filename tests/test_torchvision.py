"""torchvision's networks by name: what they are here, and one in a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import bench
import zoo
from bench import compare
from bench.cells.plan import Request, plan
from bench.records.errors import RequestError
from bench.records.kinds import Count
from bench.records.store import Store, of_kind

MOBILE = "torchvision:mobilenet_v3_small"
# torchvision's own number for 1000 classes (MobileNet_V3_Small_Weights.meta["num_params"]); the
# last layer has 1024 weights and a bias for each class.
MOBILE_PARAMETERS = 2_542_856 - 990 * 1_025


# AlexNet's convolution of 11, strides and poolings leave nothing of 32 (torchvision's `min_size` of
# its weights is 63); a vision transformer has a place for each patch of 224.
@pytest.mark.parametrize(
    ("name", "side"),
    [("mobilenet_v3_small", 32), ("resnet18", 32), ("alexnet", 64), ("vit_b_16", 224)],
)
def test_pictures_are_scaled_to_the_smallest_multiple_of_32_that_a_network_takes(
    name: str, side: int
) -> None:
    assert zoo.get(f"torchvision:{name}").input_shape == (3, side, side)


@pytest.mark.parametrize("name", ["googlenet", "resnet18"])
def test_a_network_has_ten_outputs_in_training_and_in_evaluation(name: str) -> None:
    spec = zoo.get(f"torchvision:{name}")
    network = spec.build()
    for mode in (True, False):
        assert network.train(mode)(torch.zeros(2, *spec.input_shape)).shape == (2, 10)


def test_a_name_that_is_near_is_suggested() -> None:
    with pytest.raises(zoo.UnknownModelError, match=r"did you mean .*torchvision:resnet18"):
        zoo.get("torchvision:resnet81")
    with pytest.raises(zoo.UnknownModelError, match="did you mean 'lenet'"):
        zoo.get("lenet6")
    with pytest.raises(zoo.UnknownModelError, match="named one by one"):
        zoo.select("torchvision:resnet*")


def test_segmentation_is_no_classification(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--models", "lenet,torchvision:fcn_resnet50", "--reports", str(tmp_path / "reports")]
    assert compare.main(asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown model 'torchvision:fcn_resnet50'" in line
    assert not (tmp_path / "reports").exists()


def test_the_recipe_document_is_refused() -> None:
    with pytest.raises(RequestError, match="has no recipe of its own"):
        plan(Request(models=(MOBILE,), recipe="document"))


def test_all_leaves_them_out() -> None:
    assert not [name for name in plan(Request(models=("all",))).models if ":" in name]


def test_a_network_is_compared_with_the_zoos(tmp_path: Path) -> None:
    outcome = bench.run(
        ["lenet", MOBILE],
        seeds=1,
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path,
        name="x",
    )
    assert not outcome.failed
    runs = outcome.results.get(MOBILE, "cpu")
    assert runs is not None
    counted = {r.model: r for r in of_kind(Store(outcome.folder).read(), Count)}
    assert counted[MOBILE].module_parameters == MOBILE_PARAMETERS
    assert counted[MOBILE].reached_parameters == MOBILE_PARAMETERS
    assert f"`{MOBILE}`" in (outcome.folder / "report.md").read_text()
    assert (
        outcome.folder / "weights" / "torchvision-mobilenet_v3_small-cpu-1.safetensors"
    ).exists()
