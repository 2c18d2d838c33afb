"""`python -m bench.claims`: every claim of the teaching documents, decided.

Trains and measures what the ledger needs and does not have yet, decides each claim, and writes
`report.md` and `claims.csv`. Where MNIST cannot be had, or with `--no-training`, it decides what
needs no training, takes the rest from the records of the report if there are any, and says what is
undecided. Exits with 1 where a claim is undecided or not as the ledger has it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cells.own import add_networks
from bench.claims.ledger import LEDGER, is_own
from bench.cli import progress
from bench.cli.parser import Parser, add_data_root, add_jobs, add_reports, add_zoo, command
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.owner import CLAIMS, require_own, validate_folder
from bench.records.text import one_line

if TYPE_CHECKING:
    from bench.claims.run import Judgement

EXIT_DISAGREES = 1


@command("bench.claims")
def main(arguments: list[str] | None) -> int:
    """Decides the claims.

    Returns:
        0 if every claim is decided as the ledger has it, 1 if one is not or something failed, 2 if
        the request was wrong.
    """
    parser = Parser("bench.claims", __doc__)
    add = parser.add_argument
    add("--claims", type=Path, default=LEDGER, help="a ledger of your own (the documents')")
    add_zoo(parser)
    add("--no-training", action="store_true", help="decide from what is recorded already")
    add_jobs(parser)
    add("--name", help="name of the report (claims; local-claims for a ledger of your own)")
    add_reports(parser)
    add_data_root(parser)
    options = parser.parse_args(arguments)
    folder = _folder(options.name, options.claims, options.reports)
    if not options.claims.is_file():
        raise RequestError(f"the ledger '{options.claims}' cannot be read: there is no such file")
    add_networks(options.zoo)

    from bench.cells import machine
    from bench.claims.page import write
    from bench.claims.run import run

    shown = progress.choose(quiet=False)
    with writing_alone(folder):
        try:
            judgement = run(
                options.claims,
                folder,
                data_root=options.data_root,
                side_by_side=0 if options.no_training else options.jobs or machine.cores(),
                shown=shown,
            )
        finally:
            shown.close()
        write(judgement, folder)
    _say(judgement)
    print(folder / "report.md")
    return 0 if judgement.agrees else EXIT_DISAGREES


def _folder(name: str | None, ledger: Path, reports: Path) -> Path:
    """Where the report goes.

    Raises:
        RequestError: It cannot go there, or another command's records are there.
    """
    if name is None:
        name = "claims" if is_own(ledger) else "local-claims"
    folder = validate_folder(name, reports)
    require_own(folder, CLAIMS)
    return folder


def _say(judgement: Judgement) -> None:
    for decision in judgement.drifting:
        print(one_line(f"differs: {decision.claim.id}: {decision.drift}"), file=sys.stderr)
    for failure in judgement.failures:
        print(one_line(f"failed: {failure}"), file=sys.stderr)
    for obstacle in judgement.obstacles if judgement.undecided else ():
        print(one_line(f"note: {obstacle}"))
    for decision in judgement.undecided:
        print(one_line(f"undecided: {decision.claim.id}: {decision.missing}"))
    decided = len(judgement.decisions) - len(judgement.undecided) - len(judgement.drifting)
    print(f"{decided} of {len(judgement.decisions)} claims decided as the ledger has them")


if __name__ == "__main__":
    raise SystemExit(main())
