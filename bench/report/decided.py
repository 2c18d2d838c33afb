"""The documents' claims that a run's own networks decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cells.processes import ProcessEndedError
from bench.cells.side_by_side import Guard, run_all
from bench.claims import ledger
from bench.claims.checks import CHECKS, Found, kinds
from bench.claims.evidence import Evidence
from bench.claims.judge import Decision, decide, decide_exact, needs_nothing
from bench.claims.ledger import LEDGER, Claim
from bench.claims.trials import DEVICE, as_documented
from bench.records.code import code_sha256
from bench.records.kinds import FINDING, Finding
from bench.records.store import experiment_key
from bench.report.layers import known
from bench.results.runs import Results, Runs
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class DecidedView:
    """The claims that are about networks of a run.

    Attributes:
        decisions: One for each.
        missing: By claim that is not decided, what it lacks.
    """

    decisions: tuple[Decision, ...]
    missing: dict[str, str]


def decided(results: Results) -> str:
    """The claims that are about networks of this run, where the run says something about them."""
    found = tuple(decisions(results))
    if not found:
        return ""
    return render(
        Path(__file__).parent,
        "decided",
        DecidedView(
            decisions=found,
            missing={d.claim.id: d.missing for d in found if d.verdict is None},
        ),
    )


def findings(results: Results) -> Iterator[Finding]:
    """What exact checks find of the run's networks and its records do not hold yet.

    What could not be found is left to the report, where `decisions` tries it in this process.
    """
    known = {finding.key for finding in results.findings.values()}
    for claim in ledger.load(LEDGER, kinds()):
        if claim.check is None or not _needs_nothing(claim, results):
            continue
        check = CHECKS[claim.check]
        subject = {"claim": claim.id, "code": code_sha256(check.run)}
        key = experiment_key(FINDING, results.request.key, **subject)
        if key in known:
            continue
        found = _found_elsewhere(claim) if check.optimises else _found(claim)
        if found is not None:
            yield Finding(
                key=key,
                experiment=FINDING,
                run=results.request.key,
                claim=claim.id,
                value=found.value,
                holds=found.holds,
                words=found.words,
            )


def _found_elsewhere(claim: Claim) -> Found | None:
    """What the check finds in a process that has loaded torch's compiler; None if that ended.

    In this process, loading it takes seconds.
    """
    ((_, found),) = run_all(_found, [claim], 1, guard=Guard(always=True))
    return None if isinstance(found, ProcessEndedError) else found


def _found(claim: Claim) -> Found:
    assert claim.check is not None
    found = CHECKS[claim.check].run(claim, Evidence(runs={}))
    assert isinstance(found, Found)  # no other check needs nothing
    return found


def decisions(results: Results) -> Iterator[Decision]:
    """The claims about networks of this run, as far as the run says something about them."""
    evidence = _evidence(results)
    for claim in ledger.load(LEDGER, kinds()):
        found = results.findings.get(claim.id)
        if found is not None:
            what = Found(value=found.value, holds=found.holds, words=found.words)
            yield decide_exact(claim, what)
        elif _needs_nothing(claim, results) or _is_trained(claim, evidence):
            yield decide(claim, evidence)


def printed_accuracies(results: Results) -> dict[str, tuple[float, bool]]:
    """By network, the accuracy that its document prints, and whether one more run could give it.

    Of those that the run has decided.
    """
    return {
        str(decision.claim.model): (
            float(decision.claim.expected),
            decision.verdict == "within noise",
        )
        for decision in decisions(results)
        if decision.claim.check == "accuracy" and decision.verdict
    }


def _evidence(results: Results) -> Evidence:
    """The run's networks as trials; those that were not trained as their documents do are none."""
    request = results.request
    runs: dict[str, Runs] = {}
    for spec in known(request.ran) if request.recipe == "document" else ():
        found = results.get(spec.name, DEVICE)
        if found is None:
            continue
        trial = as_documented(spec)
        epochs = request.recipes[spec.name].epochs
        if request.dataset == trial.dataset and epochs == trial.recipe.epochs:
            runs[spec.name] = found
    return Evidence(runs=runs)


def _needs_nothing(claim: Claim, results: Results) -> bool:
    """Whether a claim about a network of the run is decided without training."""
    return claim.model in results.request.ran and claim.check is not None and needs_nothing(claim)


def _is_trained(claim: Claim, evidence: Evidence) -> bool:
    """Whether the run has trained all that decides a claim."""
    if claim.check is None or needs_nothing(claim) or CHECKS[claim.check].probes:
        return False
    return set(CHECKS[claim.check].trials_for(claim)) <= set(evidence.runs)
