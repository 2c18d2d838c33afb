from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.claims.checks import CHECKS, kinds
from bench.claims.ledger import LEDGER, Claim, Kind, load
from bench.records.errors import RequestError

CHECK_KINDS: dict[str, Kind] = {
    "counts": "exact",
    "one class": "exact",
    "accuracy": "stochastic",
    "effect": "measured",
}
GOOD = """
[[claim]]
id = "doc/count"
document = "doc"
place = "page 1"
claim = "It has 12 parameters."
kind = "exact"
check = "counts"
expected = 12
verdict = "reproduced"

[[claim]]
id = "doc/accuracy"
document = "doc"
place = "page 2"
claim = "It reaches 90%."
kind = "stochastic"
check = "accuracy"
expected = 0.9
verdict = "misleading"
misleading = "one class"

[[claim]]
id = "doc/taste"
document = "doc"
place = "page 3"
claim = "It is beautiful."
kind = "measured"
verdict = "not testable"
reason = "beauty has no unit"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(text: str) -> Path:
        path = tmp_path / "ledger.toml"
        path.write_text(text)
        return path

    return writer


def test_claims_come_in_the_order_of_the_file_with_their_fields(write: Write) -> None:
    first, second, third = load(write(GOOD), CHECK_KINDS)
    assert first == Claim(
        id="doc/count",
        document="doc",
        place="page 1",
        claim="It has 12 parameters.",
        kind="exact",
        check="counts",
        expected=12,
        verdict="reproduced",
    )
    assert (second.expected, second.misleading) == (0.9, "one class")
    assert (third.check, third.reason) == (None, "beauty has no unit")


WRONG = {
    "an unknown field": (
        'place = "page 1"',
        'plaec = "page 1"',
        "unknown field `plaec`; its fields are: id, document, place",
    ),
    "a doubled id": ('"doc/accuracy"', '"doc/count"', "'doc/count' is there twice"),
    "a claim that nothing decides": ('check = "counts"', "", "decided by nothing"),
    "an unknown check": ('"counts"', '"conuts"', "'conuts', which decides no exact claims"),
    "a check of another kind": ('"counts"', '"effect"', "'effect', which decides no exact claims"),
    "an unknown kind": (
        'kind = "exact"',
        'kind = "vague"',
        "kind = 'vague'; choose from exact, stochastic",
    ),
    "a verdict of another kind": ('"reproduced"', '"within noise"', "exact claims are reproduced"),
    "no expected value": ("expected = 12", "", "lacks the field 'expected'"),
    "no place": ('place = "page 1"', "", "missing required field `place`"),
    "an empty text": ('place = "page 1"', 'place = " "', "a text that is not empty"),
    "a number where a text belongs": ('place = "page 1"', "place = 1", "a text that is not empty"),
    "a stochastic claim that is no number": ("expected = 0.9", 'expected = "high"', "is a number"),
    "misleading without a check of its own": ('misleading = "one class"', "", "go together"),
    "a check of misleading without the verdict": (
        '"misleading"\n',
        '"contradicted"\n',
        "together",
    ),
    "a misleading check that is not exact": ('"one class"', '"effect"', "decides no exact claims"),
    "not testable without a reason": ('reason = "beauty has no unit"', "", "needs a reason"),
    "not testable with a check": ('reason = "b', 'check = "effect"\nreason = "b', "and no check"),
    "an unknown verdict": ('"reproduced"', '"proven"', "verdict = 'proven'; choose from"),
    "no TOML": ("[[claim]]\nid", "[[claim\nid", "cannot be read"),
    "something at the top": (
        "\n[[claim]]",
        'title = "x"\n[[claim]]',
        "tables alone: Object contains unknown field `title`",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_ledger_is_refused_and_the_message_names_what(case: str, write: Write) -> None:
    old, new, message = WRONG[case]
    assert old in GOOD
    with pytest.raises(RequestError, match=r"\S") as caught:
        load(write(GOOD.replace(old, new, 1)), CHECK_KINDS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "claim = 3", "claim = [3]", "claim = []"])
def test_a_ledger_without_claims_is_refused(text: str, write: Write) -> None:
    with pytest.raises(RequestError, match=r"is not made of \[\[claim\]\] tables alone"):
        load(write(text), CHECK_KINDS)


def test_a_missing_ledger_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        load(tmp_path / "nowhere.toml", CHECK_KINDS)


# Every row of the digest's table "Claims that can be checked".
IDS = """
bp-cnn/bp-parameters bp-cnn/cnn-smaller bp-cnn/shapes bp-cnn/softmax bp-cnn/cross-entropy
bp-cnn/updates dnn-cnn/table-3-1 dnn-cnn/sums-split dnn-cnn/sums-accuracy dnn-cnn/reload
dnn-cnn/linear-collapse dnn-cnn/batches dnn-cnn/no-single-sample dnn-cnn/mnist-statistics
dnn-cnn/standard-normal dnn-cnn/conv-size dnn-cnn/dnn-accuracy dnn-cnn/lenet5-shapes
dnn-cnn/cnn-accuracy dnn-cnn/cnn-beats-dnn dnn-cnn/cross-entropy-includes-softmax net-mnist/320
net-mnist/sizes net-mnist/resume net-mnist/resume-done-right net-mnist/learns
net-mnist/sharing-cuts-parameters net-mnist/sharing-cuts-work
net-mnist/dropout net-mnist/momentum net-mnist/no-grad net-mnist/no-grad-memory
lenet-sigmoid/shapes lenet-sigmoid/similar-size lenet-sigmoid/pooling lenet-sigmoid/scheduler
lenet-relu/shapes lenet-relu/steps lenet-relu/c5-as-linear lenet-relu/activation-helps
lenet-relu/relu-fast-sparse
"""
CONTRADICTED = {
    *("bp-cnn/cross-entropy", "dnn-cnn/no-single-sample", "dnn-cnn/standard-normal"),
    *("net-mnist/resume", "lenet-sigmoid/similar-size", "net-mnist/sharing-cuts-work"),
}
MISLEADING = {"dnn-cnn/sums-accuracy", "net-mnist/momentum", "net-mnist/dropout"}


def test_the_documents_ledger_has_every_claim_and_a_lesson_where_one_does_not_hold() -> None:
    claims = load(LEDGER, kinds())
    assert [claim.id for claim in claims] == IDS.split()
    for claim in claims:
        assert claim.id.startswith(f"{claim.document}/")
        if claim.verdict in ("contradicted", "misleading"):
            assert claim.lesson
        if claim.kind == "measured":
            assert claim.second_cause
    verdicts = {claim.id: claim.verdict for claim in claims}
    assert all(verdicts[claim] == "contradicted" for claim in CONTRADICTED)
    assert all(verdicts[claim] == "misleading" for claim in MISLEADING)


def test_every_check_of_the_project_decides_some_claim() -> None:
    entries = tomllib.loads(LEDGER.read_text())["claim"]
    used = {entry["check"] for entry in entries} | {e.get("misleading") for e in entries}
    # General checks, for ledgers of the users' own.
    assert set(CHECKS) - used == {"parameters", "macs"}
