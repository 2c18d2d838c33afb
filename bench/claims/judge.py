"""Decisions: each claim against its evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from bench.claims.checks import CHECKS, Estimate, Found, Measured, Sample
from bench.claims.evidence import Evidence, MissingEvidenceError
from bench.claims.ledger import Claim, Verdict
from bench.statistics.basics import Interval, Summary, student_quantile, summarise

FEWEST_RUNS = 10  # for the verdict on one run's number


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A claim's verdict, and what it rests on.

    Attributes:
        claim: The claim.
        verdict: The verdict; None while something needed is missing.
        found: What an exact check has found.
        values: A stochastic claim's quantity, once for every seed.
        interval: Where one more run would lie, in 95% of cases.
        estimates: What a measured claim's check has found.
        causes: What the check of its second cause has found.
        statistical: Of a misleading claim, what the numbers alone would say.
        words: One line: how it was decided.
        missing: What is needed before it can be decided; empty if nothing.
        drift: How it departs from the ledger; empty if it does not.
    """

    claim: Claim
    verdict: Verdict | None
    found: object = None
    values: tuple[float, ...] = ()
    interval: Interval | None = None
    estimates: tuple[Estimate, ...] = ()
    causes: tuple[Estimate, ...] = ()
    statistical: Verdict | None = None
    words: str = ""
    missing: str = ""
    drift: str = ""

    @property
    def summary(self) -> Summary | None:
        """Of a stochastic claim's quantity over seeds; None where there is none."""
        return summarise(list(self.values)) if self.values else None

    @property
    def runs(self) -> int | None:
        """How many runs, or rounds, what varies was measured in; None where nothing varies."""
        if self.values:
            return len(self.values)
        return min((estimate.n for estimate in self.estimates if estimate.n > 1), default=None)


def decide(claim: Claim, evidence: Evidence) -> Decision:
    """The decision of one claim."""
    if claim.check is None:
        return Decision(claim=claim, verdict="not testable", words=claim.reason)
    try:
        finding = CHECKS[claim.check].run(claim, evidence)
        if isinstance(finding, Found):
            return decide_exact(claim, finding)
        if isinstance(finding, Sample):
            return _stochastic(claim, finding, evidence)
        return _measured(claim, finding, evidence)
    except MissingEvidenceError as error:
        return Decision(claim=claim, verdict=None, missing=str(error))


def needs_nothing(claim: Claim) -> bool:
    """Whether a claim is decided without training, data set or measuring."""
    return claim.check is None or CHECKS[claim.check].needs_nothing


def prediction_interval(values: tuple[float, ...], samples: int) -> Interval:
    """Where one more run's accuracy lies in 95% of cases.

    mean +- t(0.975, n - 1) s sqrt(1 + 1/n) (Hahn and Meeker, Statistical Intervals, 1991, section
    4.7) of the logits, because accuracies near 1 are skewed, and an interval of theirs goes past 1.
    Half an answer is added on both sides (Cox 1970, The Analysis of Binary Data, section 3.2), so
    that an accuracy of 1 has a logit, too.

    Args:
        values: Accuracies, 0..1.
        samples: How many test samples each is of.

    Raises:
        ValueError: There are fewer than two values.
    """
    rights = np.array(values) * samples
    summary = summarise(list(special.logit((rights + 0.5) / (samples + 1))))
    if summary.std is None:
        raise ValueError("one run has no spread; a prediction interval needs two")
    n = summary.n
    half = float(student_quantile(n - 1)) * summary.std * (1 + 1 / n) ** 0.5
    ends = special.expit(np.array([summary.mean - half, summary.mean + half]))
    low, high = np.clip(((samples + 1) * ends - 0.5) / samples, 0, 1)
    return Interval(low=float(low), high=float(high))


def decide_exact(claim: Claim, finding: Found) -> Decision:
    """The decision of a claim from what its exact check has found."""
    as_expected = finding.value == claim.expected
    holds = as_expected if finding.holds is None else finding.holds
    verdict: Verdict = "reproduced" if holds else "contradicted"
    drift = _drift(claim, verdict)
    if not as_expected and not (finding.holds is None and claim.verdict == "contradicted"):
        drift = f"found {finding.value}, the ledger expects {claim.expected}"
    return Decision(
        claim=claim, verdict=verdict, found=finding.value, words=finding.words, drift=drift
    )


def _stochastic(claim: Claim, sample: Sample, evidence: Evidence) -> Decision:
    if len(sample.values) < FEWEST_RUNS:
        raise MissingEvidenceError(
            f"{FEWEST_RUNS} seeds are needed, there are {len(sample.values)}"
        )
    interval = prediction_interval(sample.values, sample.samples)
    inside = interval.low <= claim.expected <= interval.high
    statistical: Verdict = "within noise" if inside else "contradicted"
    verdict, words = statistical, sample.words
    if claim.misleading is not None:
        found = CHECKS[claim.misleading].run(claim, evidence)
        assert isinstance(found, Found)  # the ledger lets no other check stand there
        words = f"{words}; {found.words}"
        if found.holds:
            verdict = "misleading"
    drift = _drift(claim, verdict)
    if verdict == "misleading" and not inside:
        drift = f"expected {claim.expected}, which lies outside {interval.low} to {interval.high}"
    return Decision(
        claim=claim,
        verdict=verdict,
        values=sample.values,
        interval=interval,
        statistical=statistical if verdict == "misleading" else None,
        words=words,
        drift=drift,
    )


def _measured(claim: Claim, finding: Measured, evidence: Evidence) -> Decision:
    statistical = verdict = _verdict(finding)
    words = finding.words
    causes: tuple[Estimate, ...] = ()
    if claim.misleading is not None:
        found = CHECKS[claim.misleading].run(claim, evidence)
        assert isinstance(found, Measured)  # the ledger lets no other check stand there
        words, causes = f"{words}; {found.words}", found.estimates
        if verdict == "reproduced" and _verdict(found) == "reproduced":
            verdict = "misleading"
    return Decision(
        claim=claim,
        verdict=verdict,
        estimates=finding.estimates,
        causes=causes,
        statistical=statistical if verdict == "misleading" else None,
        words=words,
        drift=_drift(claim, verdict),
    )


def _verdict(finding: Measured) -> Verdict:
    """Reproduced if all that is asserted is so; not if one of it is the opposite, or no effect."""
    sides = [estimate.side for estimate in finding.estimates]
    if min(sides) > 0:
        return "reproduced"
    if min(sides) < 0:
        return "contradicted"
    if any(estimate.equivalent for estimate in finding.estimates):
        return "equivalent"
    return "inconclusive"


def _drift(claim: Claim, verdict: Verdict) -> str:
    if verdict == claim.verdict:
        return ""
    return f"is {verdict}, the ledger has {claim.verdict}"
