"""The machine, the versions and the flags that numbers were made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from joblib import cpu_count

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow", "joblib")


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run took place.

    Attributes:
        system: Operating system and machine type.
        processor: The processor's model name.
        cores: Logical cores that the process may use.
        memory_bytes: The machine's memory.
        instruction_set: The vector instructions that torch uses.
        gpu: Model name of the CUDA device, or None.
        cuda: Versions of CUDA and cuDNN, or None.
        python: Python's version.
        packages: Versions of the packages that compute.
        flags: The settings that every cell is trained under.
        commit: The suite's commit, `+changes` behind it where the tree, its reports aside, differs;
            None outside git.
    """

    system: str
    processor: str
    cores: int
    memory_bytes: int
    instruction_set: str
    gpu: str | None
    cuda: str | None
    python: str
    packages: dict[str, str]
    flags: dict[str, str]
    commit: str | None

    def decisive(self, device: str) -> dict[str, object]:
        """What can change the bits of a result on a device."""
        shared: dict[str, object] = {"packages": self.packages, "flags": self.flags}
        if device == "cuda":
            return {**shared, "gpu": self.gpu, "cuda": self.cuda}
        return {**shared, "processor": self.processor, "instruction_set": self.instruction_set}


def current() -> Environment:
    """This process's environment."""
    has_cuda = torch.cuda.is_available()
    return Environment(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=cpu_count(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        instruction_set=torch.backends.cpu.get_cpu_capability(),
        gpu=torch.cuda.get_device_name() if has_cuda else None,
        cuda=_cuda_versions() if has_cuda else None,
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        flags={
            "deterministic algorithms": "on",
            "cudnn.benchmark": "off",
            "TF32": "off",
            "threads per cell": "1",
        },
        commit=_commit(),
    )


def recorded(stored: Mapping[str, Any]) -> Environment:
    """The environment that a record holds; None for what records did not hold at the time."""
    values: dict[str, Any] = {field.name: stored.get(field.name) for field in fields(Environment)}
    return Environment(**values)


def differences(
    one: Mapping[str, object], other: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """What differs between two environments: by name, the value in the one and in the other.

    Args:
        one: Values by name, such as `Environment.decisive` gives; of values that have names of
            their own, each is compared by itself: `packages.torch`.
        other: The same of the other environment.
    """
    left, right = _flat(one), _flat(other)
    return {
        name: (left.get(name), right.get(name))
        for name in dict.fromkeys([*left, *right])
        if left.get(name) != right.get(name)
    }


def _flat(values: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            flat[name] = value
    return flat


def devices() -> tuple[str, ...]:
    """The devices that are there."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def _cuda_versions() -> str:
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"CUDA {torch.version.cuda}, cuDNN {cudnn}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        # A report that is being made anew is no change of what makes it.
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/reports")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changed else commit


def _git(*arguments: str) -> str:
    told = subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()
