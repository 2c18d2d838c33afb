"""The difference of two runs as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.diff.changes import Change, breaches
from bench.diff.sides import Side, recipe_changes
from bench.writing.markdown import decimal, integer, milliseconds, percent, plural, points, table

_LABELS = {
    "test_accuracy": "test accuracy",
    "train_samples_per_second": "training, samples/s",
    "inference_samples_per_second": "inference, samples/s",
    "latency_p50_seconds": "latency p50, ms",
    "peak_memory_bytes": "peak memory, MiB",
    "parameters": "parameters",
    "macs": "multiply-accumulates",
}
_MEBIBYTE = 2**20

_READING = (
    "`better`, `worse`, `faster` and `slower` stand only where the interval leaves zero out, "
    "`inconclusive` where it does not. The intervals of one metric hold all together with 95% "
    "confidence (Bonferroni).",
    "Accuracy: paired over the seeds that both runs have and over the test samples; the interval "
    "is the widest of those for other seeds, for other samples and for both. Where the test "
    "samples are not the same, it is Student's over seeds alone. `identical`: the same weights for "
    "every seed. `no interval`: one seed, or the same difference for all, which shows no spread to "
    "judge by.",
    "Throughput: geometric means over blocks, Welch's interval of the difference of the "
    "logarithms. **The two runs were made one after the other, not interleaved: `faster` and "
    "`slower`, and their thresholds, rest on the machine having been equally fast for both.** "
    "Drift between the runs counts as a difference here, and drift within a run makes the interval "
    "too narrow. Networks measured in one run are compared free of drift.",
    "Latency: the difference of two medians; the records hold no samples to make an interval of, "
    "so it carries no verdict. Memory, parameters and multiply-accumulates are counted and have "
    "no doubt.",
)


def render(
    a: Side,
    b: Side,
    changes: Sequence[Change],
    *,
    unfair: Sequence[str],
    thresholds: Mapping[str, float],
) -> str:
    """The markdown of a difference, B minus A.

    Args:
        a: One run.
        b: The other.
        changes: What differs.
        unfair: Why the comparison is unfair, if it is; stands in the first line.
        thresholds: By name, the fractions that a metric may get worse by.
    """
    warning = f"> **Unfair comparison, made with --anyway:** {'; '.join(unfair)}."
    lines = [
        *([warning, ""] if unfair else []),
        f"# {b.name} minus {a.name}",
        "",
        *(f"- {letter}: {side.name}, {_run(side)}" for letter, side in (("A", a), ("B", b))),
        *(f"- recipes differ, {line}" for line in recipe_changes(a, b)),
        *(f"- not compared: {line}" for line in _left_out(a, b)),
        "",
        *table(
            ["network", "on", "metric", "A >", "B >", "B - A >", "interval", "verdict", "from"],
            [_row(change) for change in changes],
        ),
        "",
        *(line for paragraph in (*_common_drift(changes), *_READING) for line in (paragraph, "")),
        *(_thresholds(changes, thresholds) if thresholds else []),
    ]
    return "\n".join(lines).strip() + "\n"


def _run(side: Side) -> str:
    request = side.results.request
    return (
        f"{request['dataset']}, {request['recipe']} recipe, "
        f"{plural(len(request['seeds']), 'seed')}, commit {side.environment.commit}"
    )


def _common_drift(changes: Sequence[Change]) -> list[str]:
    """A warning where all throughputs moved the same way, as they do with the machine."""
    moved = [change for change in changes if change.metric.threshold == "throughput"]
    verdicts = {change.verdict for change in moved}
    if len(moved) < 2 or len(verdicts) > 1 or not verdicts.issubset(moved[0].metric.words):
        return []
    least, most = sorted((change.change for change in moved), key=abs)[:: len(moved) - 1]
    return [
        f"> All {len(moved)} throughputs moved the same way, by {100 * least:+.1f}% to "
        f"{100 * most:+.1f}%: this is what another speed of the machine itself looks like."
    ]


def _left_out(a: Side, b: Side) -> list[str]:
    lines = []
    for letter, side, other in (("A", a, b), ("B", b, a)):
        alone = [place for place in side.places if place not in other.places]
        lines += [f"{model} on {device}, in {letter} alone" for model, device in alone]
        lines += [f"{failure} (failed in {letter})" for failure in side.results.failures]
    seeds, others = (set(side.results.request["seeds"]) for side in (a, b))
    if odd := sorted(seeds ^ others):
        listed = ", ".join(map(str, odd))
        lines.append(f"seeds that only one of the runs has: {listed}")
    return lines


def _row(change: Change) -> list[str]:
    return [
        f"`{change.model}`",
        change.device,
        _LABELS[change.metric.name],
        _value(change, change.a),
        _value(change, change.b),
        _change(change, change.change),
        _interval(change),
        change.verdict,
        change.basis,
    ]


def _value(change: Change, value: float) -> str:
    match change.metric.name:
        case "test_accuracy":
            return percent(value)
        case "latency_p50_seconds":
            return milliseconds(value)
        case "peak_memory_bytes":
            return decimal(value / _MEBIBYTE, 2)
    return integer(value)


def _change(change: Change, fraction: float) -> str:
    return points(fraction) if change.metric.unit == "pp" else f"{100 * fraction:+.2f}%"


def _interval(change: Change) -> str:
    if change.low is None or change.high is None:
        return "-"
    if change.low == change.high:
        return "exact"
    return f"{_change(change, change.low)} to {_change(change, change.high)}"


def _thresholds(changes: Sequence[Change], thresholds: Mapping[str, float]) -> list[str]:
    """What was asked of every metric, how far that could be told, and what broke it."""
    lines = ["## Thresholds", ""]
    for name, threshold in thresholds.items():
        checked = [change for change in changes if change.metric.threshold == name]
        unsure = sum(change.low is None and change.change != 0 for change in checked)
        broken = breaches(checked, thresholds)
        unit = "pp" if any(change.metric.unit == "pp" for change in checked) else "%"
        lines.append(
            f"- {name}, {100 * threshold:g} {unit}: {plural(len(checked), 'change')} checked, "
            f"{len(broken)} worse by more beyond doubt (the whole interval is), "
            f"{unsure} without an interval"
        )
        lines += [
            f"  - **FAILED**: `{change.model}` on {change.device}, {_LABELS[change.metric.name]}: "
            f"{_change(change, change.change)}, {_interval(change)}"
            for change in broken
        ]
    return lines
