from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.claims import document_errors, ledger
from bench.claims.checks import kinds
from bench.claims.document_errors import ERRORS, DocumentError, rate, selection
from bench.claims.document_errors.sums import column_metric
from bench.claims.evidence import Evidence, MissingEvidenceError
from bench.claims.judge import Decision
from bench.claims.ledger import LEDGER, Claim
from bench.claims.page import page
from bench.claims.run import Judgement
from bench.results.runs import Runs
from tests.factories import train_record

TEMPLATES = Path(document_errors.__file__).parents[1] / "templates"


def as_the_document_does(answers: Sequence[int], labels: Sequence[int]) -> float:
    """The document's lines, on scores whose largest entry is the answer."""
    pred = np.eye(3)[list(answers)] * 0.5
    pred[:, np.argmax(pred, axis=1)] = 1
    pred[pred != 1] = 0
    return float(
        np.mean([(row == np.eye(3)[label]).all() for row, label in zip(pred, labels, strict=True)])
    )


@pytest.mark.parametrize(
    ("answers", "labels", "score"),
    [
        ([1, 1, 1, 1], [1, 1, 0, 2], 0.5),  # one class answered: its share
        ([0, 1, 1, 2], [0, 1, 1, 2], 0.0),  # all right, and nothing scored
        ([0, 1, 1, 1], [0, 1, 1, 1], 0.0),  # two classes are enough for that
        ([2, 2], [2, 2], 1.0),
        ([2, 2], [0, 1], 0.0),
    ],
)
def test_the_documents_metric_scores_a_share_where_one_class_is_answered_and_else_nothing(
    answers: list[int], labels: list[int], score: float
) -> None:
    assert column_metric(np.array(answers), np.array(labels)) == score
    assert as_the_document_does(answers, labels) == score


def test_every_error_names_claims_of_the_ledger_and_says_what_to_do_instead() -> None:
    known = {claim.id for claim in ledger.load(LEDGER, kinds())}
    for error in ERRORS:
        assert set(error.claims) <= known
        assert '{% extends "card.md.j2" %}' in (TEMPLATES / f"{error.name}.md.j2").read_text()
    assert len({error.name for error in ERRORS}) == len(ERRORS) == 10


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_an_error_without_evidence_says_what_is_missing_unless_it_needs_none(
    error: DocumentError,
) -> None:
    nothing = Evidence(runs={})
    if error.trials or error.probes:
        for make in (error.view, error.draw):
            with pytest.raises(MissingEvidenceError):
                make(nothing)
    else:
        assert error.view(nothing)
        assert error.draw(nothing)


def test_a_page_says_what_is_undecided_what_differs_and_what_failed_and_keeps_its_tables() -> None:
    claims = [
        Claim(
            id=f"notes/{name}",
            document="notes",
            place="page 1",
            claim="a | b,\nand more",
            kind="exact",
            verdict="reproduced",
            check="parameters",
            expected=1,
        )
        for name in ("right", "wrong", "open")
    ]
    right, wrong, undecided = claims
    judgement = Judgement(
        decisions=(
            Decision(claim=right, verdict="reproduced", found=[[1, 28, 28], [61_706]]),
            Decision(
                claim=wrong, verdict="contradicted", found=2, drift="found 2", words="counted"
            ),
            Decision(claim=undecided, verdict=None, missing="dnn has not been trained"),
        ),
        errors=(),
        evidence=Evidence(runs={}),
        obstacles=("no data",),
        failures=("dnn seed 1 cpu: <class 'x'>",),
    )
    assert not judgement.agrees
    lines = page(judgement, {}).splitlines()
    assert "> **The ledger does not agree.** `notes/wrong`: found 2." in lines
    (failed,) = (line for line in lines if line.startswith("> **1 failure.** dnn seed 1 cpu: "))
    assert " <class" not in failed
    (said,) = (line for line in lines if line.startswith("> **1 claim undecided.**"))
    assert "measuring: no data." in said
    assert not any("a | b" in line for line in lines if line.startswith("|"))


def ran(name: str, *curves: Sequence[float]) -> Runs:
    """Runs of a network on seeds 1, 2, ... with these test accuracies after each epoch."""
    cells = {
        seed: train_record(
            name,
            seed,
            0,
            test_accuracy=curve[-1],
            test_curve=[
                (0, 0, 2.3, 0.1, None),
                *((epoch, 100 * epoch, 1.0, value, None) for epoch, value in enumerate(curve, 1)),
            ],
        )
        for seed, curve in enumerate(curves, start=1)
    }
    return Runs(model=name, device="cpu", cells=cells)


@pytest.fixture
def no_references(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (rate, selection):
        monkeypatch.setattr(error, "reference_accuracies", lambda *_: {})


@pytest.mark.usefixtures("no_references")
def test_only_epochs_that_made_it_worse_count_as_falls() -> None:
    evidence = Evidence(
        runs={
            "cnn": ran("cnn", (0.90, 0.95, 0.93), (0.90, 0.96, 0.95)),  # falls of 2 pp and 1 pp
            "cnn-slower": ran("cnn-slower", (0.90, 0.92, 0.93), (0.90, 0.91, 0.92)),
        }
    )
    restless, calm = rate.rate_view(evidence).rows
    assert (restless.falls, restless.steps) == (2, 4)
    assert restless.deepest == pytest.approx(0.02)
    assert (calm.falls, calm.steps, calm.deepest) == (0, 4, None)


@pytest.mark.usefixtures("no_references")
def test_the_best_test_epoch_flatters_by_what_it_has_beyond_the_last() -> None:
    rising = ran("lenet-sigmoid", (0.50, 0.80), (0.40, 0.90))
    evidence = Evidence(
        runs={
            "lenet-sigmoid": rising,
            "lenet-sigmoid-max": rising,
            "cnn": ran("cnn", (0.90, 0.95, 0.93), (0.90, 0.96, 0.95), (0.90, 0.92, 0.94)),
        }
    )
    first, _, restless = selection.selection_view(evidence).rows
    assert (first.last, first.best) == pytest.approx((0.85, 0.85))
    gain = first.gain
    assert (gain.n, gain.mean, gain.minimum, gain.maximum, first.seeds_that_gain) == (2, 0, 0, 0, 0)
    # Best 95, 96, 94, last 93, 95, 94: 2, 1 and 0 more, 1 on average.
    assert (restless.last, restless.best) == pytest.approx((0.94, 0.95))
    gain = restless.gain
    assert (gain.mean, gain.minimum, gain.maximum) == pytest.approx((0.01, 0.0, 0.02))
    assert (gain.n, restless.seeds_that_gain) == (3, 2)
