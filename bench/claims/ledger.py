"""The ledger: what documents claim, one entry a claim, read strictly from a TOML file.

An entry says what is claimed and where, what the suite expects to find, which check decides it, and
the verdict that the check had when the entry was last agreed on. A run whose verdict is another
one, or that finds another value, has drifted from its ledger.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from bench.records.errors import RequestError

Kind = Literal["exact", "stochastic", "measured", "requirement"]
Verdict = Literal[
    "reproduced", "contradicted", "within noise", "inconclusive", "misleading", "not testable"
]
LEDGER = Path(__file__).with_name("claims.toml")

POSSIBLE: dict[Kind, tuple[Verdict, ...]] = {
    "exact": ("reproduced", "contradicted", "not testable"),
    "stochastic": ("within noise", "contradicted", "misleading", "not testable"),
    "measured": ("reproduced", "contradicted", "inconclusive", "not testable"),
    "requirement": ("reproduced", "contradicted", "not testable"),
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One thing that a document says.

    Attributes:
        id: `document/name`, unique in a ledger.
        document: Id of the document.
        place: Where in the document.
        claim: What it says, in the ledger's words.
        kind: `exact` (a count, a shape, a formula), `stochastic` (one training run's number),
            `measured` (a statement about an effect, speed or memory), `requirement` (what the
            document sets out to do and the suite has to).
        verdict: What its check is known to come to.
        check: Name of the check that decides it; None only for what is not testable.
        expected: What the check is expected to find; for a stochastic claim the document's number.
            Measured claims have none: their check knows the direction.
        unit: Of the expected value.
        model: Registry name of the network that a general check is about.
        misleading: Name of the check that must hold for the verdict `misleading`.
        lesson: What a student should learn from it.
        reason: Why it is not testable.
    """

    id: str
    document: str
    place: str
    claim: str
    kind: Kind
    verdict: Verdict
    check: str | None = None
    expected: Any = None
    unit: str = ""
    model: str | None = None
    misleading: str | None = None
    lesson: str = ""
    reason: str = ""


def is_own(path: Path) -> bool:
    """Whether a ledger is the one that comes with the suite, by whatever path."""
    return path.resolve() == LEDGER.resolve()


def load(path: Path, checks: Mapping[str, str]) -> tuple[Claim, ...]:
    """The claims of a ledger, in its order.

    Args:
        path: A TOML file with a table `[[claim]]` for each claim.
        checks: The kind of claim that each known check decides; `exact` ones decide requirements,
            too.

    Raises:
        RequestError: The file cannot be read; an entry has an unknown or lacks a needed field, an
            id that is there twice, or a verdict that its kind does not have; nothing decides it.
    """
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"the ledger '{path}' cannot be read: {error}") from error
    unknown = sorted(set(content) - {"claim"})
    entries = content.get("claim")
    if unknown or not isinstance(entries, list) or not entries:
        what = f"has '{unknown[0]}' at its top" if unknown else "has no [[claim]]"
        raise RequestError(f"the ledger '{path}' {what}; it is made of [[claim]] tables alone")
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(entries, start=1):
        claim = _claim(entry, f"claim {number} ('{entry.get('id', 'without id')}') in '{path}'")
        if claim.id in claims:
            raise RequestError(f"the id '{claim.id}' is there twice in '{path}'; ids are unique")
        _validate(claim, checks, f"claim '{claim.id}' in '{path}'")
        claims[claim.id] = claim
    return tuple(claims.values())


def _claim(entry: Mapping[str, Any], where: str) -> Claim:
    known = {field.name: field for field in fields(Claim)}
    unknown = [name for name in entry if name not in known]
    if unknown:
        raise RequestError(
            f"{where} has an unknown field '{unknown[0]}'; known: {', '.join(known)}"
        )
    missing = [
        name for name, field in known.items() if field.default is MISSING and name not in entry
    ]
    if missing:
        raise RequestError(f"{where} lacks the field '{missing[0]}'")
    for name, value in entry.items():
        if name != "expected" and not (isinstance(value, str) and value.strip()):
            raise RequestError(f"{where} has {name} = {value!r}; it is a text that is not empty")
    if entry["kind"] not in get_args(Kind):
        raise RequestError(
            f"{where} has the unknown kind '{entry['kind']}'; choose from "
            f"{', '.join(get_args(Kind))}"
        )
    return Claim(**entry)


def _validate(claim: Claim, checks: Mapping[str, str], where: str) -> None:
    possible = POSSIBLE[claim.kind]
    if claim.verdict not in possible:
        raise RequestError(
            f"{where} has the verdict '{claim.verdict}'; {claim.kind} claims are "
            f"{', '.join(possible)}"
        )
    if claim.verdict == "not testable":
        if not claim.reason or claim.check:
            raise RequestError(f"{where} is not testable: it needs a reason, and no check")
        return
    if claim.check is None:
        raise RequestError(
            f"{where} is decided by nothing; give it a check, or say that it is not testable"
        )
    for check, kind in ((claim.check, claim.kind), (claim.misleading, "exact")):
        if check is not None:
            _validate_check(check, "exact" if kind == "requirement" else kind, checks, where)
    if claim.kind != "measured" and claim.expected is None:
        raise RequestError(f"{where} lacks the field 'expected': what its check has to find")
    if claim.kind == "stochastic" and not isinstance(claim.expected, int | float):
        raise RequestError(f"{where} expects {claim.expected!r}; a stochastic claim is a number")
    if (claim.verdict == "misleading") != (claim.misleading is not None):
        raise RequestError(
            f"{where}: the verdict 'misleading' and the field 'misleading', which names the check "
            "that shows it, go together"
        )


def _validate_check(check: str, kind: str, checks: Mapping[str, str], where: str) -> None:
    fitting = sorted(name for name, decides in checks.items() if decides == kind)
    if check not in fitting:
        raise RequestError(
            f"{where} names the check '{check}', which decides no {kind} claims; those are: "
            f"{', '.join(fitting)}"
        )
