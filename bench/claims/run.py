"""A ledger decided: what it needs, what of that is there or is made, each claim's decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.claims.checks import CHECKS, Check, kinds
from bench.claims.checks.registry import spec_of
from bench.claims.collect import Supply, supply
from bench.claims.document_errors import ERRORS, DocumentError
from bench.claims.evidence import Evidence, Probe, read
from bench.claims.judge import Decision, decide
from bench.claims.ledger import Claim, is_own, load
from bench.claims.probes import probes
from bench.claims.trials import Trial, as_documented, trials
from bench.cli.progress import Progress
from bench.records.errors import RequestError
from bench.records.store import Store


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is to be decided, and what that needs.

    Attributes:
        claims: The ledger's claims.
        errors: The documents' errors, which belong to the project's own ledger alone.
        trials: What has to be trained.
        probes: What has to be measured.
    """

    claims: tuple[Claim, ...]
    errors: tuple[DocumentError, ...]
    trials: tuple[Trial, ...]
    probes: tuple[Probe, ...]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A ledger with a decision for each of its claims.

    Attributes:
        decisions: One for every claim.
        errors: The documents' errors to show.
        evidence: What the decisions and errors rest on.
        obstacles: Why something could not be trained or measured.
        failures: What failed.
    """

    decisions: tuple[Decision, ...]
    errors: tuple[DocumentError, ...]
    evidence: Evidence
    obstacles: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """The claims that lack something."""
        return tuple(decision for decision in self.decisions if decision.verdict is None)

    @property
    def drifting(self) -> tuple[Decision, ...]:
        """The claims that are decided, and not as the ledger has them."""
        return tuple(decision for decision in self.decisions if decision.drift)

    @property
    def agrees(self) -> bool:
        """Whether every claim is decided as the ledger has it, and nothing failed."""
        return not (self.undecided or self.drifting or self.failures)


def run(
    path: Path,
    folder: Path,
    *,
    data_root: Path,
    side_by_side: int,
    shown: Progress,
) -> Judgement:
    """Decides a ledger from a report's records, after adding to them what they lack.

    Args:
        path: The ledger.
        folder: The report's folder.
        data_root: The folder above `MNIST/raw`.
        side_by_side: How many cells to train at a time; 0 trains and measures nothing.
        shown: Shows the training.

    Raises:
        RequestError: The ledger or a claim cannot be used.
    """
    scope = scope_of(load(path, kinds()), errors=ERRORS if is_own(path) else ())
    store = Store(folder)
    added = Supply(obstacles=("nothing was trained or measured in this run",), failures=())
    if side_by_side:
        added = supply(
            store,
            scope.trials,
            scope.probes,
            data_root=data_root,
            side_by_side=side_by_side,
            shown=shown,
        )
    evidence = read(store.read(), scope.trials, scope.probes)
    return Judgement(
        decisions=tuple(decide(claim, evidence) for claim in scope.claims),
        errors=scope.errors,
        evidence=evidence,
        obstacles=added.obstacles,
        failures=added.failures,
    )


def scope_of(claims: Sequence[Claim], *, errors: Sequence[DocumentError] = ()) -> Scope:
    """What deciding claims and showing errors needs.

    Raises:
        RequestError: A claim is about a network that the zoo does not have, or that its check
            cannot judge.
    """
    known = trials()
    wanted: dict[str, Trial] = {}
    probe_names: set[str] = set()
    for claim in claims:
        for name in filter(None, (claim.check, claim.misleading)):
            check = CHECKS[name]
            if check.model != "nothing":
                spec = spec_of(claim)
            if check.model == "trained":
                if not spec.has_recipe:
                    raise RequestError(
                        f"claim '{claim.id}': '{check.name}' needs the recipe that '{spec.name}' "
                        "is trained by, and it has none; give it one"
                    )
                trial = known.get(spec.name) or as_documented(spec)
                _require_dataset(claim, check, trial)
                wanted[trial.name] = trial
            wanted |= {name: known[name] for name in check.trials}
            probe_names |= set(check.probes)
    for error in errors:
        wanted |= {name: known[name] for name in error.trials}
        probe_names |= set(error.probes)
    needed = tuple(probe for probe in probes() if probe.name in probe_names)
    for probe in needed:
        if probe.trial is not None:
            wanted.setdefault(probe.trial, known[probe.trial])
    return Scope(
        claims=tuple(claims),
        errors=tuple(errors),
        trials=tuple(wanted.values()),
        probes=needed,
    )


def _require_dataset(claim: Claim, check: Check, trial: Trial) -> None:
    if check.dataset not in (None, trial.dataset):
        raise RequestError(
            f"claim '{claim.id}': '{check.name}' is about networks that train on "
            f"'{check.dataset}', and '{trial.name}' trains on '{trial.dataset}'; leave it out or "
            "choose another check"
        )
