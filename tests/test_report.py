"""The report, rendered from records written by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.kinds import Record
from bench.records.store import MissingRunError, Store
from bench.report.accuracy import comparison_view
from bench.report.figures import write_figures
from bench.report.in_short import bigger, regression, wild
from bench.report.index import REPORTS, index
from bench.report.method_page import PAGE, method_page
from bench.report.standing import standing
from bench.report.verdicts import verdicts_view
from bench.report.write import render
from bench.results.runs import Results, read
from bench.results.table import results_table
from bench.statistics.basics import Interval
from bench.writing.markdown import aligned, points, signed_interval
from bench.writing.style import darkened
from bench.writing.templates import varying_table
from tests.factories import (
    RIGHT,
    SEEDS,
    count_record,
    failed_record,
    request_record,
    stored,
    timing_records,
    train_record,
    written_report,
)

GOLDEN = Path(__file__).parent / "golden" / "report.md"


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Four networks, two of them twins, one whose third seed failed; both references."""
    return read(written_report(tmp_path))


def test_the_report_of_records_written_by_hand_reads_as_the_golden_one(results: Results) -> None:
    assert render(results, {"accuracy": "Accuracies"}) == GOLDEN.read_text()


def test_the_numbers_of_the_report_are_those_worked_out_by_hand(results: Results) -> None:
    text = render(results, {})
    # 388, 390, 392 of 400: mean 390, deviation 2, half width 4.3027 * 2 / sqrt(3) = 4.968
    assert "| 96.26% to 98.74% | 97.00% to 98.00% |" in re.sub(" +", " ", text)
    # 17, 24, 19 fewer: mean 20, deviation sqrt(13), half width 4.3027 * sqrt(13 / 3) = 8.957
    assert "| [-7.24, -2.76] |" in re.sub(" +", " ", text)
    # net's two seeds and lenet's same two: 391 is above 388 and 390, 389 above 388 alone, 3 of 4.
    assert "| 0.75 |" in re.sub(" +", " ", text)
    assert "`lenet` and `lenet5-relu-max` are the same network" in text
    # net and lenet on the seeds that both ran: (391 - 388 + 389 - 390) / 2 = 1 of 400
    assert "over the seeds that both ran, `net` minus `lenet` is +0.25 pp" in text
    assert "`net` on cpu, seed 3: RuntimeError: out of memory" in text
    assert "2 of 3 ok" in text
    # 64 samples twice in 0.010 s are 12,800 a second; lenet takes twice as long, and one of two
    # yardsticks in 0.005 s takes a fourth of net's 0.010 s, so that 128 / 4 samples fit into it
    assert "| 2.000 | 2.000 to 2.000 | **faster** | 32.0 | 13,000 |" in re.sub(" +", " ", text)


def results_of(folder: Path, right: Mapping[str, tuple[int, ...]]) -> Results:
    """Networks that get so many of 400 right, by seed; 0 for a seed that failed."""
    records: list[Record] = [
        train_record(model, seed, count) if count else failed_record(model, seed)
        for model, counts in right.items()
        for seed, count in zip(SEEDS, counts, strict=False)
    ]
    return read(stored(folder, records, right))


def ranking(results: Results) -> list[str]:
    (group,) = results.groups
    return [runs.model for runs in group]


def test_equal_means_are_a_tie_whatever_the_seeds_they_are_the_mean_of(tmp_path: Path) -> None:
    # 779 each; a sum of 391 / 400 and 388 / 400 in floating point is none of 390 and 389.
    results = results_of(tmp_path, {"lenet": (390, 389), "net": (391, 388), "dnn": (370, 371)})
    found = standing(results.groups[0])
    assert found is not None
    assert (found.best.model, [runs.model for runs in found.close]) == ("lenet", ["net"])
    assert [runs.model for runs in found.behind] == ["dnn"]
    assert "`lenet` leads with 97.38% of 400 test pictures right" in render(results, {})


def test_a_report_of_one_network_compares_it_with_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs = [train_record("lenet", seed, 388 + seed) for seed in SEEDS]
    for record in [*runs, *timing_records("lenet", 0.01)]:
        store.append(record)
    keys = [record.key for record in store.read()]
    store.append(request_record(keys, ["lenet"]))
    text = render(read(store), {}).partition("## What these networks are")[0]
    assert "`lenet` gets 97.50% of 400 test pictures right" in text  # 389, 390, 391
    assert "times as fast" not in text
    assert "1.00/1.00" not in text


def test_a_network_that_lost_a_seed_is_not_ranked_and_named(tmp_path: Path) -> None:
    # On the two seeds that net ran it is behind; its mean is higher, because the third is hard.
    results = results_of(tmp_path, {"net": (389, 389, 0), "lenet": (390, 391, 350)})
    assert ranking(results) == ["lenet", "net"]
    (ranking_,) = comparison_view(results).rankings
    (lost,) = ranking_.unranked
    assert (lost.model, lost.ran, lost.cells, lost.mean) == ("net", 2, 3, 389 / 400)
    assert lost.difference is not None
    assert lost.difference.mean == pytest.approx(-1.5 / 400)
    text = render(results, {})
    assert "Not ranked: `net` ran 2 of 3 seeds" in text
    assert "2 of 3 ok, not ranked" in text


def test_where_every_network_lost_a_seed_those_that_share_their_seeds_are_ranked(
    tmp_path: Path,
) -> None:
    rights = {"cnn": (0, 395, 395), "net": (390, 389, 0), "lenet": (390, 391, 0), "dnn": (0, 0, 0)}
    assert ranking(results_of(tmp_path, rights)) == ["lenet", "net", "cnn", "dnn"]


def test_a_lead_that_is_the_same_for_every_seed_may_still_be_luck(tmp_path: Path) -> None:
    # 2 of 400 each: 2 of 400 samples may be others next time
    results = results_of(tmp_path, {"lenet": (390, 391, 393), "net": (388, 389, 391)})
    assert "over all others" not in render(results, {})
    assert "Its lead over `net` may be luck." in render(results, {})


def test_the_best_ranked_rival_is_held_against_the_baseline_sample_by_sample(
    results: Results,
) -> None:
    (family,) = verdicts_view(results).families
    # Not net, whose third seed failed. Of seed 1, lenet gets the first 12 wrong, the rival 29.
    assert family.two is not None
    assert (family.two.rival, family.two.seed) == ("lenet5-sigmoid-max", 1)
    assert (family.two.baseline_wrong, family.two.rival_wrong) == (0, 17)
    assert family.two.p == pytest.approx(2 * 0.5**17)  # the sign test, 0 of 17
    assert [sample.index for sample in family.two.samples] == list(range(12, 24))
    assert family.two.hidden
    assert family.models == {
        "worse": ("lenet5-sigmoid-max",),
        "identical": ("lenet5-relu-max",),
        "inconclusive": ("net",),
    }


def test_a_failed_cell_is_a_row_and_the_table_says_so(results: Results) -> None:
    table_ = results_table(results).set_index("model")
    assert table_.loc["net", "status"] == "failed"
    assert table_.loc["net", "seeds"] == 2
    assert table_.loc["lenet", "status"] == "ok"


def test_networks_that_share_no_seed_are_still_reported(tmp_path: Path) -> None:
    records = [train_record("lenet", 1, 388), failed_record("lenet", 2)]
    records += [failed_record("net", 1), train_record("net", 2, 391)]
    store = stored(tmp_path, records, ["lenet", "net"])
    assert "no seed ran for both" in render(read(store), {})


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    models = ["lenet", "net"]
    records = [train_record(model, 1, RIGHT[model][0]) for model in models]
    results = read(stored(tmp_path, records, models))
    row = results_table(results).iloc[0]
    assert row.isna()[["test_accuracy_low", "test_accuracy_high", "test_accuracy_std"]].all()
    text = render(results, {})
    assert "(one run, so nobody knows how much is luck)" in text
    assert "nan" not in text
    verdict = next(
        line for line in text.splitlines() if line.startswith("| `net`") and "pp" in line
    )
    assert [cell.strip() for cell in verdict.split("|")[-3:-1]] == ["inconclusive", "more seeds"]


def test_a_run_in_which_nothing_ran_still_has_a_report(tmp_path: Path) -> None:
    results = read(stored(tmp_path, [failed_record("net", 1)], ["net"]))
    text = render(results, write_figures(results, tmp_path / "figures").drawn)
    assert text.startswith("# No run succeeded on digits\n")
    assert "out of memory" in text


def test_only_the_latest_request_and_its_own_lines_count(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(train_record("lenet", 1, 100))
    store.append(train_record("net", 1, 390))
    store.append(request_record(["train-lenet-1", "train-net-1"], ["lenet", "net"]))
    store.append(train_record("lenet", 1, 388))
    store.append(request_record(["train-lenet-1"], ["lenet"]))
    (runs,) = read(store).runs
    assert (runs.model, runs.accuracy) == ("lenet", {1: 0.97})


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingRunError, match="no comparison is recorded in"):
        read(Store(tmp_path))


def test_figures_are_the_same_bytes_every_time(results: Results, tmp_path: Path) -> None:
    drawn = [write_figures(results, tmp_path / name).drawn for name in ("one", "two")]
    assert drawn[0] == drawn[1]
    assert {"accuracy", "activation-pooling", "learning-curves", "error-time"} <= set(drawn[0])
    for name in drawn[0]:
        one, two = (tmp_path / folder / f"{name}.svg" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        assert one.read_text().startswith("<?xml")
        assert one.with_stem(f"{name}-dark").read_text() == darkened(one.read_text())


def test_a_difference_of_zero_has_no_sign_and_a_small_one_keeps_its_own() -> None:
    rounding = 0.1 + 0.2 - 0.3  # 5.6e-17
    assert [points(zero) for zero in (0.0, -0.0, rounding, -rounding)] == ["0.00 pp"] * 4
    # a thirtieth of a sample of 1,000
    assert [points(small) for small in (1 / 30_000, -1 / 30_000)] == ["+0.00 pp", "-0.00 pp"]
    assert signed_interval(Interval(low=0.0, high=0.01)) == "[0.00, +1.00]"


def test_a_table_is_aligned_so_that_it_reads_well_unrendered() -> None:
    lines = aligned(("name", "number"), (False, True), [["a", "1"], ["long name", "1,000"]])
    assert lines == [
        "| name      | number |",
        "|-----------|-------:|",
        "| a         |      1 |",
        "| long name |  1,000 |",
    ]


def test_the_page_on_the_method_is_what_its_numbers_make_of_it() -> None:
    assert PAGE.read_text() == method_page(), "write it again: python -m bench.report.method_page"


def test_the_list_of_reports_names_each_finished_one_by_its_finding(tmp_path: Path) -> None:
    for name, title in (("zebra", "Found"), ("claims", "Wrong"), ("local-mine", "Mine")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.md").write_text(f"# {title}\n\nHow it was done.\n\nMore.\n")
    lines = index(tmp_path).splitlines()
    titles = ["## [Wrong](claims/report.md)", "## [Found](zebra/report.md)"]
    assert [line for line in lines if line.startswith("## ")] == titles
    assert lines.count("How it was done.") == 2
    assert (REPORTS / "README.md").read_text() == index(REPORTS), (
        "write it again: python -m bench.report.index"
    )


def test_no_table_outside_a_fold_is_wider_than_a_terminal(results: Results) -> None:
    depth = 0
    for line in render(results, {}).splitlines():
        depth += line.count("<details") - line.count("</details")
        assert depth or not line.startswith("|") or len(line) <= 100
    assert depth == 0


def test_a_column_that_says_the_same_in_all_rows_is_left_out() -> None:
    lines = varying_table("|a|b|c|d|\n|---|--:|---|---|\n|x|1|2||\n|y|1|3||\n|z||4||")
    assert lines.splitlines()[0] == "| a   | c   |"


def test_runs_that_diverged_are_counted_and_shown(tmp_path: Path) -> None:
    records = [
        train_record("lenet", seed, 390, diverged_at=5 if seed == 2 else None) for seed in SEEDS
    ] + [train_record("net", seed, 380 + seed) for seed in SEEDS]
    store = stored(tmp_path, records, ["lenet", "net"])
    text = render(read(store), {})
    said = (
        "- **1 run diverged** (the loss was no longer a number): 1 of `lenet` (seed 2 at step 5)."
    )
    assert said in " ".join(text.split())
    assert "3; 1 diverged" in text


@pytest.mark.parametrize(
    ("rights", "title"),
    [
        ({"lenet": (390, 391, 392)}, "# `lenet` on digits: 97.75% right"),
        (
            {"lenet": (390, 391, 392), "net": (380, 389, 398)},
            "# `net` or `lenet`? Not settled on digits",
        ),
        (
            {"lenet": (390, 391, 392), "net": (390, 390, 391)},
            "# `net` and `lenet` are equally good on digits",
        ),
        (
            {"lenet": (390, 391, 392), "net": (300, 302, 301)},
            "# `net` is worse than `lenet` on digits",
        ),
        (
            {"lenet": (300, 301, 302), "net": (390, 392, 391), "dnn": (200, 202, 201)},
            "# `net` beats `lenet` on digits; `dnn` is worse",
        ),
        (
            {"lenet": (390, 391, 392), "net": (300, 302, 301), "dnn": (390, 392, 391)},
            "# No network beats `lenet` on digits; `net` is worse",
        ),
        (
            {"lenet": (390, 391, 392), "net": (391, 391, 392), "dnn": (390, 392, 391)},
            "# No network is settled to be better or worse than `lenet` on digits",
        ),
    ],
)
def test_the_title_states_what_the_verdicts_are(
    tmp_path: Path, rights: dict[str, tuple[int, ...]], title: str
) -> None:
    assert render(results_of(tmp_path, rights), {}).splitlines()[0] == title


def test_a_network_that_loses_to_a_logistic_regression_is_said_to(results: Results) -> None:
    # 390 and 370 of 400 against 372
    found = regression(results)
    assert found is not None
    assert (found.mean, found.losers) == (0.93, ("lenet5-sigmoid-max",))


def test_a_network_with_many_more_parameters_and_more_errors_is_named(tmp_path: Path) -> None:
    rights = {"lenet": (390, 391, 392), "dnn": (370, 372, 371)}
    records: list[Record] = [
        train_record(model, seed, right)
        for model, found in rights.items()
        for seed, right in zip(SEEDS, found, strict=True)
    ]
    records += [count_record("lenet", 1_000, 10), count_record("dnn", 2_000, 10)]
    results = read(stored(tmp_path, records, rights))
    found = bigger(results)
    assert found is not None
    assert (found.model, found.best, found.parameters) == ("dnn", "lenet", 2.0)
    assert found.errors == pytest.approx(29 / 9)
    smaller = {**results.counts, "dnn": count_record("dnn", 1_999, 10)}
    assert bigger(replace(results, counts=smaller)) is None


def test_a_network_whose_runs_differ_three_times_as_much_is_named(tmp_path: Path) -> None:
    rights = {"lenet": (390, 392, 394), "net": (389, 391, 393), "cnn": (380, 386, 392)}
    found = wild(results_of(tmp_path, rights))
    assert found is not None
    assert (found.model, found.low, found.high) == ("cnn", 380 / 400, 392 / 400)
    calmer = {**rights, "cnn": (381, 386, 392)}  # 11 is less than three times 4
    assert wild(results_of(tmp_path / "calmer", calmer)) is None


def test_networks_from_no_tutorial_are_named(tmp_path: Path) -> None:
    text = render(results_of(tmp_path, {"lenet": (390, 391, 392), "mine": (380, 391, 392)}), {})
    assert "Networks that are from no tutorial: `mine`." in text
