"""Claims: one row each, the evidence behind the rows, and what to learn from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from bench.claims.checks import Effect
from bench.claims.judge import Decision
from bench.claims.ledger import Verdict
from bench.writing.markdown import decimal, percent, percent_range, plural, table
from bench.writing.style import BLUE, GREY, RED

NOT_DECIDED = "not decided here"
ACCURACY = "accuracy"  # the unit that is printed in percent


def summary(decisions: Sequence[Decision]) -> str:
    """How many claims came to which verdict, in one sentence."""
    counted = Counter(decision.verdict for decision in decisions)
    parts = [
        f"{counted[verdict]} {verdict}" for verdict in get_args(Verdict) if counted.get(verdict)
    ]
    if counted.get(None):
        parts.append(f"{counted[None]} {NOT_DECIDED}")
    documents = len({decision.claim.document for decision in decisions})
    return (
        f"**{plural(len(decisions), 'claim')} of {plural(documents, 'document')}: "
        f"{', '.join(parts)}.**"
    )


def claims_table(decisions: Sequence[Decision]) -> list[str]:
    """One row per claim, its id and verdict in the row."""
    return table(
        ("claim", "what the document says", "kind", "found", "runs >", "verdict"),
        [
            [
                f"`{decision.claim.id}`",
                decision.claim.claim,
                decision.claim.kind,
                _found(decision),
                "" if decision.runs is None else str(decision.runs),
                _verdict(decision),
            ]
            for decision in decisions
        ],
    )


def lessons(decisions: Sequence[Decision]) -> list[str]:
    """What is contradicted or misleading, explained; then what else is worth taking away."""
    against = [d for d in decisions if d.verdict in ("contradicted", "misleading")]
    others = [d for d in decisions if d not in against and d.verdict and d.claim.lesson]
    lines = ["## What does not hold, and what to learn from it"]
    for decision in against:
        lines += ["", *_entry(decision)]
    if not against:
        lines += ["", "Nothing that was decided here is contradicted or misleading."]
    if others:
        lines += ["", "## What holds, and what to learn from it", ""]
        lines += [f"- `{d.claim.id}` ({d.verdict}): {d.claim.lesson}" for d in others]
    return lines


def _entry(decision: Decision) -> list[str]:
    claim = decision.claim
    beside = f" (by the numbers alone: {decision.statistical})" if decision.statistical else ""
    return [
        f"### `{claim.id}`: {decision.verdict}",
        "",
        f"*{claim.document}, {claim.place}:* {claim.claim}",
        "",
        f"*Found:* {_found(decision)}; {decision.words}.{beside}",
        *(["", claim.lesson] if claim.lesson else []),
    ]


def stochastic(decisions: Sequence[Decision], figure: str | None) -> list[str]:
    """One run's numbers against the spread of many."""
    decided = [decision for decision in decisions if decision.interval is not None]
    if not decided:
        return []
    rows = []
    for decision in decided:
        assert decision.interval is not None
        values = decision.values
        rows.append(
            [
                f"`{decision.claim.id}`",
                _quantity(decision.claim.expected, decision.claim.unit),
                _quantity(float(np.mean(values)), decision.claim.unit),
                _quantity(float(np.std(values, ddof=1)), decision.claim.unit),
                _interval(decision),
                str(len(values)),
                decision.statistical or str(decision.verdict),
            ]
        )
    return [
        "## One run's numbers",
        "",
        "A document prints what one run gave. Another run gives another number; the question is "
        "whether the printed one could have come from this network under this recipe.",
        "",
        *table(
            (
                *("claim", "the document's run >", "mean >", "standard deviation >"),
                *("where one more run lies, 95% >", "seeds >", "by the numbers"),
            ),
            rows,
        ),
        *([] if figure is None else ["", figure]),
    ]


def measured(decisions: Sequence[Decision]) -> list[str]:
    """The effects behind measured claims."""
    rows = [
        [
            f"`{decision.claim.id}`",
            effect.name,
            _effect(effect.value, effect),
            "-"
            if effect.low is None or effect.high is None
            else f"[{_effect(effect.low, effect)}, {_effect(effect.high, effect)}]",
            str(effect.n),
            {1: "as claimed", 0: "cannot be told", -1: "the opposite"}[effect.side],
        ]
        for decision in decisions
        for effect in decision.effects
    ]
    if not rows:
        return []
    words = [f"- `{d.claim.id}`: {d.words}." for d in decisions if d.effects]
    return [
        "## Effects, measured",
        "",
        *table(("claim", "effect", "found >", "95% interval >", "n >", "that is"), rows),
        "",
        *words,
        "",
        "Networks are paired by seed. An effect on accuracy must hold for other seeds, for other "
        "test samples, and for both at once, and its interval is the widest of the three; an "
        "effect on losses has Student's interval over seeds; a speed must differ by more than the "
        "measured noise of both sides, with Wilcoxon's interval over interleaved rounds. A claim "
        "is reproduced if all of its effects are as claimed. Every claim is judged at the 5% level "
        "on its own.",
    ]


def left(decisions: Sequence[Decision], obstacles: Sequence[str]) -> list[str]:
    """How many claims could not be decided here, and why."""
    missing = [decision for decision in decisions if decision.verdict is None]
    if not missing:
        return []
    why = "; ".join(obstacles) or "not all has been trained or measured"
    return [
        f"> **{plural(len(missing), 'claim')} left.** They need training or measuring: {why}. In "
        f"the tables they are marked *{NOT_DECIDED}*.",
        "",
    ]


def drifted(decisions: Sequence[Decision]) -> list[str]:
    """Where a verdict or a value is not what the ledger has."""
    drifting = [decision for decision in decisions if decision.drift]
    if not drifting:
        return []
    return [
        "> **The ledger does not agree.** "
        + "; ".join(f"`{d.claim.id}`: {d.drift}" for d in drifting)
        + ".",
        "",
    ]


def draw_stochastic(decisions: Sequence[Decision]) -> Figure | None:
    """Every seed of the stochastic claims, where one more run would lie, and the document's run."""
    decided = [decision for decision in decisions if decision.interval is not None]
    if not decided:
        return None
    figure = Figure(figsize=(8, 1.25 * len(decided)))
    panels = np.atleast_1d(figure.subplots(len(decided), 1))
    for axes, decision in zip(panels, decided, strict=True):
        assert decision.interval is not None
        low, high = decision.interval.low, decision.interval.high
        axes.axvspan(low, high, color=GREY, alpha=0.18, label="95% of further runs")
        axes.plot(
            decision.values, [0] * len(decision.values), "o", color=BLUE, alpha=0.45, label="a seed"
        )
        axes.plot(decision.claim.expected, 0, "D", color=RED, label="the document")
        axes.set_yticks([])
        axes.set_ylim(-1, 1)
        axes.set_title(decision.claim.id, fontsize=9, loc="left")
        if decision.claim.unit == ACCURACY:
            axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=1))
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=3, loc="upper right")
    return figure


def _verdict(decision: Decision) -> str:
    if decision.verdict is None:
        return f"*{NOT_DECIDED}*"
    if decision.statistical is not None:
        return f"**{decision.verdict}** ({decision.statistical})"
    return f"**{decision.verdict}**"


def _found(decision: Decision) -> str:
    if decision.interval is not None:
        return (
            f"{_quantity(float(np.mean(decision.values)), decision.claim.unit)} on average; "
            f"one more run: {_interval(decision)}"
        )
    if decision.effects:
        return "; ".join(
            f"{effect.name}: {_effect(effect.value, effect)}" for effect in decision.effects
        )
    if decision.verdict is None or decision.claim.check is None:
        return ""
    unit = decision.claim.unit
    return f"{_value(decision.found)} ({unit})" if unit else _value(decision.found)


def _interval(decision: Decision) -> str:
    """Where one more run lies."""
    assert decision.interval is not None
    low, high = decision.interval.low, decision.interval.high
    if decision.claim.unit == ACCURACY:
        return percent_range(low, high)
    return f"{_quantity(low, decision.claim.unit)} to {_quantity(high, decision.claim.unit)}"


def _quantity(value: float, unit: str) -> str:
    """A stochastic quantity; accuracies in percent."""
    return percent(value) if unit == ACCURACY else decimal(value, 4)


def _effect(value: float, effect: Effect) -> str:
    if effect.unit == "pp":
        return f"{100 * value:+.2f} pp"
    if effect.unit == "times":
        return f"{value:.2f} times"
    return f"{value:+.4f} {effect.unit}"


def _value(value: Any) -> str:
    """A value of a ledger as a reader likes it: thousands apart, shapes as 6x28x28."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_value(item)}" for name, item in value.items())
    if isinstance(value, list):
        if value and all(isinstance(item, list) for item in value):
            return ", ".join(_shape(item) for item in value)
        return ", ".join(_value(item) for item in value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _shape(items: list[Any]) -> str:
    sizes = all(isinstance(item, int) and item < 1_000 for item in items)
    return "x".join(map(str, items)) if sizes else "(" + ", ".join(_value(i) for i in items) + ")"
