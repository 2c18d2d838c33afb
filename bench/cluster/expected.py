"""What a worker must have in common with the client, so that its cells are as if trained here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bench.cells import machine
from bench.records.environment import Environment, differences

GPU = "GPU"  # the resource that a worker with a GPU is started with
_ROOT = Path(__file__).parents[2]
_TRAINS = ("bench/cells", "bench/cluster", "bench/records", "zoo")  # what a worker runs


@dataclass(frozen=True, kw_only=True)
class Found:
    """A process's environment, and a digest of the suite's files there."""

    environment: Environment
    code: str

    def decisive(self, device: str) -> dict[str, object]:
        """What must be equal for a device."""
        return {
            "suite": self.code,
            "python": self.environment.python,
            **self.environment.decisive(device),
        }


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the client has, by device, in plain values.

    Attributes:
        decisive: By device, what must be equal.
        tag: What the names of its resources begin with: workers that are equal have the same.
    """

    decisive: Mapping[str, Mapping[str, object]]
    tag: str

    @property
    def devices(self) -> tuple[str, ...]:
        """Where cells are trained."""
        return tuple(self.decisive)

    def resource(self, device: str) -> str:
        """The resource that a cell takes of a worker on a device."""
        return f"{self.tag}-{device}"

    def differing(self, found: Found, device: str) -> tuple[str, ...]:
        """What a worker has otherwise, for a device."""
        there = found.decisive(device)
        return tuple(
            "its files of this suite are others (install the same commit and start it again)"
            if name == "suite"
            else f"{name} is {theirs} there and {ours} here"
            for name, (ours, theirs) in differences(self.decisive[device], there).items()
        )


def expected_of(found: Found, devices: Sequence[str]) -> Expected:
    """What workers must have for the cells of a client."""
    decisive = {device: found.decisive(device) for device in devices}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return Expected(decisive=decisive, tag=f"bench-{digest[:12]}")


@lru_cache(maxsize=1)
def found_here() -> Found:
    """What this process has; its files as they were when this was asked first."""
    return Found(environment=machine.environment(), code=_code())


def _code() -> str:
    """SHA-256 over the files that a worker runs."""
    digest = hashlib.sha256()
    for folder in _TRAINS:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(_ROOT).as_posix()}\0".encode())
            digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
