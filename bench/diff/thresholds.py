"""`--fail`: how much worse a metric may get."""

from __future__ import annotations

import re

from bench.records.errors import RequestError

# What `--fail` calls a metric, and the unit of its threshold: percentage points, or percent of A.
UNITS = {
    "accuracy": "pp",
    "throughput": "%",
    "latency": "%",
    "memory": "%",
    "parameters": "%",
    "macs": "%",
}
_VALID = ", ".join(f"{name}:NUMBER{unit}" for name, unit in UNITS.items())
_THRESHOLD = re.compile(r"\s*([a-z]+):(\d+(?:\.\d+)?)(pp|%)\s*")


def parse_thresholds(text: str) -> dict[str, float]:
    """`accuracy:0.5pp,throughput:5%` as fractions by name.

    Raises:
        RequestError: A name, number or unit is wrong, or a name is there twice.
    """
    found: dict[str, float] = {}
    for item in text.split(","):
        parts = _THRESHOLD.fullmatch(item)
        name = item.partition(":")[0].strip()
        if parts is None or parts[3] != UNITS.get(name):
            raise RequestError(f"--fail '{item}' is no threshold; choose from {_VALID}")
        if name in found:
            raise RequestError(f"--fail has two thresholds for {name}; give one")
        found[name] = float(parts[2]) / 100
    return found
