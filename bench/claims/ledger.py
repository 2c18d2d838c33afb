"""The ledger: what documents claim, one entry a claim, read strictly from a TOML file.

An entry says what is claimed and where, what the suite expects to find, which check decides it, and
the verdict that the check had when the entry was last agreed on. A run whose verdict is another
one, or that finds another value, has drifted from its ledger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from bench.records.errors import RequestError

Kind = Literal["exact", "stochastic", "measured", "requirement"]
Verdict = Literal[
    "contradicted",
    "misleading",
    "equivalent",
    "inconclusive",
    "within noise",
    "reproduced",
    "not testable",
]
LEDGER = Path(__file__).with_name("claims.toml")

POSSIBLE: dict[Kind, tuple[Verdict, ...]] = {
    "exact": ("reproduced", "contradicted", "not testable"),
    "stochastic": ("within noise", "contradicted", "misleading", "not testable"),
    "measured": (
        "reproduced",
        "contradicted",
        "equivalent",
        "inconclusive",
        "misleading",
        "not testable",
    ),
    "requirement": ("reproduced", "contradicted", "not testable"),
}
Text = Annotated[str, Meta(pattern=r"\S")]


class Claim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
        found: What the check finds as a sentence, with places as of `str.format`: `{0}`, `{1}` for
            what a list has or for a measured claim's effects, `{name}` for what a table has.
        model: Registry name of the network that a general check is about.
        misleading: Name of the check that must hold for the verdict `misleading`: that what is
            claimed has another cause, or means something else than it seems to.
        second_cause: Of a measured claim: what else could have made the effect, and what was done
            to tell.
        lesson: What a student should learn from it.
        reason: Why it is not testable.
    """

    id: Text
    document: Text
    place: Text
    claim: Text
    kind: Kind
    verdict: Verdict
    check: Text | None = None
    expected: Any = None
    unit: Text = ""
    found: str = ""
    model: Text | None = None
    misleading: Text | None = None
    second_cause: str = ""
    lesson: Text = ""
    reason: Text = ""


class _Ledger(Struct, forbid_unknown_fields=True):
    claim: Annotated[list[dict[str, Any]], Meta(min_length=1)]


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
        ledger = msgspec.toml.decode(path.read_bytes(), type=_Ledger)
    except msgspec.ValidationError as error:
        raise RequestError(
            f"the ledger '{path}' is not made of [[claim]] tables alone: {error}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:  # numbers and tables without an end, too
        raise RequestError(f"the ledger '{path}' cannot be read: {error}") from error
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(ledger.claim, start=1):
        claim = _claim(entry, f"claim {number} ('{entry.get('id', 'without id')}') in '{path}'")
        if claim.id in claims:
            raise RequestError(f"the id '{claim.id}' is there twice in '{path}'; ids are unique")
        _validate(claim, checks, f"claim '{claim.id}' in '{path}'")
        claims[claim.id] = claim
    return tuple(claims.values())


def _claim(entry: Mapping[str, Any], where: str) -> Claim:
    try:
        return msgspec.convert(entry, Claim)
    except msgspec.ValidationError as error:
        field = re.search(r"`\$\.(\w+)`", str(error))
        if field is None:  # one is unknown or missing
            known = ", ".join(Claim.__struct_fields__)
            raise RequestError(f"{where}: {error}; its fields are: {known}") from error
        name = field[1]
        valid = {"kind": get_args(Kind), "verdict": get_args(Verdict)}.get(name)
        raise RequestError(
            f"{where} has {name} = {entry[name]!r}; "
            + (f"choose from {', '.join(valid)}" if valid else "it is a text that is not empty")
        ) from error


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
    kind = "exact" if claim.kind == "requirement" else claim.kind
    _validate_check(claim.check, kind, checks, where)
    if claim.misleading is not None:
        kind = "measured" if claim.kind == "measured" else "exact"
        _validate_check(claim.misleading, kind, checks, where)
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
