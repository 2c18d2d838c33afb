from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench import ledger
from bench.checks import kinds
from bench.evidence import Evidence, MissingEvidenceError
from bench.findings import ENTRIES, Entry
from bench.findings.sums import column_metric
from bench.ledger import LEDGER


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
