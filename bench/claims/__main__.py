"""`python -m bench.claims`: every claim of the teaching documents, decided.

Trains and measures what the ledger needs and does not have yet, decides each claim, and writes
`report.md` and `claims.csv`. Where MNIST cannot be had, or with `--no-training`, it decides what
needs no training, takes the rest from the records of the report if there are any, and says what is
left.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import cpu_count

import zoo
from bench.claims import ledger
from bench.claims.checks import CHECKS, kinds
from bench.claims.collect import Supply, supply
from bench.claims.document_errors import ENTRIES, Entry
from bench.claims.evidence import Probe, read
from bench.claims.judge import Decision, decide_all
from bench.claims.ledger import LEDGER, Claim
from bench.claims.page import Findings, write
from bench.claims.probes import probes
from bench.claims.trials import Trial, as_documented, trials
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_reports, command
from bench.cli.progress import Progress
from bench.records.errors import RequestError, require_one
from bench.records.store import Store

EXIT_DRIFTED = 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is to be decided, and what that needs.

    Attributes:
        claims: The ledger's claims.
        entries: The documents' errors, which belong to the project's own ledger alone.
        trials: What has to be trained.
        probes: What has to be found out.
    """

    claims: tuple[Claim, ...]
    entries: tuple[Entry, ...]
    trials: tuple[Trial, ...]
    probes: tuple[Probe, ...]


@command("bench.claims")
def main(arguments: list[str] | None) -> int:
    """Decides the claims.

    Returns:
        0 if all verdicts are those of the ledger, 1 if one is not or something failed, 2 if the
        request was wrong.
    """
    parser = Parser("bench.claims", __doc__)
    add = parser.add_argument
    add("--claims", type=Path, default=LEDGER, help="a ledger of your own (the documents')")
    add("--zoo", type=Path, help="a Python file that registers networks of your own")
    add("--no-training", action="store_true", help="decide from what is recorded already")
    add("--jobs", type=int, default=cpu_count(), help="cells at a time (one per core)")
    add("--name", help="name of the report (claims; local-claims for a ledger of your own)")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    require_one("--jobs", options.jobs)
    if options.zoo is not None:
        _add_networks(options.zoo)
    own = options.claims != LEDGER
    question = ask(ledger.load(options.claims, kinds()), entries=() if own else ENTRIES)
    folder = options.reports / (options.name or ("local-claims" if own else "claims"))
    shown = progress.choose(quiet=False)
    try:
        found = answer(
            question,
            folder,
            data_root=options.data_root,
            side_by_side=0 if options.no_training else options.jobs,
            shown=shown,
        )
    finally:
        shown.close()
    write(found, folder)
    _say(found)
    print(folder / "report.md")
    return EXIT_DRIFTED if found.failures or any(d.drift for d in found.decisions) else 0


def ask(claims: Sequence[Claim], *, entries: Sequence[Entry] = ()) -> Question:
    """What deciding claims and showing entries needs.

    Raises:
        RequestError: A claim needs a trial of a network that the zoo does not have.
    """
    known = trials()
    wanted: dict[str, Trial] = {}
    probe_names: set[str] = set()
    for claim in claims:
        for name in (claim.check, claim.misleading):
            if name is None:
                continue
            if CHECKS[name].of_model and claim.model is None:
                raise RequestError(f"claim '{claim.id}' needs the field 'model' for '{name}'")
            for trial in CHECKS[name].trials_for(claim):
                wanted[trial] = known.get(trial) or _documented(claim)
            probe_names |= set(CHECKS[name].probes)
    for entry in entries:
        wanted |= {name: known[name] for name in entry.trials}
        probe_names |= set(entry.probes)
    needed = tuple(probe for probe in probes() if probe.name in probe_names)
    for probe in needed:
        if "trial" in probe.subject:
            wanted.setdefault(probe.subject["trial"], known[probe.subject["trial"]])
    return Question(
        claims=tuple(claims),
        entries=tuple(entries),
        trials=tuple(wanted.values()),
        probes=needed,
    )


def answer(
    question: Question, folder: Path, *, data_root: Path, side_by_side: int, shown: Progress
) -> Findings:
    """Decides a question from a report's records, after adding to them what they lack.

    Args:
        question: What to decide.
        folder: The report's folder.
        data_root: The folder above `MNIST/raw`.
        side_by_side: How many cells to train at a time; 0 trains and measures nothing.
        shown: Shows the training.
    """
    store = Store(folder)
    added = Supply(obstacles=("nothing was trained or measured in this run",), failures=())
    if side_by_side:
        added = supply(
            store,
            question.trials,
            question.probes,
            data_root=data_root,
            side_by_side=side_by_side,
            shown=shown,
        )
    evidence = read(store.read(), question.trials, question.probes)
    return Findings(
        decisions=decide_all(question.claims, evidence),
        entries=question.entries,
        evidence=evidence,
        obstacles=added.obstacles,
        failures=added.failures,
    )


def _documented(claim: Claim) -> Trial:
    assert claim.model is not None
    try:
        return as_documented(zoo.get(claim.model))
    except zoo.UnknownModelError as error:
        raise RequestError(f"claim '{claim.id}': {error}") from error


def _add_networks(path: Path) -> None:
    try:
        zoo.add(path)
    except zoo.ExtensionError as error:
        raise RequestError(str(error)) from error


def _say(found: Findings) -> None:
    for decision in found.decisions:
        if decision.drift:
            print(f"differs: {decision.claim.id}: {decision.drift}", file=sys.stderr)
    for failure in found.failures:
        print(f"failed: {failure}", file=sys.stderr)
    undecided = [decision for decision in found.decisions if decision.verdict is None]
    for obstacle in found.obstacles if undecided else ():
        print(f"note: {obstacle}")
    for decision in undecided:
        print(f"left: {decision.claim.id}: {decision.missing}")
    print(_counted(found.decisions))


def _counted(decisions: Sequence[Decision]) -> str:
    agreeing = sum(d.verdict is not None and not d.drift for d in decisions)
    return f"{agreeing} of {len(decisions)} claims decided as the ledger has them"


if __name__ == "__main__":
    raise SystemExit(main())
