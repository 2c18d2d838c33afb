"""The design at other learning rates: a real sweep, small, and what is read from its records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import rates
from bench.cells.common_recipe import COMMON, SWEEP_RATES
from bench.records import kinds
from bench.records.store import Store
from bench.records.wrong_answers import WrongAnswers
from bench.report.design import activation_and_pooling
from bench.report.in_short import activation, pooling
from bench.report.opening import opening
from bench.report.questions import questions, questions_view
from bench.results.families import design_effects
from bench.results.learning_rates import learning, read_sweep
from bench.results.runs import read
from bench.statistics.design import CELLS, MODELS, QUESTIONS
from tests.factories import stored, train_record

RATES = (3e-4, 1e-3, 3e-3, 1e-2)  # of written records, whose own rate is 0.003
OTHER_RATES = (3e-4, 1e-3, 1e-2)


@pytest.fixture
def design_report(tmp_path: Path) -> Path:
    options: dict[str, Any] = {"seeds": 1, "epochs": 1, "rounds": 0, "devices": ["cpu"]}
    return bench.run("lenet5-*", reports=tmp_path, **options).folder


def test_the_design_is_repeated_at_three_other_rates_and_only_once(design_report: Path) -> None:
    arguments = ["local-digits-common", "--reports", str(design_report.parent)]
    assert rates.main(arguments) == 0
    lines = (design_report / "records.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines if f'"{kinds.LEARNING_RATE}"' in line]
    others = {*SWEEP_RATES["digits"]} - {COMMON["digits"].learning_rate}
    assert len(others) == 3
    assert {(r["model"], r["rate"]) for r in found} == {(m, r) for m in MODELS for r in others}
    assert len({r["weights_sha256"] for r in found}) == len(MODELS) * len(others)
    assert "### Is it the learning rate?" in (design_report / "report.md").read_text()
    assert (design_report / "figures" / "learning-rates.svg").exists()
    assert rates.main(arguments) == 0
    assert (design_report / "records.jsonl").read_text().splitlines() == lines


def test_a_report_without_the_design_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run("dnn", seeds=1, epochs=1, rounds=0, reports=tmp_path, devices=["cpu"], jobs=1)
    assert rates.main(["local-digits-common", "--reports", str(tmp_path)]) == 2
    assert "3 x 2 design" in capsys.readouterr().err


def write_sweep(folder: Path, wrong: dict[tuple[str, float], int]) -> None:
    """Five seeds of the design at every rate; `wrong` of 400 samples, more with every seed.

    The networks differ in how many more, so that paired differences have a spread. Validation
    accuracy is 0.9, and 0.95 at rate 0.001.
    """
    store = Store(folder)
    train = []
    for number, model in enumerate(MODELS):
        for seed in range(1, 6):
            more = seed * number % 5  # the same five numbers for each but the first, in turns
            errors = wrong[model, 0.003] + more
            train.append(train_record(model, seed, 400 - errors, weights_sha256=f"{model}{seed}"))
            for rate in OTHER_RATES:
                errors = wrong[model, rate] + more
                store.append(
                    kinds.LearningRate(
                        key=f"{model} {seed} {rate}",
                        experiment=kinds.LEARNING_RATE,
                        run="request",
                        model=model,
                        seed=seed,
                        rate=rate,
                        cell_key="",
                        test_accuracy=1 - errors / 400,
                        validation_accuracy=0.95 if rate == 1e-3 else 0.9,
                        misclassified=WrongAnswers((index, 0) for index in range(errors)),
                        weights_sha256="",
                    )
                )
    stored(folder, train, MODELS)


def worse_sigmoid_and_tanh(tanh: int) -> dict[tuple[str, float], int]:
    """Sigmoid is wrong 60 times more than ReLU at every rate, tanh so much more at 0.01 alone."""
    return {
        (f"lenet5-{activation}-{pooling}", rate): 20
        + (60 if activation == "sigmoid" else 0)
        + (tanh if activation == "tanh" and rate == 1e-2 else 0)
        for activation, pooling in CELLS
        for rate in RATES
    }


def test_an_answer_counts_only_if_it_is_the_same_at_every_rate(tmp_path: Path) -> None:
    write_sweep(tmp_path, worse_sigmoid_and_tanh(60))
    sweep = read_sweep(read(Store(tmp_path)))
    assert sweep is not None
    assert set(sweep.best_rates.values()) == {1e-3}
    settled = [QUESTIONS[i].name for i in range(len(QUESTIONS)) if sweep.settled(i)]
    assert settled == [
        "ReLU instead of sigmoid, averaged over both poolings",
    ]
    lead = sweep.by_rate[1e-3][0].comparison
    # 60 of 400 more wrong, give or take the few that seeds add.
    assert lead.difference == pytest.approx(60 / 400, abs=5 / 400)
    assert sweep.by_rate[1e-2][1].comparison.verdict == "inconclusive"


def test_the_report_says_at_which_rates_a_question_is_settled(tmp_path: Path) -> None:
    write_sweep(tmp_path, worse_sigmoid_and_tanh(120))
    lines = activation_and_pooling(read(Store(tmp_path)), {}).splitlines()
    said = [line for line in lines if line.startswith("- **")]
    ways = ", averaged over both poolings: "
    assert said[:3] == [
        f"- **At every learning rate tried**: ReLU instead of sigmoid{ways}better.",
        f"- **Changes sign with the learning rate**: tanh instead of sigmoid{ways}"
        "better at 0.0003, 0.001, 0.003; worse at 0.01.",
        f"- **At some learning rates only**: ReLU instead of tanh{ways}"
        "not settled at 0.0003, 0.001, 0.003; better at 0.01.",
    ]
    assert said[3].startswith("- **Not settled at any learning rate**: max instead of average")
    assert len(said) == 4


def test_seeds_that_have_learned_nothing_are_counted_beside_their_mean(tmp_path: Path) -> None:
    # Of 400 samples in 10 classes, 80 right are twice what guessing gives: 316 to 320 wrong are 84
    # to 80 right, so that one seed of five is there.
    wrong = {
        (model, rate): 316 if model == "lenet5-sigmoid-max" and rate == 1e-2 else 20
        for model in MODELS
        for rate in RATES
    }
    write_sweep(tmp_path, wrong)
    (line,) = [
        line
        for line in activation_and_pooling(read(Store(tmp_path)), {}).splitlines()
        if "Some runs do not learn at all" in line
    ]
    assert "no better than 20.00%" in line
    assert "Seeds that have not learned: `lenet5-sigmoid-max` at 0.01, 1 of 5." in line


def test_every_other_rate_is_a_family_of_its_own_and_the_runs_own_keeps_its_verdicts(
    tmp_path: Path,
) -> None:
    wrong = {(model, rate): 20 + number for number, model in enumerate(MODELS) for rate in RATES}
    write_sweep(tmp_path, wrong)
    results = read(Store(tmp_path))
    sweep = read_sweep(results)
    assert sweep is not None
    comparisons = [effect.comparison for effect in sweep.by_rate[1e-2]]
    p = [found.p for found in comparisons if found.p is not None]
    adjusted = [found.adjusted_p for found in comparisons if found.adjusted_p is not None]
    assert min(adjusted) == pytest.approx(min(1, 7 * min(p)))
    assert sweep.by_rate[3e-3] == design_effects(results, "cpu")
    # All networks do best at 0.001, so that their own best asks nothing new.
    assert sweep.at_best == sweep.by_rate[1e-3]


def test_shares_that_learn_are_tested_and_those_that_learned_compared(tmp_path: Path) -> None:
    # Four of five seeds of one network are beyond 80 right of 400: 316 + 0 to 4 wrong.
    wrong = {
        (model, rate): 317 if model == "lenet5-sigmoid-max" and rate == 1e-2 else 20
        for model in MODELS
        for rate in RATES
    }
    write_sweep(tmp_path, wrong)
    sweep = read_sweep(read(Store(tmp_path)))
    assert sweep is not None
    found = learning(sweep, "lenet5-relu-max", "lenet5-sigmoid-max", 1e-2)
    lost = sum(
        accuracy <= 0.2 for accuracy in sweep.trials["lenet5-sigmoid-max", 1e-2].test.values()
    )
    assert lost == 2
    assert (found.first_lost, found.second_lost, found.seeds) == (0, 2, 5)
    assert found.p == pytest.approx(0.5)  # two of two on one side: 2 x (1/2)^2
    assert found.learned is not None
    assert found.learned.n_seeds == 3
    assert found.learned.difference > 0.7
    turned = learning(sweep, "lenet5-sigmoid-max", "lenet5-relu-max", 1e-2)
    assert turned.learned is not None
    assert (turned.first_lost, turned.learned.n_seeds) == (2, 3)


def by_pooling(more: int) -> dict[tuple[str, float], int]:
    """Networks with average pooling are wrong so many times more than those with max pooling."""
    return {
        (model, rate): 20 + (more if model.endswith("-avg") else 0)
        for model in MODELS
        for rate in RATES
    }


def test_the_first_findings_say_whether_pooling_matters(tmp_path: Path) -> None:
    write_sweep(tmp_path, by_pooling(60))
    found = pooling(read(Store(tmp_path)))
    assert found is not None
    assert found.settled
    for at in found.rates:
        assert at.comparison.difference == pytest.approx(60 / 400, abs=5 / 400)
        assert (at.lost, at.runs) == ((0, 0), 3 * 5)  # three activations, five seeds
    assert activation(read(Store(tmp_path))) is not None


def test_an_answer_may_hold_wherever_all_runs_learn(tmp_path: Path) -> None:
    # At the highest rate two of three networks with max pooling learn nothing, and one without.
    lost = dict.fromkeys([(f"lenet5-{name}", 1e-2) for name in ("tanh-max", "relu-max")], 330)
    write_sweep(tmp_path, {**by_pooling(60), **lost, ("lenet5-sigmoid-avg", 1e-2): 330})
    results = read(Store(tmp_path))
    found = pooling(results)
    assert found is not None
    assert (found.settled, found.where_all_learn) == (False, "better")
    text = " ".join(opening(results, {}).split())
    assert (
        "Is max pooling better than average pooling? Yes, at every learning rate at which all runs "
        "learn: at 0.0003, it is better by"
    ) in text


def test_runs_that_learn_nothing_are_counted_on_their_side(tmp_path: Path) -> None:
    # 330 wrong of 400 and more are 17.5% right and less: no better than twice what guessing gives.
    wrong = {**by_pooling(0), ("lenet5-tanh-avg", 1e-2): 330, ("lenet5-relu-avg", 1e-2): 330}
    write_sweep(tmp_path, wrong)
    results = read(Store(tmp_path))
    of_pooling, of_activation = pooling(results), activation(results)
    assert of_pooling is not None
    assert of_activation is not None
    assert of_pooling.rates[-1].lost == (0, 10)  # max pooling, average pooling
    assert of_activation.rates[-1].lost == (5, 0)  # ReLU, sigmoid


def test_all_reports_answer_the_questions_side_by_side(tmp_path: Path) -> None:
    places = {"sigmoid": worse_sigmoid_and_tanh(0), "pooling": by_pooling(60)}
    for name, wrong in places.items():
        write_sweep(tmp_path / name, wrong)
    reports = [(name, read(Store(tmp_path / name))) for name in places]
    view = questions_view(reports)
    assert [one.report for one in view.asked] == ["sigmoid", "pooling"]
    assert {one.test_samples for one in view.asked} == {400}
    relu, max_pooling = QUESTIONS[0].name, QUESTIONS[3].name
    verdicts = {name: [r.at_rate.verdict for r in view.replies[name]] for name in view.replies}
    assert verdicts[relu] == ["better", "inconclusive"]
    assert verdicts[max_pooling] == ["inconclusive", "better"]
    assert {relu, max_pooling} <= set(view.differing)
    assert [r.everywhere for r in view.replies[relu]] == [True, False]
    decided = [one.decided for one in view.asked]
    assert decided == [
        sum(found[place] != "inconclusive" for found in verdicts.values()) for place in (0, 1)
    ]
    text = questions(reports)
    assert f"{decided[0]} of 7 questions" in text
    lead = view.replies[relu][0].at_rate.difference  # 60 of 400, give or take what seeds add
    assert lead == pytest.approx(60 / 400, abs=5 / 400)
    assert f"- {relu}: {100 * lead:+.2f} pp on digits, better (" in text
    assert questions([]) == ""
