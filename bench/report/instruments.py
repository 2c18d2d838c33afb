"""How far two instruments agree on speed: this suite's own and pytest-benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results.runs import NO_SPEED, Results, Speed
from bench.writing.markdown import integer, table

PYTEST_BENCHMARK = "pytest-benchmark"  # the experiment's name in the records
AGREEMENT = 0.10


def instruments(results: Results) -> list[str]:
    """Samples per second by both, and where they disagree; nothing without pytest-benchmark's."""
    rows = []
    beside, across = [], []
    for fields in results.experiments.get(PYTEST_BENCHMARK, ()):
        model, device, phase = fields["model"], fields["device"], fields["phase"]
        theirs, own = fields["samples_per_second"], fields["own_samples_per_second"]
        reported = _reported(results.speeds.get((model, device), NO_SPEED), phase)
        name = f"`{model}` {phase} on {device}"
        beside.append((name, theirs / own - 1))
        if reported:
            across.append((name, theirs / reported - 1))
        rows.append(
            [
                *(f"`{model}`", device, phase, integer(theirs), integer(own)),
                *(_change(theirs / own - 1), integer(reported)),
                _change(theirs / reported - 1) if reported else "-",
            ]
        )
    if not rows:
        return []
    return [
        "## Two instruments",
        "",
        f"Side by side: {_agreement(beside)}",
        "",
        *([f"Against the speed tables above: {_agreement(across)}", ""] if across else []),
        *table(
            (
                *("network", "device", "phase", "pytest-benchmark, samples/s >"),
                *("this suite beside it >", "difference >"),
                *("in the tables above >", "difference >"),
            ),
            rows,
        ),
        "",
        "pytest-benchmark times the same steps with the same flags, its own clock, its own number "
        "of rounds and its own median; latency is shown as single samples per second. This suite's "
        "clock times each workload beside it, right before and right after, so that the first "
        "difference is one of the instruments: pytest-benchmark starts over in fresh memory before "
        "every step that it times, this suite before every block. The tables above were measured "
        "earlier and in turns with all other workloads; what the second difference has beyond the "
        "first comes of that and of what the machine has done in between. Rows of this table do "
        "not compare with each other: they were measured one after the other.",
    ]


def _agreement(differences: Sequence[tuple[str, float]]) -> str:
    """How many differences are small, and by how much each of the others is not."""
    beyond = [f"{name} ({_change(by)})" for name, by in differences if abs(by) > AGREEMENT]
    within = len(differences) - len(beyond)
    return f"{within} of {len(differences)} workloads lie within {AGREEMENT:.0%} of each other" + (
        f"; these do not: {', '.join(beyond)}." if beyond else "."
    )


def _change(by: float) -> str:
    return f"{100 * by:+.1f}%"


def _reported(speed: Speed, phase: str) -> float | None:
    """Samples per second in the median, as the speed tables have them."""
    if phase == "train":
        return speed.train_samples_per_second
    if phase == "inference":
        return speed.inference_samples_per_second
    return 1 / speed.latency_p50_seconds if speed.latency_p50_seconds else None
