"""Files of trained weights: written whole, checked against the digest of their record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records.place import replacing
from bench.records.text import one_line

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cells.jobs import Job

_DIGEST, _ORDER = "weights_sha256", "order"  # in a file's metadata


def weights_sha256(weights: dict[str, Tensor]) -> str:
    """SHA-256 over the tensors in definition order: dtype, shape, little-endian bytes.

    The names are left out, so that equal networks with other names have equal digests.
    """
    digest = hashlib.sha256()
    for tensor in weights.values():
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{array.dtype.name}{array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def save_weights(weights: dict[str, Tensor], path: Path, sha256: str) -> None:
    """Writes weights; tensors that share memory are written one by one.

    Args:
        weights: By name, in definition order, which the digest follows and the format forgets.
        path: Where to.
        sha256: Their digest.
    """
    from safetensors.torch import save_file

    alone = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    with replacing(path) as part:
        save_file(alone, part, metadata={_DIGEST: sha256, _ORDER: json.dumps([*weights])})


class WeightsError(ValueError):
    """A file does not hold the weights that it should; the message says why."""


def read_weights(path: Path, sha256: str | None) -> dict[str, Tensor]:
    """The weights in a file, by name, in definition order; every bit of them is checked.

    Args:
        path: The file.
        sha256: Their digest.

    Raises:
        WeightsError: They are others, or the file is damaged or no file of weights.
    """
    from safetensors import SafetensorError, safe_open

    if path.is_symlink() or not path.is_file():
        raise WeightsError("it is a link, or no plain file")
    try:
        with safe_open(path, framework="pt") as file:
            order = json.loads((file.metadata() or {}).get(_ORDER, "null"))
            if not isinstance(order, list) or sorted(order) != sorted(file.keys()):
                raise WeightsError("it does not say the order of its tensors")
            weights = {name: file.get_tensor(name) for name in order}
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise error if isinstance(error, WeightsError) else WeightsError(one_line(error)) from error
    found = weights_sha256(weights)
    if found != sha256:
        raise WeightsError(f"their SHA-256 is {found}, and {sha256} in the record")
    return weights


def are_intact(path: Path, sha256: str | None) -> bool:
    """Whether a file holds the weights of this digest, every bit of them."""
    try:
        read_weights(path, sha256)
    except WeightsError:
        return False
    return True


def part_of(job: Job) -> Path | None:
    """Where a worker writes a job's weights, until the process that records the job places them.

    So that a worker whose run was killed overwrites nothing of the next.
    """
    if job.weights is None:
        return None
    return job.weights.with_name(f".{job.weights.name}.{job.key}.part")


def place_weights(job: Job) -> None:
    """Moves a finished job's weights to where they are looked for."""
    part = part_of(job)
    if part is not None and job.weights is not None and part.exists():
        part.replace(job.weights)
