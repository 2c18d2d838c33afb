"""The references: what they answer, what is recorded of them, and what a report says of them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import bench
import zoo
from bench import runner
from bench.cells import reference as references
from bench.cells.common_recipe import common_recipe
from bench.cells.data import load
from bench.cells.reference import LOGISTIC_REGRESSION, MAJORITY_CLASS, Fitted, fit, reference_view
from bench.cells.splits import Split, view
from bench.records import kinds
from bench.report.figures import write_figures
from bench.report.opening import opening_view
from bench.report.write import render, write_report
from bench.results.runs import Results, read
from tests.factories import SEEDS, reference_record, stored, train_record


def make_split(
    inputs: NDArray[Any], labels: list[int] | NDArray[np.int64], sizes: tuple[int, int, int]
) -> Split:
    labels = np.asarray(labels, dtype=np.int64)
    classes = tuple(range(int(labels.max()) + 1))
    return Split(
        inputs=inputs,
        labels=labels,
        sizes=sizes,
        classes=classes,
        checksum="data",
        test_checksum="test",
    )


def test_the_largest_class_is_that_of_the_training_samples_and_scored_on_the_test_samples() -> None:
    # Training 0 1 1 2: class 1. The validation sample and most test samples are of others.
    split = make_split(np.zeros((10, 3), np.float32), [0, 1, 1, 2, 0, 0, 0, 0, 1, 1], (4, 1, 5))
    assert fit(MAJORITY_CLASS, split) == Fitted(
        parameters=None, test_accuracy=2 / 5, misclassified=((0, 1), (1, 1), (2, 1))
    )


def test_of_equally_large_classes_the_lowest_is_the_answer() -> None:
    split = make_split(np.zeros((5, 3), np.float32), [2, 1, 2, 1, 0], (4, 0, 1))
    assert fit(MAJORITY_CLASS, split).misclassified == ((0, 1),)


def test_the_largest_class_of_sums_is_two_thirds_of_them() -> None:
    spec = zoo.get("dnn-sums")
    split = view(load("sums", data_root=Path(), seed=1), spec, spec.recipe)
    # Irwin-Hall: the sum of three lies between 1 and 2 with probability 2/3; four deviations.
    deviation = (2 / 3 * 1 / 3 / 3_000) ** 0.5
    assert fit(MAJORITY_CLASS, split).test_accuracy == pytest.approx(2 / 3, abs=4 * deviation)


def test_a_logistic_regression_tells_classes_apart_that_lines_separate() -> None:
    corners = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    rows = np.concatenate([corners + 0.1 * shift for shift in (-1.0, -0.5, 0.5, 1.0, 0.0)])
    split = make_split(rows, [0, 1, 2] * 5, (12, 0, 3))
    fitted = fit(LOGISTIC_REGRESSION, split)
    assert (fitted.test_accuracy, fitted.misclassified) == (1.0, ())
    assert fitted.parameters == (2 + 1) * 3


def softmax_regression(
    rows: NDArray[np.float64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Weights (features + 1, classes), the last row the biases, by the formula of the manual.

    https://scikit-learn.org/stable/modules/linear_model.html#multinomial-case: the sum of the
    samples' negative log-likelihoods and, for C = 1, half the squared weights without the biases.
    """
    count, features = rows.shape

    def objective(flat: NDArray[np.float64]) -> float:
        weights = flat.reshape(features + 1, classes)
        log_probabilities = log_softmax(rows @ weights[:-1] + weights[-1], axis=1)
        loss = -log_probabilities[np.arange(count), labels].sum()
        return float(loss + (weights[:-1] ** 2).sum() / 2)

    found = minimize(objective, np.zeros((features + 1) * classes), method="BFGS")
    weights: NDArray[np.float64] = found.x.reshape(features + 1, classes)
    return weights


def test_the_logistic_regression_is_the_penalised_softmax_regression_of_pixels_up_to_1() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    centres = np.array([[90, 90, 120, 120], [120, 90, 90, 120], [120, 120, 90, 90]])
    noisy = centres[labels] + random.normal(0, 40, (300, 4))
    pictures = noisy.clip(0, 255).astype(np.uint8).reshape(300, 1, 2, 2)
    rows = pictures.reshape(300, 4) / 255
    weights = softmax_regression(rows[:60], labels[:60], 3)
    outputs = rows[60:] @ weights[:-1] + weights[-1]
    answers = outputs.argmax(axis=1)
    # Both stop a little before the minimum, so a sample on the border may fall to either side.
    ordered = np.sort(outputs, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 0.01
    assert clear.sum() > 220
    fitted = fit(LOGISTIC_REGRESSION, make_split(pictures, labels, (60, 0, 240)))
    assert 20 < len(fitted.misclassified) < 140  # so that the two could disagree
    found = labels[60:].copy()
    for index, answer in fitted.misclassified:
        found[index] = answer
    assert (found == answers)[clear].all()


def test_a_reference_predictor_is_the_same_every_time_however_many_threads_there_are() -> None:
    spec = zoo.get("dnn")
    split = view(load("digits", data_root=Path(), seed=0), spec, common_recipe(spec))
    once = fit(LOGISTIC_REGRESSION, split)
    with threadpool_limits(2):
        assert fit(LOGISTIC_REGRESSION, split) == once
    assert once.parameters == (784 + 1) * 10
    assert len(once.misclassified) == round((1 - once.test_accuracy) * 360)


def test_a_regression_that_is_not_done_is_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "MOST_STEPS", 1)
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ConvergenceWarning):
        fit(LOGISTIC_REGRESSION, make_split(rows, [0, 1, 2, 1] * 5, (15, 0, 5)))


@pytest.mark.parametrize("model", ["dnn", "lenet-rgb", "cnn-100"])
def test_reference_predictors_see_a_networks_samples_and_classes_as_small_grey_pictures(
    model: str,
) -> None:
    spec, dataset = zoo.get(model), load("digits", data_root=Path(), seed=0)
    seen = reference_view(dataset, spec, spec.recipe)
    own = view(dataset, spec, spec.recipe)
    assert seen.inputs.shape[1:] == (1, 28, 28)
    assert (seen.test_checksum, seen.classes, seen.sizes) == (
        *(own.test_checksum, own.classes),
        own.sizes,
    )
    assert (seen.labels == own.labels).all()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.mnist
def test_the_logistic_regression_of_mnist_is_done_in_time(mnist_root: Path) -> None:
    spec = zoo.get("dnn")
    split = reference_view(load("mnist", data_root=mnist_root, seed=0), spec, spec.recipe)
    # LeCun et al. 1998, figure 9: a linear classifier errs in 12.0%, a pairwise one in 7.6%.
    assert 0.88 < fit(LOGISTIC_REGRESSION, split).test_accuracy < 0.93


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind]


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves counting out, where a test is about references."""
    monkeypatch.setattr(runner, "count_all", lambda *_: [])


@pytest.mark.usefixtures("uncounted", "unwritten")
def test_a_run_records_each_reference_predictor_once_and_lists_it_behind_the_cells(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"epochs": 1, "jobs": 1, "rounds": 0}
    options |= {"reports": tmp_path, "name": "x", "devices": ["cpu"]}
    bench.run(["dnn", "net"], seeds=2, **options)
    bench.run(["net", "dnn"], seeds=2, **options)
    found = lines(tmp_path / "x", "baseline")
    assert [(record["baseline"], record["seed"]) for record in found] == [
        (MAJORITY_CLASS, None),
        (LOGISTIC_REGRESSION, None),
    ]
    assert {record["train_samples"] for record in found} == {1_149}  # validation held out
    keys = lines(tmp_path / "x", "request")[-1]["keys"]
    trained = lines(tmp_path / "x", "train")
    cells = {record["key"] for record in trained}
    assert len({record["model"] for record in trained} - {"dnn", "net"}) == 1  # the control
    assert set(keys[: len(cells)]) == cells
    assert {record["key"] for record in found} <= set(keys[len(cells) :])


@pytest.mark.usefixtures("uncounted")
def test_sums_has_reference_predictors_for_every_seed_and_one_that_fails_is_a_failure_in_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_the_second(name: str, split: Split) -> Fitted:
        if name == LOGISTIC_REGRESSION and split.checksum == second:
            raise RuntimeError("no convergence")
        return fit(name, split)

    spec = zoo.get("dnn-sums")
    second = view(load("sums", data_root=Path(), seed=2), spec, common_recipe(spec)).checksum
    monkeypatch.setattr(references, "fit", fail_the_second)
    outcome = bench.run(
        "dnn-sums",
        dataset="sums",
        seeds=2,
        epochs=1,
        jobs=1,
        rounds=0,
        devices=["cpu"],
        reports=tmp_path,
    )
    found = lines(outcome.folder, "baseline")
    assert [(r["baseline"], r["seed"], r["status"]) for r in found] == [
        (MAJORITY_CLASS, 1, "ok"),
        (LOGISTIC_REGRESSION, 1, "ok"),
        (MAJORITY_CLASS, 2, "ok"),
        (LOGISTIC_REGRESSION, 2, "failed"),
    ]
    assert outcome.failed
    assert (
        "- reference predictor `logistic regression` on 3,000 test samples of 3 classes, seed 2: "
        "RuntimeError: no convergence"
    ) in (outcome.folder / "report.md").read_text()


def results_of(folder: Path, *records: kinds.Record) -> Results:
    models = list(dict.fromkeys(r.model for r in records if isinstance(r, kinds.Train)))
    return read(stored(folder, records, models))


def trained(model: str, rights: tuple[int, ...], **changes: Any) -> list[kinds.Train]:
    return [
        train_record(model, seed, right, **changes)
        for seed, right in zip(SEEDS, rights, strict=True)
    ]


def first_column(text: str) -> list[str]:
    """The names in the table of all networks."""
    part = text.partition("All accuracies in full")[2].partition("</details>")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [row.split("|")[1].strip() for row in rows]


def test_references_stand_where_their_accuracy_puts_them_ahead_of_their_equals(
    tmp_path: Path,
) -> None:
    results = results_of(
        tmp_path,
        *trained("lenet", (390, 391, 392)),
        *trained("net", (372, 371, 373)),  # its mean is the regression's
        *trained("dnn", (41, 42, 43)),
        reference_record(MAJORITY_CLASS, 40),
        reference_record(LOGISTIC_REGRESSION, 372),
    )
    text = render(results, {})
    assert first_column(text) == [
        *("`lenet`", "*logistic regression*", "`net`", "`dnn`", "*majority class*")
    ]
    # 372 of 400 against 391: 19 fewer
    row = next(line for line in text.splitlines() if line.startswith("| *logistic"))
    assert [cell.strip() for cell in row.split("|")[2:]] == [
        *("93.00%", "", "", "", "-4.75 pp", "", ""),
    ]
    opening = text.partition("## ")[0]
    first = [line.split("|")[1].strip() for line in opening.splitlines() if line.startswith("| ")]
    assert first[1:] == ["`lenet`", "*regression*", "`net`", "`dnn`", "*majority*"]
    assert "no better" not in text


def test_a_network_that_is_not_above_the_largest_class_is_named_first_of_all(
    tmp_path: Path,
) -> None:
    results = results_of(
        tmp_path,
        *trained("lenet", (390, 391, 392)),
        *trained("net", (40, 40, 40)),
        *trained("dnn", (41, 42, 36)),  # 119 of 1,200 right, a third of a sample below 40 each
        reference_record(MAJORITY_CLASS, 40),
    )
    headline = render(results, {}).partition("## ")[0]
    warning = (
        "- **`net` and `dnn` are no better than always answering the majority class (10.00%).**"
    )
    assert warning in headline.splitlines()


def test_one_network_that_answers_the_largest_class_alone_is_named(tmp_path: Path) -> None:
    results = results_of(
        tmp_path, *trained("net", (40, 40, 40)), reference_record(MAJORITY_CLASS, 40)
    )
    headline = render(results, {}).partition("## ")[0]
    assert "`net` is no better than always answering the majority class (10.00%)." in headline


def test_every_ranking_has_references_of_its_own_in_table_and_csv(tmp_path: Path) -> None:
    three = {"test_checksum": "two", "classes": 3}
    results = results_of(
        tmp_path,
        *trained("lenet", (390, 391, 392)),
        *trained("cnn-100", (380, 380, 380), **three),
        reference_record(MAJORITY_CLASS, 40),
        reference_record(LOGISTIC_REGRESSION, 372),
        reference_record(MAJORITY_CLASS, 140, **three),
        reference_record(LOGISTIC_REGRESSION, 384, parameters=785 * 3, **three),
    )
    write_report(results, tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert list(rows["lenet"])[-2:] == ["largest_class_share", "logistic_regression_accuracy"]
    shares = {model: (float(r["largest_class_share"])) for model, r in rows.items()}
    regressions = {m: (float(r["logistic_regression_accuracy"])) for m, r in rows.items()}
    assert shares == {"lenet": 0.1, "cnn-100": 0.35}
    assert regressions == {"lenet": 0.93, "cnn-100": 0.96}
    text = (tmp_path / "report.md").read_text()
    assert first_column(text).count("*majority class*") == 2
    rows_of = [table.rows for table in opening_view(results, {}).tables]
    sizes = [row.parameters for rows in rows_of for row in rows if row.name == LOGISTIC_REGRESSION]
    assert sizes == [7850, 785 * 3]


def test_references_that_are_drawn_for_every_seed_are_averaged_over_them(tmp_path: Path) -> None:
    records: list[kinds.Record] = []
    for seed, share in zip(SEEDS, (256, 264, 272), strict=True):
        own = {"test_checksum": f"draw {seed}", "classes": 3}
        records.append(train_record("dnn-sums", seed, share, **own))
        records.append(reference_record(MAJORITY_CLASS, share, seed=seed, **own))
    results = results_of(tmp_path, *records)
    (group,) = results.references.values()
    # 264 of 400 on average; seed by seed the network is right just as often
    assert [(reference.name, reference.mean) for reference in group] == [(MAJORITY_CLASS, 0.66)]
    assert "`dnn-sums` is no better than always answering the majority class (66.00%)." in render(
        results, {}
    )


def test_records_from_before_there_were_references_still_make_a_report(tmp_path: Path) -> None:
    results = results_of(tmp_path, *trained("lenet", (390, 391, 392)))
    text = render(results, {})
    assert first_column(text) == ["`lenet`"]
    assert "italics" not in text
    assert "Reference predictors:" not in text


def test_the_figure_shows_a_reference_only_if_it_lies_near_the_networks(tmp_path: Path) -> None:
    results = results_of(
        tmp_path,
        *trained("lenet", (390, 391, 392)),
        *trained("net", (370, 371, 373)),
        reference_record(MAJORITY_CLASS, 40),
        reference_record(LOGISTIC_REGRESSION, 372),
    )
    write_figures(results, tmp_path)
    drawn = (tmp_path / "accuracy.svg").read_text()
    assert "logistic regression 93.0%" in drawn
    assert "majority class" not in drawn
    cells = {cell.seed: cell for cell in trained("net", (20, 40, 60))}  # 5%, 10%, 15% of 400
    near = replace(results.runs[0], cells=cells)
    write_figures(replace(results, runs=(near,)), tmp_path)
    assert "majority class 10.0%" in (tmp_path / "accuracy.svg").read_text()
