"""What a check is, what it may find, and the checks by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import zoo
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.records.errors import RequestError
from bench.statistics.accuracy import Comparison
from bench.statistics.basics import summarise
from zoo import ModelSpec

Sides = Literal[-1, 0, 1]
SIDES: dict[str, Sides] = {"better": 1, "faster": 1, "worse": -1, "slower": -1}  # else 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an exact check has found.

    Attributes:
        value: In TOML's types, so that it compares with what the ledger expects.
        holds: Whether what the document says is so; None where that is the same question as
            whether the value is the expected one.
        words: One line for the reader.
    """

    value: Any
    holds: bool | None = None
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a stochastic check has found: the accuracy that a document prints, once for every seed.

    Attributes:
        values: One fraction a run.
        samples: How many test samples each is a fraction of.
        words: One line for the reader.
    """

    values: tuple[float, ...]
    samples: int
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One measured difference or ratio with its 95% interval.

    Attributes:
        name: What is compared with what.
        value: The estimate.
        low: Lower end of the interval; None where there is none.
        high: Its upper end.
        n: Number of runs or rounds behind it.
        unit: `pp` (a difference of fractions), `times` (a ratio) or `loss` (a difference).
        side: 1 if it is as claimed, -1 if it is the opposite, 0 if neither can be said.
        equivalent: Whether there surely is no difference that matters.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    unit: str
    side: Sides
    equivalent: bool = False


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a check of a measured claim, or of its second cause, has found.

    Attributes:
        estimates: All that the claim asserts; it is reproduced if every one is as claimed.
        words: One line for the reader.
    """

    estimates: tuple[Estimate, ...]
    words: str = ""


def paired_estimate(name: str, differences: list[float], unit: str) -> Estimate:
    """The effect of paired runs by Student's interval; claimed to be above zero."""
    summary = summarise(differences)
    low, high = summary.low, summary.high
    side: Sides = 0
    if low is not None and high is not None:
        side = 1 if low > 0 else -1 if high < 0 else 0
    return Estimate(
        name=name, value=summary.mean, low=low, high=high, n=summary.n, unit=unit, side=side
    )


def within_estimate(name: str, differences: list[float], margin: float, unit: str) -> Estimate:
    """The effect of paired runs by Student's interval; claimed to be no larger than a margin."""
    found = paired_estimate(name, differences, unit)
    if found.low is None or found.high is None:
        return replace(found, side=0)
    side: Sides = 0
    if -margin < found.low and found.high < margin:
        side = 1
    elif found.low > margin or found.high < -margin:
        side = -1
    return replace(found, side=side)


def accuracy_estimate(comparison: Comparison) -> Estimate:
    """The effect of a comparison of accuracies, which holds for other seeds and other samples."""
    widest = comparison.widest
    return Estimate(
        name=comparison.name,
        value=comparison.difference,
        low=widest.low if widest else None,
        high=widest.high if widest else None,
        n=comparison.n_seeds,
        unit="pp",
        side=SIDES.get(comparison.verdict, 0),
        equivalent=comparison.verdict == "equivalent",
    )


Finding = Found | Sample | Measured
Decides = Literal["exact", "stochastic", "measured"]
OfModel = Literal["nothing", "built", "trained"]
Function = Callable[[Claim, Evidence], Finding]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A way to decide claims.

    Attributes:
        name: What ledgers know it by.
        decides: The kind of claims that it decides; an exact one decides requirements, too.
        trials: The trials that it needs.
        probes: The probes that it needs.
        model: What it needs of the claim's model: nothing, the network as it is built, or the trial
            that trains it as documented.
        dataset: What that trial must train on; None takes any.
        optimises: Whether it makes an optimiser, with the first of which torch loads its compiler.
        run: The check.
    """

    name: str
    decides: Decides
    trials: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    model: OfModel = "nothing"
    dataset: str | None = None
    optimises: bool = False
    run: Function

    @property
    def needs_nothing(self) -> bool:
        """Whether it needs no training, no data set and no measuring."""
        return not (self.trials or self.probes or self.model == "trained")

    def trials_for(self, claim: Claim) -> tuple[str, ...]:
        """The trials that it needs for a claim."""
        own = (claim.model,) if self.model == "trained" and claim.model else ()
        return (*self.trials, *own)


CHECKS: dict[str, Check] = {}


def spec_of(claim: Claim) -> ModelSpec:
    """The zoo's entry that a claim is about.

    Raises:
        RequestError: The claim names none that the zoo has.
    """
    if claim.model is None:
        raise RequestError(f"claim '{claim.id}' needs the field 'model' for '{claim.check}'")
    try:
        return zoo.get(claim.model)
    except zoo.UnknownModelError as error:
        raise RequestError(f"claim '{claim.id}': {error}") from error


def kinds() -> dict[str, Decides]:
    """The kind of claim that each check decides."""
    return {name: check.decides for name, check in CHECKS.items()}


def check(
    name: str,
    decides: Decides = "exact",
    *,
    trials: tuple[str, ...] = (),
    probes: tuple[str, ...] = (),
    model: OfModel = "nothing",
    dataset: str | None = None,
    optimises: bool = False,
) -> Callable[[Function], Function]:
    """Registers a function as the check of this name.

    Raises:
        ValueError: There is one of this name already.
    """

    def register(function: Function) -> Function:
        if name in CHECKS:
            raise ValueError(f"there is a check '{name}' already; choose another name")
        CHECKS[name] = Check(
            name=name,
            decides=decides,
            trials=trials,
            probes=probes,
            model=model,
            dataset=dataset,
            optimises=optimises,
            run=function,
        )
        return function

    return register
