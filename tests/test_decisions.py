from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from bench.claims import ledger
from bench.claims.checks import CHECKS, Estimate, Found, Measured, Sample, kinds
from bench.claims.checks.registry import (
    Check,
    Decides,
    Finding,
    Sides,
    within_estimate,
)
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
    # Logits of 0.9, 0.8 and 0.9 of very many samples are ln 9 = 2.1972, ln 4 = 1.3863 and ln 9:
    # mean 1.9269, s = 0.8109 / sqrt(3) = 0.4682; t(0.975, 2) = 4.303 by the tables. 4.303 x 0.4682
    # x sqrt(4/3) is 2.3263, so that the ends are 1 / (1 + e^0.3994) and 1 / (1 + e^-4.2532).
    interval = prediction_interval((0.9, 0.8, 0.9), 10**9)
    assert interval.low == pytest.approx(0.4015, abs=0.0001)
    assert interval.high == pytest.approx(0.9860, abs=0.0001)


def test_a_prediction_interval_of_skewed_accuracies_holds_all_and_stays_below_1() -> None:
    # Ten runs of `cnn`; an outside audit's own code, without the half answers, found 95.08% to
    # 99.31%.
    values = (0.9551, 0.9792, 0.9875, 0.9834, 0.9736, 0.975, 0.9833, 0.9878, 0.9862, 0.986)
    interval = prediction_interval(values, 10_000)
    assert interval.low == pytest.approx(0.9508, abs=0.0002)
    assert interval.high == pytest.approx(0.9931, abs=0.0002)


def test_an_accuracy_of_1_has_a_prediction_interval() -> None:
    assert prediction_interval((1.0, 0.98), 50).high == pytest.approx(1, abs=0.01)


def test_a_single_run_has_no_prediction_interval() -> None:
    with pytest.raises(ValueError, match="two"):
        prediction_interval((0.5,), 100)


TEN = tuple(0.90 + 0.01 * (i % 2) for i in range(10))
MANY = 10**9


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        (0.905, "within noise"),
        (0.9168, "within noise"),
        (0.918, "contradicted"),
        (0, "contradicted"),
    ],
)
def test_one_runs_number_is_within_noise_if_a_further_run_could_have_given_it(
    expected: float, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Logits ln 9 = 2.1972 and ln(91/9) = 2.3136: mean 2.2554, s = 0.1164 sqrt(10 * 0.25 / 9) =
    # 0.06134; t(0.975, 9) = 2.2622, sqrt(1.1) = 1.0488: 2.2554 +- 0.1455, or 0.8919 to 0.9169.
    of = claim("stochastic", verdict, expected=expected)
    found = decided(monkeypatch, of, Sample(values=TEN, samples=MANY))
    assert (found.verdict, found.drift, found.runs) == (verdict, "", 10)


def test_nine_runs_are_too_few_for_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    found = decided(
        monkeypatch,
        claim("stochastic", "within noise", expected=0.9),
        Sample(values=TEN[:9], samples=MANY),
    )
    assert found.verdict is None
    assert found.missing == "10 seeds are needed, there are 9"


@pytest.mark.parametrize("shows", [True, False])
def test_misleading_needs_its_own_check_and_keeps_what_the_numbers_say(
    shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = claim("stochastic", "misleading", expected=0.905, misleading="own")
    found = decided(
        monkeypatch,
        of,
        Sample(values=TEN, samples=MANY),
        own=Found(value=1, holds=shows, words="one class"),
    )
    if shows:
        assert (found.verdict, found.statistical, found.drift) == ("misleading", "within noise", "")
    else:
        assert found.verdict == "within noise"
        assert found.drift == "is within noise, the ledger has misleading"


def test_a_misleading_number_outside_its_interval_is_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    of = claim("stochastic", "misleading", expected=0.95, misleading="own")
    found = decided(
        monkeypatch, of, Sample(values=TEN, samples=MANY), own=Found(value=1, holds=True)
    )
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


def an_estimate(side: Sides, *, equivalent: bool = False) -> Estimate:
    return Estimate(
        name="e", value=1, low=0, high=2, n=10, unit="pp", side=side, equivalent=equivalent
    )


@pytest.mark.parametrize(
    ("estimates", "verdict"),
    [
        ([an_estimate(0, equivalent=True)], "equivalent"),
        ([an_estimate(1), an_estimate(0, equivalent=True)], "equivalent"),
        ([an_estimate(-1), an_estimate(0, equivalent=True)], "contradicted"),
    ],
)
def test_an_effect_that_is_surely_too_small_to_matter_is_equivalent_and_not_inconclusive(
    estimates: list[Estimate], verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = decided(monkeypatch, claim("measured", verdict), Measured(estimates=tuple(estimates)))
    assert (found.verdict, found.drift) == (verdict, "")


@pytest.mark.parametrize(
    ("side", "cause", "verdict"),
    [
        (1, 1, "misleading"),
        (1, 0, "reproduced"),
        (1, -1, "reproduced"),
        (0, 1, "inconclusive"),
        (-1, 1, "contradicted"),
    ],
)
def test_an_effect_misleads_where_it_is_there_and_its_second_cause_is_too(
    side: Sides, cause: Sides, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Measured(estimates=(an_estimate(cause),), words="a longer step")
    check = Check(name="own", decides="measured", run=partial(_finds, own))
    monkeypatch.setitem(CHECKS, "own", check)
    of = claim("measured", "misleading", misleading="own")
    check = Check(
        name="test",
        decides="measured",
        run=partial(_finds, Measured(estimates=(an_estimate(side),))),
    )
    monkeypatch.setitem(CHECKS, "test", check)
    found = decide(of, NOTHING)
    assert found.verdict == verdict
    assert (found.statistical == "reproduced") == (verdict == "misleading")
    assert found.causes == own.estimates


@pytest.mark.parametrize(
    ("differences", "side"),
    [
        # t(0.975, 2) = 4.303: the interval is 0 +- 4.303 x 0.01 / sqrt(3), or 0 +- 0.0248.
        ([-0.01, 0.0, 0.01], 1),
        ([-0.02, 0.0, 0.02], 0),  # 0 +- 0.0497, which the margin of 0.03 does not hold
        ([0.99, 1.0, 1.01], -1),
        ([-1.01, -1.0, -0.99], -1),
        ([0.0], 0),
    ],
)
def test_a_difference_is_within_a_margin_if_its_whole_interval_is(
    differences: list[float], side: Sides
) -> None:
    assert within_estimate("d", differences, 0.03, "loss").side == side


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
    assert len(WITHOUT_TRAINING) == 26


@pytest.mark.parametrize("of", WITHOUT_TRAINING, ids=lambda claim: claim.id)
def test_a_claim_without_training_is_as_the_ledger_has_it_and_another_value_is_noticed(
    of: Claim,
) -> None:
    found = decide(of, NOTHING)
    assert (found.verdict, found.drift) == (of.verdict, "")
    other = replace(of, expected=changed(of.expected))
    assert json.dumps(other.expected) != json.dumps(of.expected)
    assert decide(other, NOTHING).drift
