"""The filters of first layers: numbers from algebra, a file that is enough, nothing without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import nn

import zoo
from bench.cells.filters import first_filters, first_layer, growth, turned
from bench.cells.train import first_network
from bench.cells.weights import save_weights, weights_sha256
from bench.records.filters import FILE, Filters, Weights, read_filters, write_filters
from bench.records.kinds import Record
from bench.records.store import Store
from bench.report.figures import kernels, write_figures
from bench.report.filters import same_start, starts, with_filters
from bench.report.write import render, write_report
from bench.results.runs import Results, read
from tests.factories import RECIPE, stored, train_record
from tests.programs import REPOSITORY
from zoo import ModelSpec

REPORTS = sorted((REPOSITORY / "reports").glob(f"*/{FILE}"))


def trained(spec: ModelSpec, seed: int, factor: float) -> dict[str, torch.Tensor]:
    """A seed's first weights, those of the first layer times a factor."""
    weights = first_network(spec, RECIPE, seed).state_dict()
    first = next(name for name in weights if name.endswith(".weight"))
    return {name: value * factor if name == first else value for name, value in weights.items()}


def report_of(folder: Path, factors: dict[str, tuple[float, ...]]) -> Results:
    """Networks whose seeds ended in the first layer that they began with, times these factors."""
    records: list[Record] = []
    for model, found in factors.items():
        for seed, factor in enumerate(found, start=1):
            weights = trained(zoo.get(model), seed, factor)
            digest = weights_sha256(weights)
            save_weights(weights, folder / "weights" / f"{model}-cpu-{seed}.safetensors", digest)
            records.append(train_record(model, seed, 390, weights_sha256=digest))
    return read(stored(folder, records, factors))


def written(model: str, growth: tuple[float, ...], start: bytes = bytes(25)) -> Filters:
    """One filter of 5x5 that began as these bytes; a quarter of the weights changed their sign."""
    return Filters(
        model=model,
        kind="convolution",
        count=1,
        channels=1,
        height=5,
        width=5,
        seed=1,
        weights_sha256=model,
        before=Weights(largest=1.0, steps=start),
        after=Weights(largest=1.0, steps=bytes(25)),
        growth=dict(enumerate(growth, start=1)),
        turned=dict.fromkeys(range(1, len(growth) + 1), 0.25),
    )


def test_growth_is_a_ratio_of_norms_and_turned_the_share_of_other_signs() -> None:
    before, after = np.array([3.0, 4.0]), np.array([6.0, -8.0])
    assert growth(before, after) == 2  # 10 over 5
    assert turned(before, after) == 0.5
    assert turned(before, before) == 0


def test_filters_are_those_of_the_lowest_seed_and_numbers_are_of_every_seed(tmp_path: Path) -> None:
    report_of(tmp_path, {"lenet": (-2.0, 3.0)})
    spec = zoo.get("lenet")
    files = {seed: tmp_path / f"weights/lenet-cpu-{seed}.safetensors" for seed in (1, 2)}
    found = first_filters(spec, RECIPE, files, "digest")
    assert found is not None
    assert found.growth == {1: 2.0, 2: 3.0}
    assert found.turned == {1: 1.0, 2: 0.0}
    assert (found.kind, found.count, found.shown, found.seed) == ("convolution", 6, 6, 1)
    first = np.frombuffer(found.before.steps, np.int8)
    own = next(first_network(spec, RECIPE, 1).parameters()).detach().numpy().reshape(-1)
    np.testing.assert_allclose(first * found.before.largest / 127, own, atol=0.001)
    np.testing.assert_array_equal(np.frombuffer(found.after.steps, np.int8), -first)
    assert found.after.largest == pytest.approx(2 * found.before.largest, rel=1e-3)


def test_filters_of_several_channels_are_summed_and_linear_ones_are_as_large_as_the_picture(
    tmp_path: Path,
) -> None:
    results = with_filters(report_of(tmp_path, {"lenet-rgb": (1.0,), "dnn": (1.0,)}), tmp_path)
    found = {one.model: one for one in results.filters}
    weights = next(first_network(zoo.get("lenet-rgb"), RECIPE, 1).parameters()).detach().numpy()
    assert weights.shape == (6, 3, 5, 5)
    summed = np.frombuffer(found["lenet-rgb"].before.steps, np.int8).reshape(6, 5, 5)
    exact = weights.sum(axis=1)
    np.testing.assert_array_equal(summed, np.rint(127 * exact / np.abs(exact).max()))
    linear = found["dnn"]
    assert (linear.kind, linear.height, linear.width, linear.shown) == ("linear", 28, 28, 16)


def test_a_network_that_begins_otherwise_has_no_filters() -> None:
    grouped = nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Linear(5, 2))
    assert first_layer(grouped, (2, 8, 8)) is None
    assert first_layer(nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), (1, 8, 8)) is None
    found = first_layer(nn.Sequential(nn.ReLU(), nn.Conv2d(1, 4, (3, 5))), (1, 8, 8))
    assert found == ("1.weight", "convolution", (1, 3, 5))


def test_weights_that_are_no_numbers_have_no_filters(tmp_path: Path) -> None:
    results = report_of(tmp_path, {"lenet": (float("nan"),)})
    assert with_filters(results, tmp_path).filters == ()
    assert not (tmp_path / FILE).exists()


def test_a_page_is_the_same_with_weights_and_with_the_file_alone(tmp_path: Path) -> None:
    write_report(report_of(tmp_path, {"lenet": (1.5, 1.5), "net": (1.2, 1.2)}), tmp_path)
    page = (tmp_path / "report.md").read_text()
    picture, kept = tmp_path / "figures" / "filters.svg", tmp_path / FILE
    assert "### What the first layer learns" in page
    before = page, picture.read_text(), kept.read_text()
    for file in (tmp_path / "weights").iterdir():
        file.unlink()
    write_report(read(Store(tmp_path)), tmp_path)
    assert ((tmp_path / "report.md").read_text(), picture.read_text(), kept.read_text()) == before


@pytest.mark.parametrize("text", [None, "[", '[{"model": "lenet"}]', "[]"])
def test_a_page_without_weights_and_without_a_whole_file_leaves_the_section_out(
    tmp_path: Path, text: str | None
) -> None:
    results = report_of(tmp_path, {"lenet": (1.5,)})
    for file in (tmp_path / "weights").iterdir():
        file.unlink()
    if text is not None:
        (tmp_path / FILE).write_text(text)
    write_report(results, tmp_path)
    assert "first layer learns" not in (tmp_path / "report.md").read_text()
    assert not (tmp_path / "figures" / "filters.svg").exists()


def test_weights_that_are_not_the_recorded_ones_are_not_drawn(tmp_path: Path) -> None:
    results = report_of(tmp_path, {"lenet": (1.5, 1.5)})
    weights = tmp_path / "weights"
    (weights / "lenet-cpu-2.safetensors").replace(weights / "lenet-cpu-1.safetensors")
    assert with_filters(results, tmp_path).filters == ()


def test_filters_of_another_run_in_the_file_are_not_drawn(tmp_path: Path) -> None:
    whole = written("lenet", (2.0,))
    few = Weights(largest=1.0, steps=bytes(24))
    torn = [structs.replace(whole, before=few), structs.replace(whole, after=few)]
    write_filters([whole, *torn], tmp_path)
    assert read_filters(tmp_path, {"lenet"}) == (whole,)
    assert read_filters(tmp_path, {"other"}) == ()


def test_seeds_that_were_added_are_counted(tmp_path: Path) -> None:
    results = report_of(tmp_path, {"lenet": (2.0, 3.0)})
    later = tmp_path / "weights" / "lenet-cpu-2.safetensors"
    content = later.read_bytes()
    later.unlink()
    results = with_filters(results, tmp_path)
    assert [one.growth for one in results.filters] == [{1: 2.0}]
    later.write_bytes(content)
    assert [one.growth for one in with_filters(results, tmp_path).filters] == [{1: 2.0, 2: 3.0}]


SIGMOID = ("lenet5-sigmoid-avg", "lenet5-sigmoid-max")


def test_activations_are_told_apart_where_no_run_of_the_one_grows_less_than_one_of_the_other() -> (
    None
):
    relu, other = written("lenet5-relu-avg", (1.0, 2.0)), written("net", (9.0,), start=b"1" * 25)
    found = same_start([relu, *(written(name, (3.0, 4.0)) for name in SIGMOID), other])
    assert found is not None
    assert (found.networks, found.is_apart) == (3, True)
    assert (found.most.activations, found.others.activations) == (("sigmoid",), ("ReLU",))
    assert (found.most.runs, found.most.growth, found.most.typical) == (4, (3.0, 4.0), 3.5)
    assert (found.others.growth, found.others.turned) == ((1.0, 2.0), (0.25, 0.25))
    near = same_start([relu, *(written(name, (2.0, 4.0)) for name in SIGMOID)])
    assert near is not None
    assert not near.is_apart
    assert same_start([relu, other]) is None
    assert same_start([written(name, (3.0,)) for name in SIGMOID]) is None


def test_networks_with_the_same_start_are_together_the_largest_group_first() -> None:
    alone = written("net", (9.0,), start=b"1" * 25)
    low, high = written("lenet", (2.0,)), written("cnn", (3.0,))
    assert starts([alone, low, high]) == [[high, low], [alone]]


def test_a_filter_is_orange_where_it_is_positive_and_blue_where_it_is_negative() -> None:
    steps = np.array([127, -127, 0, 64], dtype=np.int8).tobytes()
    weights = Weights(largest=1.0, steps=steps)
    one = structs.replace(written("net", (1.0,)), height=2, width=2, before=weights, after=weights)
    picture = kernels.side_by_side(weights, one)
    size = picture.shape[1] // 2
    positive, negative, nothing, half = (
        picture[row * size, column * size] for row in (0, 1) for column in (0, 1)
    )
    assert [*positive] == [*kernels.POSITIVE, 255]
    assert [*negative] == [*kernels.NEGATIVE, 255]
    assert [*nothing] == [*kernels.NOTHING, round(255 * kernels.FAINTEST)]
    assert nothing[3] < half[3] < 255


def test_the_title_tells_activations_apart_or_how_much_all_grow(tmp_path: Path) -> None:
    results = report_of(tmp_path, {"lenet5-relu-avg": (1.0,), "lenet5-sigmoid-avg": (3.0,)})
    results = with_filters(results, tmp_path)
    drawn = write_figures(results, tmp_path / "figures").drawn
    assert "with sigmoid the weights end 3 times" in (tmp_path / "figures/filters.svg").read_text()
    page = " ".join(render(results, drawn).split())
    assert "ends with larger weights than every run with ReLU" in page
    same = tuple(structs.replace(one, growth={1: 2.0}) for one in results.filters)
    write_figures(replace(results, filters=same), tmp_path / "figures")
    assert "are 2 times as large" in (tmp_path / "figures/filters.svg").read_text()


@pytest.mark.parametrize("path", REPORTS, ids=[path.parent.name for path in REPORTS])
def test_published_filters_are_small_and_those_of_the_records(path: Path) -> None:
    results = read(Store(path.parent))
    assert {one.model for one in results.filters} <= set(results.request.ran)
    assert results.filters
    assert path.stat().st_size < 60_000
    assert (path.parent / "figures" / "filters.svg").stat().st_size < 100_000
