from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench.claims import ledger
from bench.claims.checks import kinds
from bench.claims.document_errors import ENTRIES, Entry, rate, selection
from bench.claims.document_errors.sums import column_metric
from bench.claims.evidence import Evidence, MissingEvidenceError
from bench.claims.ledger import LEDGER
from bench.results.runs import Runs
from tests.factories import train_record


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


def test_every_entry_names_claims_of_the_ledger_and_says_what_to_do_instead() -> None:
    known = {claim.id for claim in ledger.load(LEDGER, kinds())}
    for entry in ENTRIES:
        assert set(entry.claims) <= known
        assert entry.explanation
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES) == 8


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_without_evidence_says_what_is_missing_unless_it_needs_none(
    entry: Entry,
) -> None:
    nothing = Evidence(runs={})
    if entry.trials or entry.probes:
        for make in (entry.show, entry.draw):
            with pytest.raises(MissingEvidenceError):
                make(nothing)
    else:
        assert entry.show(nothing)
        assert entry.draw(nothing)


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


def cells(lines: Sequence[str]) -> list[list[str]]:
    """The rows of a table, without its head."""
    return [[c.strip() for c in line.split("|")[1:-1]] for line in lines if "|" in line][2:]


@pytest.fixture
def no_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in (rate, selection):
        monkeypatch.setattr(entry, "baseline_line", lambda *_: "")


@pytest.mark.usefixtures("no_baselines")
def test_only_epochs_that_made_it_worse_count_as_falls() -> None:
    evidence = Evidence(
        runs={
            "cnn": ran("cnn", (0.90, 0.95, 0.93), (0.90, 0.96, 0.95)),  # falls of 2 pp and 1 pp
            "cnn-slower": ran("cnn-slower", (0.90, 0.92, 0.93), (0.90, 0.91, 0.92)),
        }
    )
    restless, calm = cells(rate.ENTRY.show(evidence))
    assert restless[-2:] == ["2 of 4", "2.00 pp"]
    assert calm[-2:] == ["0 of 4", "-"]


@pytest.mark.usefixtures("no_baselines")
def test_the_best_test_epoch_flatters_by_what_it_has_beyond_the_last() -> None:
    rising = ran("lenet-sigmoid", (0.50, 0.80), (0.40, 0.90))
    evidence = Evidence(
        runs={
            "lenet-sigmoid": rising,
            "lenet-sigmoid-max": rising,
            "cnn": ran("cnn", (0.90, 0.95, 0.93), (0.90, 0.96, 0.95), (0.90, 0.92, 0.94)),
        }
    )
    first, _, restless = cells(selection.ENTRY.show(evidence))
    assert first[1:] == ["2", "85.00%", "85.00%", "0.00 pp", "0.00 pp to 0.00 pp", "0"]
    # Best 95, 96, 94, last 93, 95, 94: 2, 1 and 0 more, 1 on average.
    assert restless[1:] == ["3", "94.00%", "95.00%", "+1.00 pp", "0.00 pp to +2.00 pp", "2"]
