"""Where the time of a training step goes."""

from __future__ import annotations

from bench.sections.formats import decimal, percent, table
from bench.tables import Results

PROFILE = "profile"  # the experiment's name in the records


def profiles(results: Results) -> list[str]:
    """The split of training time by operator; nothing if no network has been profiled."""
    rows = [
        [
            f"`{fields['model']}`",
            fields["device"],
            f"`{time['operator']}`" if ":" in time["operator"] else time["operator"],
            percent(time["self_time_share"]),
            decimal(time["calls"] / fields["steps"], 1),
        ]
        for fields in results.experiments.get(PROFILE, ())
        for time in fields["operators"]
    ]
    if not rows:
        return []
    return [
        "## Where training time goes",
        "",
        *table(("network", "device", "operator", "share of time >", "calls per step >"), rows),
        "",
        "Shares of a training step's time by torch's operators, each without the operators that "
        "it calls: on the CPU of the processor's time, on CUDA of the kernels' time. Between "
        "operators is the time of Python. `aten::fill_` comes mostly from the deterministic flags, "
        "under which torch fills all new memory. The profiler itself takes time with each call, "
        "so that operators called often look larger than they are; the speed tables are measured "
        "without it.",
    ]
