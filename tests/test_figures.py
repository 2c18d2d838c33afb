"""Figures of any networks: of every name, any number of them, any losses."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import nn

import bench
import zoo
from bench.records.kinds import Record
from bench.report import figures
from bench.report.figures import curves, write_figures
from bench.report.write import write_report
from bench.results.answers import misreadings
from bench.results.runs import Results, read
from bench.writing.marks import marks
from bench.writing.style import GRID, PAIRS, darkened
from tests.factories import count_record, stored, train_record
from tests.programs import run_program


def results_of(folder: Path, networks: dict[str, dict[str, Any]]) -> Results:
    """Networks of one seed each; their records have these fields besides the usual ones."""
    records: list[Record] = [
        train_record(name, 1, 390, **changes) for name, changes in networks.items()
    ]
    records += [count_record(name, 61_706, 416_520) for name in networks]
    return read(stored(folder, records, networks))


@pytest.mark.parametrize("name", ["lenet5-relu", "lenet5-relu-lp", "lenet5", "lenet5-", "a b_c"])
def test_a_network_of_any_name_has_a_report_with_all_figures(tmp_path: Path, name: str) -> None:
    results = results_of(tmp_path, {"lenet": {}, name: {}})
    write_report(results, tmp_path)
    drawn = {path.stem for path in tmp_path.glob("figures/*.svg")}
    names = ("accuracy", "confusions", "differences", "learning-curves", "losses", "networks")
    expected = {made for name in names for made in (name, f"{name}-dark")}
    assert expected - {"differences", "differences-dark"} <= drawn <= expected


def test_thirty_networks_are_drawn_and_the_first_25_each_in_a_style_of_its_own(
    tmp_path: Path,
) -> None:
    names = [f"own-{number}" for number in range(30)]
    results = results_of(tmp_path, {name: {} for name in names})
    assert "learning-curves" in write_figures(results, tmp_path / "figures").drawn
    styles = marks(names)  # 5 colours with 5 markers
    assert len({styles[name] for name in names[:25]}) == 25
    assert styles["own-25"] == styles["own-0"]


def test_the_design_shows_its_factors_in_colour_and_marker() -> None:
    styles = marks(["lenet5-relu-avg", "lenet5-relu-max", "lenet5-tanh-max", "lenet5-relu-lp"])
    relu_avg, relu_max, tanh_max, other = styles.values()
    assert relu_avg[0] == relu_max[0] != tanh_max[0]
    assert relu_avg[1] != relu_max[1] == tanh_max[1]
    assert other not in (relu_avg, relu_max, tanh_max)


NEVER = {
    "training_curve": [[100, None], [200, None]],
    "test_curve": [[0, 0, None, 0.1, 0.1], [1, 100, None, 0.1, 0.1], [2, 200, None, 0.1, 0.1]],
}
NEGATIVE = {
    "training_curve": [[100, -1.0], [200, -2.0]],
    "test_curve": [[0, 0, -1.0, 0.1, 0.1], [1, 100, -2.0, 0.1, 0.1], [2, 200, -3.0, 0.1, 0.1]],
}


@pytest.mark.parametrize("losses", [NEVER, NEGATIVE])
def test_a_network_without_a_loss_that_can_be_drawn_leaves_the_curves_of_the_others(
    tmp_path: Path, losses: dict[str, Any]
) -> None:
    found = write_figures(results_of(tmp_path, {"lenet": {}, "own": losses}), tmp_path / "figures")
    assert not found.undrawn
    drawn = (tmp_path / "figures" / "losses.svg").read_text()
    assert ">lenet<" in drawn
    assert ">own<" in drawn
    assert drawn.count("no finite loss above 0") == 1


def test_curves_of_nothing_but_losses_that_are_no_number_are_drawn(tmp_path: Path) -> None:
    found = write_figures(results_of(tmp_path, {"own": NEVER}), tmp_path / "figures")
    assert not found.undrawn
    assert "losses" in found.drawn


def test_a_curve_ends_where_the_loss_of_a_seed_is_no_number(tmp_path: Path) -> None:
    results = results_of(tmp_path, {"own": {"training_curve": [[100, 1.0], [200, None]]}})
    training, test = curves.loss_curves(results.runs[0])
    np.testing.assert_array_equal(training.examples, [100, 200])
    np.testing.assert_array_equal(training.losses, [[1.0, np.nan]])
    np.testing.assert_array_equal(test.examples, [0, 100, 200])
    np.testing.assert_array_equal(test.losses, [[2.3, 0.8, 0.4]])


def test_a_figure_that_fails_is_left_out_and_the_report_says_which_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Results) -> None:
        raise ValueError("no *room*")

    monkeypatch.setitem(figures.FIGURES, "accuracy", (fail, "Accuracies"))
    write_report(results_of(tmp_path, {"lenet": {}, "net": {}}), tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "figures/accuracy.svg" not in text
    assert 'src="figures/learning-curves.svg"' in text
    method = text.partition("### Failures")[2]
    assert r"- figure `accuracy` was not drawn: ValueError: no \*room\*" in method
    assert not (tmp_path / "figures" / "accuracy.svg").exists()


def test_a_network_without_any_work_has_a_report(
    tmp_path: Path,
) -> None:
    results = results_of(tmp_path, {"lenet": {}, "net": {}, "own": {}})
    none = structs.replace(results.counts["own"], macs=0)
    results = replace(results, counts={**results.counts, "own": none})
    write_report(results, tmp_path)
    assert "| `own` " in (tmp_path / "report.md").read_text()


class Diverging(nn.Module):
    """A network whose outputs are no numbers from a training step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.network = zoo.get("dnn").build()
        self.step = step
        self.seen = 0

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen += self.training
        outputs: torch.Tensor = self.network(pictures)
        return outputs * float("nan") if self.seen >= self.step else outputs


@pytest.mark.parametrize("step", [0, 20])
def test_a_network_that_diverges_has_a_report_with_its_other_numbers(
    tmp_path: Path, step: int
) -> None:
    own = replace(zoo.get("dnn"), name="own", aliases=(), build=partial(Diverging, step))
    options: dict[str, Any] = {"jobs": 1, "devices": ["cpu"], "reports": tmp_path, "name": "run"}
    with zoo.temporary(own):
        outcome = bench.run(["dnn", "own"], seeds=1, epochs=1, rounds=0, **options)
    text = (outcome.folder / "report.md").read_text()
    assert "was not drawn" not in text
    assert 'src="figures/learning-curves.svg"' in text
    rows = [line for line in text.splitlines() if line.startswith("| `own`")]
    # All answers are class 0, which is as frequent as the others: 10%, more or less.
    accuracies = outcome.results.get("own", "cpu")
    assert accuracies is not None
    assert accuracies.summary is not None
    assert 0.05 < accuracies.summary.mean < 0.15
    assert any("575,050" in row for row in rows)


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_may_be_that_of_text_on_a_light_and_on_a_dark_page() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)  # W3C's own example
    for light, dark in PAIRS.items():
        if light != GRID:
            assert contrast(light, "#ffffff") >= 4.5
            assert contrast(dark, "#0d1117") >= 4.5  # GitHub's dark page


def test_the_dark_figure_is_the_light_one_in_other_colours_and_neither_has_black_or_a_background(
    tmp_path: Path,
) -> None:
    write_figures(results_of(tmp_path, {"lenet": {}, "net": {}}), tmp_path)
    for path in tmp_path.glob("*.svg"):
        if not path.stem.endswith("-dark"):
            light, dark = path.read_text(), path.with_stem(f"{path.stem}-dark").read_text()
            assert darkened(light) == dark != light
            assert not any(colour in dark for colour in PAIRS)
            assert "fill: #ffffff" not in light
            assert "#000000" not in light


BARE = """
from functools import partial
from pathlib import Path
from matplotlib.figure import Figure
from bench.writing.style import save

def draw() -> Figure:
    figure = Figure()
    figure.subplots().plot([1, 2], [3, 4])
    return figure

save(draw, Path("found.svg"), "a line")
"""


def test_a_matplotlibrc_in_the_folder_changes_no_figure(tmp_path: Path) -> None:
    for name in ("plain", "styled"):
        (tmp_path / name).mkdir()
    (tmp_path / "styled" / "matplotlibrc").write_text("axes.facecolor: red\nfont.size: 30\n")
    for name in ("plain", "styled"):
        run_program(BARE, folder=tmp_path / name)
    plain, styled = ((tmp_path / name / "found.svg").read_bytes() for name in ("plain", "styled"))
    assert plain == styled


def test_a_network_has_one_colour_and_marker_whatever_it_is_drawn_beside() -> None:
    together = marks(["lenet", "own", "dnn", "lenet5-relu-max"])
    assert all(marks([name])[name] == mark for name, mark in together.items())
    known = marks([*zoo.names()])
    assert len(set(known.values())) == len(known)


def test_equal_wrong_answers_are_counted_by_picture_the_hardest_first() -> None:
    first, second = {7: 1, 3: 2}, {3: 5, 9: 0}
    found = misreadings([first, second, {3: 2}])
    assert list(found) == [3, 7, 9]  # three of three, one, one
    assert found[3].most_common(1) == [(2, 2)]


def test_seconds_of_training_are_examples_over_measured_samples_per_second(tmp_path: Path) -> None:
    results = results_of(tmp_path, {"lenet": {}})
    pace = SimpleNamespace(train_samples_per_second=50.0)
    timed = replace(results, speeds={("lenet", "cpu"): pace})  # type: ignore[dict-item]
    # After 100 and 200 examples 10% and 3% are wrong.
    found = curves.seconds_of_training(timed, timed.runs[0])
    assert list(found) == [2.0, 4.0]
    assert list(found.values()) == pytest.approx([0.1, 0.03])
    assert curves.seconds_of_training(results, results.runs[0]) == {}
