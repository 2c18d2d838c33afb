"""How far two instruments agree on speed: this suite's own and pytest-benchmark."""

from __future__ import annotations

from bench.sections.formats import integer, table
from bench.tables import NO_SPEED, Results, Speed

PYTEST_BENCHMARK = "pytest-benchmark"  # the experiment's name in the records
AGREEMENT = 0.10


def instruments(results: Results) -> list[str]:
    """Samples per second by both, and where they disagree; nothing if only one has measured."""
    rows, within, beyond = [], 0, []
    for fields in results.experiments.get(PYTEST_BENCHMARK, ()):
        model, device, phase = fields["model"], fields["device"], fields["phase"]
        theirs = fields["samples_per_second"]
        ours = _ours(results.speeds.get((model, device), NO_SPEED), phase)
        difference = theirs / ours - 1 if ours else None
        said = "-" if difference is None else f"{100 * difference:+.1f}%"
        rows.append([f"`{model}`", device, phase, integer(ours), integer(theirs), said])
        if difference is None:
            continue
        if abs(difference) <= AGREEMENT:
            within += 1
        else:
            beyond.append(f"`{model}` {phase} on {device} ({said})")
    if not rows:
        return []
    compared = within + len(beyond)
    return [
        "## Two instruments",
        "",
        *table(
            (
                *("network", "device", "phase", "this suite, samples/s >"),
                *("pytest-benchmark, samples/s >", "difference >"),
            ),
            rows,
        ),
        "",
        f"{within} of {compared} workloads lie within {AGREEMENT:.0%} of each other"
        + (f"; these do not: {', '.join(beyond)}." if beyond else "."),
        "",
        "pytest-benchmark times the same steps with the same flags, its own clock, its own number "
        "of rounds and its own median; latency is shown as single samples per second. It visits "
        "one workload after the other, and later than the rest of this report was measured: a "
        "machine that is busier or slower at one of the two times shows as a difference, too.",
    ]


def _ours(speed: Speed, phase: str) -> float | None:
    """Samples per second in the median, as this suite measured them."""
    if phase == "train":
        return speed.train_samples_per_second
    if phase == "inference":
        return speed.inference_samples_per_second
    return 1 / speed.latency_p50_seconds if speed.latency_p50_seconds else None
