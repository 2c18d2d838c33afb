"""The documents' claims that a run's own networks decide."""

from __future__ import annotations

import zoo
from bench.claims import ledger
from bench.claims.checks import CHECKS, kinds
from bench.claims.evidence import Evidence
from bench.claims.judge import Decision, decide, needs_nothing
from bench.claims.ledger import LEDGER, Claim
from bench.claims.tables import claims_table
from bench.claims.trials import DEVICE, as_documented
from bench.results.runs import Results, Runs


def decided(results: Results) -> list[str]:
    """The claims that are about networks of this run, where the run says something about them."""
    claims = ledger.load(LEDGER, kinds())
    evidence = _evidence(results)
    decisions = [
        decide(claim, evidence) for claim in claims if _is_decided(claim, results, evidence)
    ]
    if not decisions:
        return []
    return [
        "## Claims of the documents that this run decides",
        "",
        *claims_table(decisions),
        "",
        *_too_few(decisions),
        "All claims, with what to learn from them: `reports/claims/report.md`, made by "
        "`python -m bench.claims`.",
    ]


def _too_few(decisions: list[Decision]) -> list[str]:
    missing = [decision for decision in decisions if decision.verdict is None]
    return [
        *(f"`{decision.claim.id}` is left open: {decision.missing}." for decision in missing),
        *([""] if missing else []),
    ]


def _evidence(results: Results) -> Evidence:
    """The run's networks as trials; those that were not trained as their documents do are none."""
    request = results.request
    runs: dict[str, Runs] = {}
    for model in request["ran"] if request["recipe"] == "document" else ():
        found = results.get(model, DEVICE)
        if found is None:
            continue
        trial = as_documented(zoo.get(model))
        epochs = request["recipes"][model]["epochs"]
        if request["dataset"] == trial.dataset and epochs == trial.recipe.epochs:
            runs[model] = found
    return Evidence(runs=runs)


def _is_decided(claim: Claim, results: Results, evidence: Evidence) -> bool:
    if claim.check is None:
        return False
    check = CHECKS[claim.check]
    if needs_nothing(claim):
        return claim.model in results.request["ran"]
    return not check.probes and set(check.trials_for(claim)) <= set(evidence.runs)
