from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from bench.claims import ledger
from bench.claims.checks import CHECKS, Estimate, Found, Measured, Sample, kinds
from bench.claims.checks.registry import Check, Decides, Finding, Sides
from bench.claims.evidence import Evidence, MissingEvidenceError
from bench.claims.judge import Decision, decide, needs_nothing, prediction_interval
from bench.claims.ledger import LEDGER, Claim, Kind, Verdict

NOTHING = Evidence(runs={})


def claim(kind: Kind, verdict: Verdict, **fields: Any) -> Claim:
    return Claim(
        id="doc/x",
        document="doc",
        place="page 1",
        claim="Something.",
        kind=kind,
        verdict=verdict,
        check="test",
        **fields,
    )


def _finds(finding: Finding, _claim: Claim, _evidence: Evidence) -> Finding:
    return finding


def decided(
    monkeypatch: pytest.MonkeyPatch, of: Claim, finding: Finding, **others: Finding
) -> Decision:
    """The decision of a claim whose check has found this."""
    for name, found in {"test": finding, **others}.items():
        kind: Decides = "exact" if of.kind == "requirement" or others else of.kind
        check = Check(name=name, decides=kind, run=partial(_finds, found))
        monkeypatch.setitem(CHECKS, name, check)
    return decide(of, NOTHING)


def test_a_prediction_interval_is_that_of_pencil_and_table() -> None:
    # Mean 250.5 / 5 = 50.10; squared deviations 1.69 + 0.36 + 1.96 + 0.64 + 2.25 = 6.90, so that
    # s = sqrt(6.90 / 4) = 1.3134; t(0.975, 4) = 2.776 by the tables; 2.776 x 1.3134 x sqrt(1.2) is
    # 3.994.
    values = (51.4, 49.5, 48.7, 49.3, 51.6)
    interval = prediction_interval(values)
    assert interval.low == pytest.approx(50.10 - 3.994, abs=0.001)
    assert interval.high == pytest.approx(50.10 + 3.994, abs=0.001)


def test_a_single_run_has_no_prediction_interval() -> None:
    with pytest.raises(ValueError, match="two"):
        prediction_interval((0.5,))


TEN = tuple(0.90 + 0.01 * (i % 2) for i in range(10))  # mean 0.905, s = 0.00527, reach 0.0125


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        (0.905, "within noise"),
        (0.917, "within noise"),
        (0.918, "contradicted"),
        (0, "contradicted"),
    ],
)
def test_one_runs_number_is_within_noise_if_a_further_run_could_have_given_it(
    expected: float, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    # t(0.975, 9) = 2.2622, s = 0.01 sqrt(10 * 0.25 / 9) = 0.0052705, sqrt(1.1) = 1.0488:
    # 0.905 +- 0.012505.
    of = claim("stochastic", verdict, expected=expected)
    found = decided(monkeypatch, of, Sample(values=TEN))
    assert (found.verdict, found.drift, found.runs) == (verdict, "", 10)


def test_nine_runs_are_too_few_for_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    found = decided(
        monkeypatch, claim("stochastic", "within noise", expected=0.9), Sample(values=TEN[:9])
    )
    assert found.verdict is None
    assert found.missing == "10 seeds are needed, there are 9"


@pytest.mark.parametrize("shows", [True, False])
def test_misleading_needs_its_own_check_and_keeps_what_the_numbers_say(
    shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = claim("stochastic", "misleading", expected=0.905, misleading="own")
    found = decided(
        monkeypatch, of, Sample(values=TEN), own=Found(value=1, holds=shows, words="one class")
    )
    if shows:
        assert (found.verdict, found.statistical, found.drift) == ("misleading", "within noise", "")
    else:
        assert found.verdict == "within noise"
        assert found.drift == "is within noise, the ledger has misleading"


def test_a_misleading_number_outside_its_interval_is_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    of = claim("stochastic", "misleading", expected=0.95, misleading="own")
    found = decided(monkeypatch, of, Sample(values=TEN), own=Found(value=1, holds=True))
    assert found.drift.startswith("expected 0.95, which lies outside 0.89")


@pytest.mark.parametrize(
    ("holds", "value", "recorded", "verdict", "drifts"),
    [
        (None, 12, "reproduced", "reproduced", False),
        (None, 13, "reproduced", "contradicted", True),
        (None, 13, "contradicted", "contradicted", False),  # the document's own wrong number
        (None, 12, "contradicted", "reproduced", True),
        (True, 12, "reproduced", "reproduced", False),
        (True, 13, "reproduced", "reproduced", True),  # holds, but another value than agreed on
        (False, 12, "contradicted", "contradicted", False),
        (False, 13, "contradicted", "contradicted", True),
        (False, 12, "reproduced", "contradicted", True),
    ],
)
def test_an_exact_claim_drifts_when_its_verdict_or_its_value_does(
    holds: bool | None,
    value: int,
    recorded: Verdict,
    verdict: Verdict,
    drifts: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = claim("exact", recorded, expected=12)
    found = decided(monkeypatch, of, Found(value=value, holds=holds))
    assert found.verdict == verdict
    assert bool(found.drift) == drifts


@pytest.mark.parametrize(
    ("sides", "verdict"),
    [
        ((1, 1), "reproduced"),
        ((1, 0), "inconclusive"),
        ((0, 0), "inconclusive"),
        ((1, -1), "contradicted"),
        ((0, -1), "contradicted"),
    ],
)
def test_a_measured_claim_is_reproduced_if_all_that_it_asserts_is(
    sides: tuple[Sides, ...], verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimates = tuple(
        Estimate(name=str(i), value=1.0, low=0.0, high=2.0, n=10 + i, unit="pp", side=side)
        for i, side in enumerate(sides)
    )
    # What is counted once has no spread, and is not what the number of runs is about.
    counted = Estimate(name="c", value=1, low=None, high=None, n=1, unit="times", side=sides[0])
    estimates = (*estimates, counted)
    found = decided(monkeypatch, claim("measured", verdict), Measured(estimates=estimates))
    assert (found.verdict, found.drift, found.runs) == (verdict, "", 10)


def test_missing_evidence_leaves_a_claim_open_and_is_no_drift(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_claim: Claim, _evidence: Evidence) -> Finding:
        raise MissingEvidenceError("dnn has not been trained")

    check = Check(name="test", decides="exact", trials=("dnn",), run=missing)
    monkeypatch.setitem(CHECKS, "test", check)
    found = decide(claim("exact", "reproduced", expected=1), NOTHING)
    assert (found.verdict, found.missing, found.drift) == (None, "dnn has not been trained", "")


def test_what_is_not_testable_says_why() -> None:
    of = replace(claim("measured", "not testable", reason="beauty has no unit"), check=None)
    found = decide(of, NOTHING)
    assert (found.verdict, found.words, found.drift) == ("not testable", "beauty has no unit", "")


ALL = ledger.load(LEDGER, kinds())
WITHOUT_TRAINING = [claim for claim in ALL if needs_nothing(claim)]


def changed(value: Any) -> Any:
    """The same kind of value, with one thing in it another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value[:-1], changed(value[-1])]
    first = next(iter(value))
    return {**value, first: changed(value[first])}


def test_the_claims_without_training_are_the_exact_ones_but_those_about_mnist_itself() -> None:
    exact = {claim.id for claim in ALL if claim.kind == "exact"}
    about_mnist = {"dnn-cnn/mnist-statistics", "dnn-cnn/standard-normal", "net-mnist/sizes"}
    assert {claim.id for claim in WITHOUT_TRAINING} == exact - about_mnist
    assert len(WITHOUT_TRAINING) == 25


@pytest.mark.parametrize("of", WITHOUT_TRAINING, ids=lambda claim: claim.id)
def test_a_claim_without_training_is_as_the_ledger_has_it_and_another_value_is_noticed(
    of: Claim,
) -> None:
    found = decide(of, NOTHING)
    assert (found.verdict, found.drift) == (of.verdict, "")
    other = replace(of, expected=changed(of.expected))
    assert json.dumps(other.expected) != json.dumps(of.expected)
    assert decide(other, NOTHING).drift
