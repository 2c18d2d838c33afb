"""The machine, the versions and the flags that numbers were made with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
    commit: str | None = None

    def decisive(self, device: str) -> dict[str, object]:
        """What can change the bits of a result on a device."""
        shared: dict[str, object] = {"packages": self.packages, "flags": self.flags}
        if device == "cuda":
            return {**shared, "gpu": self.gpu, "cuda": self.cuda}
        return {**shared, "processor": self.processor, "instruction_set": self.instruction_set}


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
