"""What was found of a claim, as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from bench.claims.checks import Estimate
from bench.claims.judge import Decision
from bench.writing.markdown import ledger_value, percent, percent_range


def found(decision: Decision) -> str:
    """What was found, in the words of its ledger; empty where nothing is decided."""
    if decision.verdict is None or decision.claim.check is None:
        return ""
    if decision.interval is not None:
        return _one_more_run(decision)
    if decision.estimates:
        values = [amount(estimate) for estimate in decision.estimates]
        names = [estimate.name for estimate in decision.estimates]
        plain = "; ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        return _filled(decision.claim.found, *values) or f"{plain}."
    return _exact(decision)


def amount(estimate: Estimate) -> str:
    """An effect with its unit and interval: `+1.16 points [+0.28, +1.78]`."""
    ends = (estimate.low, estimate.high)
    factor, form, unit = {
        "pp": (100, "{:+.2f}", " points"),
        "times": (1, "{:.2f}", " times"),
        "loss": (1, "{:+.4f}", ""),
    }[estimate.unit]
    low, high = (None if end is None else form.format(factor * end) for end in ends)
    interval = "" if low is None or high is None else f" [{low}, {high}]"
    return form.format(factor * estimate.value) + unit + interval


def _one_more_run(decision: Decision) -> str:
    assert decision.interval is not None
    assert decision.summary is not None
    between = percent_range(decision.interval.low, decision.interval.high)
    return (
        f"{len(decision.values)} runs get {percent(decision.summary.mean)} on average. 95% of "
        f"further runs get {between}; any number in there would have passed."
    )


def _exact(decision: Decision) -> str:
    value, claim = decision.found, decision.claim
    # A list of shapes is one thing, a list of numbers is many.
    values: list[object] = [value]
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        values = value
    named = value if isinstance(value, Mapping) else {}
    sentence = _filled(
        claim.found,
        *map(ledger_value, values),
        **{name: ledger_value(item) for name, item in named.items()},
    )
    return sentence or f"{ledger_value(value)}{f' ({claim.unit})' if claim.unit else ''}"


def _filled(sentence: str, *values: str, **named: str) -> str:
    """The sentence with its places filled; empty where it has others than there are values."""
    try:
        return sentence.format(*values, **named)
    except (LookupError, ValueError):
        return ""
