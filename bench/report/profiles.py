"""Where the time of a training step goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.results.runs import Results
from bench.writing.markdown import decimal, percent, table

PROFILE = "profile"  # the experiment's name in the records


def profiles(results: Results) -> list[str]:
    """The split of training time by operator; nothing if no network has been profiled."""
    profiled = results.experiments.get(PROFILE, ())
    if not profiled:
        return []
    rows = [
        [
            f"`{fields['model']}`",
            fields["device"],
            _operator(time),
            percent(time["self_time_share"]),
            decimal(time["calls"] / fields["steps"], 1),
        ]
        for fields in profiled
        for time in fields["operators"]
    ]
    return [
        "## Where training time goes",
        "",
        "The single operator that takes most of a training step:",
        "",
        *_largest(profiled),
        "",
        "<details><summary>All operators of each network</summary>",
        "",
        *table(("network", "device", "operator", "share of time >", "calls per step >"), rows),
        "",
        "</details>",
        "",
        "Shares of a training step's time by torch's operators, each without the operators that "
        "it calls: on the CPU of the processor's time, on CUDA of the kernels' time. Between "
        "operators is the time of Python, as is `Optimizer.step`. `aten::fill_` comes mostly from "
        "the deterministic flags, under which torch fills all new memory. The profiler itself "
        "takes time with each call, so that operators called often look larger than they are; the "
        "speed tables are measured "
        "without it. Of several profiles of a network the fastest is shown: page faults of a "
        "process whose memory still grows would count for whatever operator meets them.",
    ]


def _largest(profiled: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each operator that takes more than any other of some network, commonest first."""
    shares: dict[str, list[tuple[float, str]]] = {}
    for fields in profiled:
        largest = fields["operators"][0]  # they are recorded in this order, all others last
        where = f"`{fields['model']}` on {fields['device']}"
        shares.setdefault(_operator(largest), []).append((largest["self_time_share"], where))
    return [
        f"- {operator}: {percent(min(found)[0])}"
        + (f" to {percent(max(found)[0])}" if len(found) > 1 else "")
        + f", in {', '.join(where for _, where in found)}"
        for operator, found in sorted(shares.items(), key=lambda item: -len(item[1]))
    ]


def _operator(time: Mapping[str, Any]) -> str:
    return f"`{time['operator']}`" if ":" in time["operator"] else str(time["operator"])
