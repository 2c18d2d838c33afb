"""What networks cost, and names beside the lines of many networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from msgspec import structs

from bench.records.kinds import Record
from bench.report.cost import cost_view, counting_view, parameters
from bench.report.costs import costs, costs_view
from bench.report.figures.curves import error_over_epochs
from bench.results.runs import Results, read
from tests.factories import count_record, stored, train_record

# Name: right answers of 400, parameters, multiply-accumulates. Ten networks of one size whose
# accuracies lie within half a point, as those of the zoo do; two of them have the very same.
NETWORKS = {
    "dnn": (380, 575_050, 574_080),
    "net": (386, 21_840, 480_500),
    "lenet-rgb": (392, 62_006, 651_720),
    **{f"lenet-{number}": (390 + number // 5, 61_706, 416_520) for number in range(10)},
}


@pytest.fixture
def crowded(tmp_path: Path) -> Results:
    records: list[Record] = [
        train_record(name, 1, right) for name, (right, _, _) in NETWORKS.items()
    ]
    records += [count_record(name, *sizes) for name, (_, *sizes) in NETWORKS.items()]
    return read(stored(tmp_path, records, NETWORKS))


def test_every_line_is_named_and_no_name_lies_over_another(crowded: Results) -> None:
    figure = error_over_epochs(crowded)
    assert figure is not None
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    (axes,) = figure.axes
    names = [child for child in axes.get_children() if isinstance(child, Annotation)]
    assert sorted(name.get_text() for name in names) == sorted(NETWORKS)
    # Of the text alone, without the line to its point.
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    boxes = [Text.get_window_extent(name, renderer) for name in names]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert not any(box.overlaps(axes.get_window_extent()) for box in boxes)


def test_the_words_on_costs_name_the_least_and_the_most(crowded: Results) -> None:
    view = costs_view(crowded, {})
    assert view.parameters is not None
    assert view.macs is not None
    assert (view.parameters.least, view.parameters.most) == ("net", "dnn")
    assert (view.macs.low, view.macs.high) == (416_520, 651_720)
    # 575,050 / 21,840 and 651,720 / 416,520
    text = costs(crowded, {})
    assert "`dnn` has 26.3 times those of `net`" in text
    assert "`lenet-rgb` has 1.56 times those of `lenet-0`" in text


def test_the_counting_exercise_is_the_range_that_the_document_leaves() -> None:
    # BP: 3 x (10,000 x 10,000 + 10,000) + 10,000 x 3 + 3 = 300,060,003 parameters.
    # CNN, kernel 5, 12 x 12 left: 260 + 5,020 + 15,030 + 4,320 x 100 + 100 + 303 = 452,713, and
    # with 13 x 13 left 507,000 for 432,000 = 527,713; kernel 3: 100 + 1,820 + 5,430 + 432,000 + 403
    # = 439,753, and with 507,000 514,753.
    view = counting_view()
    assert [row.parameters for row in view.rows] == [
        300_060_003,
        452_713,
        527_713,
        439_753,
        514_753,
    ]
    assert view.parameters == (300_060_003 / 527_713, 300_060_003 / 439_753)
    # MACs of BP: 300,030,000; CNN, kernel 5, 13 x 13: 2.5 + 12.5 + 9.375 million + 507,300, and
    # kernel 3, 12 x 12: 0.9 + 4.5 + 3.375 million + 432,300.
    assert view.macs == (300_030_000 / 24_882_300, 300_030_000 / 9_207_300)


def test_a_count_that_disagrees_is_marked(crowded: Results) -> None:
    counts = {**crowded.counts, "net": structs.replace(crowded.counts["net"], reached_parameters=1)}
    view = cost_view(replace(crowded, counts=counts))
    assert [row.model for row in view.rows if not row.agree] == ["net"]
    lines = parameters(replace(crowded, counts=counts)).splitlines()
    assert next(line for line in lines if "**no**" in line).startswith("| `net` ")


def test_a_network_without_declared_sizes_has_a_dash_and_a_sentence(crowded: Results) -> None:
    own = structs.replace(crowded.counts["net"], declared_parameters=None)
    text = parameters(replace(crowded, counts={**crowded.counts, "net": own}))
    row = next(line for line in text.splitlines() if line.startswith("| `net` "))
    assert [cell.strip() for cell in row.split("|")][2:6] == ["-", "21,840", "21,840", "yes"]
    assert "No layer sizes are declared for `net`" in text
    assert "No layer sizes are declared" not in parameters(crowded)
