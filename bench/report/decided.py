"""The documents' claims that a run's own networks decide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zoo
from bench.claims import ledger
from bench.claims.checks import CHECKS, kinds
from bench.claims.evidence import Evidence
from bench.claims.judge import decide, needs_nothing
from bench.claims.ledger import LEDGER, Claim
from bench.claims.tables import claims_table
from bench.claims.trials import DEVICE, as_documented
from bench.results.runs import Results, Runs
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class DecidedView:
    """The claims that are about networks of a run.

    Attributes:
        table: A row for each.
        missing: By claim that is not decided, what it lacks.
    """

    table: str
    missing: dict[str, str]


def decided(results: Results) -> str:
    """The claims that are about networks of this run, where the run says something about them."""
    claims = ledger.load(LEDGER, kinds())
    evidence = _evidence(results)
    decisions = [
        decide(claim, evidence) for claim in claims if _is_decided(claim, results, evidence)
    ]
    if not decisions:
        return ""
    return render(
        Path(__file__).parent,
        "decided",
        DecidedView(
            table="\n".join(claims_table(decisions)),
            missing={d.claim.id: d.missing for d in decisions if d.verdict is None},
        ),
    )


def _evidence(results: Results) -> Evidence:
    """The run's networks as trials; those that were not trained as their documents do are none."""
    request = results.request
    runs: dict[str, Runs] = {}
    for model in request.ran if request.recipe == "document" else ():
        found = results.get(model, DEVICE)
        if found is None:
            continue
        trial = as_documented(zoo.get(model))
        epochs = request.recipes[model].epochs
        if request.dataset == trial.dataset and epochs == trial.recipe.epochs:
            runs[model] = found
    return Evidence(runs=runs)


def _is_decided(claim: Claim, results: Results, evidence: Evidence) -> bool:
    if claim.check is None:
        return False
    check = CHECKS[claim.check]
    if needs_nothing(claim):
        return claim.model in results.request.ran
    return not check.probes and set(check.trials_for(claim)) <= set(evidence.runs)
