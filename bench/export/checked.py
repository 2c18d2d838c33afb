"""A network written into a file, which is kept only where it answers as the network does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from bench.cells.arrays import Integers
from bench.cells.asking import forward
from bench.cells.batches import Batches
from bench.cells.data import Datasets
from bench.cells.leftovers import temporary_folder
from bench.cells.recorded import RecordedRun
from bench.cells.splits import Split, view
from bench.export.formats import Format
from bench.records.errors import RequestError
from bench.records.place import replacing
from bench.records.text import one_line

if TYPE_CHECKING:
    from bench.export.formats import Forward

BATCH = 256
TOLERANCE = 1e-4  # of the largest output; float32 keeps 24 bits, and sums have some hundred terms
OTHERWISE = 0.01  # of the test samples may be answered otherwise than on the recording machine


class ExportError(RuntimeError):
    """The network cannot be written in a format, or the file answers otherwise; one line."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far a file's outputs are those of the network.

    Attributes:
        samples: How many were put to both.
        changed: How many of them are answered otherwise.
        largest: The largest difference of an output; nan where one alone is no number.
        allowed: How large it may be.
    """

    samples: int
    changed: int
    largest: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether no output differs by more than rounding may do."""
        return self.largest <= self.allowed


def agreement(expected: Tensor, found: Tensor) -> Agreement:
    """How far outputs agree.

    Args:
        expected: Of the network, (N, classes).
        found: Of the file.

    Raises:
        ExportError: They are not of one shape.
    """
    if found.shape != expected.shape:
        raise ExportError(
            f"its outputs have the shape {tuple(found.shape)}, those of the network "
            f"{tuple(expected.shape)}"
        )
    differences = torch.where(expected == found, 0.0, (expected.double() - found.double()).abs())
    finite = expected[expected.isfinite()].abs()
    return Agreement(
        samples=len(expected),
        changed=int((expected.argmax(dim=1) != found.argmax(dim=1)).sum()),
        largest=float(differences.max()),
        allowed=TOLERANCE * max(1.0, float(finite.max()) if len(finite) else 1.0),
    )


def export(run: RecordedRun, path: Path, to: Format, *, data_root: Path) -> Agreement:
    """Writes a trained network; how far the file agrees with it on the run's test samples.

    Args:
        run: Of a report.
        path: Where to. It is written whole, or not at all.
        to: The format.
        data_root: The folder above `MNIST/raw`.

    Raises:
        RequestError: The weights or the data are missing or others.
        ExportError: The network cannot be written so, or the file answers otherwise.
    """
    network = run.network()
    samples = _samples(run, data_root)
    batches = list(_batches(run, samples))
    expected = torch.cat([forward(network, batch) for batch in batches])
    _require_recorded(run, expected.argmax(dim=1).numpy(), samples)
    with temporary_folder() as folder:
        part = Path(folder) / path.name
        try:
            to.write(network, batches[0][:2], part, about(run))
            found = torch.cat(list(_answers(to.open(part), batches)))
        except Exception as error:  # exporters raise whatever their parts run into
            raise ExportError(
                f"{to.title} cannot hold '{run.record.model}' "
                f"({type(error).__name__}: {one_line(error)[:300]})"
            ) from error
        compared = agreement(expected, found)
        if not compared.holds:
            raise ExportError(
                f"the file answers otherwise than the network: outputs differ by up to "
                f"{compared.largest:.2g} on {compared.samples:,} test samples, "
                f"{compared.changed:,} answers change"
            )
        with replacing(path) as place:
            place.write_bytes(part.read_bytes())
    return compared


def about(run: RecordedRun) -> dict[str, str]:
    """What a file says of itself, by name."""
    record, spec = run.record, run.spec
    names = [run.request.class_name(label) for label in range(spec.classes)]
    said = {
        "model": record.model,
        "dataset": run.request.dataset,
        "recipe": record.recipe,
        "seed": str(record.seed),
        "weights_sha256": str(record.weights_sha256),
        "input_shape": json.dumps(["batch", *spec.input_shape]),
        "output": spec.output,
        "classes": json.dumps(names),
    }
    if spec.takes_images:
        used = run.recipe.normalisation
        said |= {"mean": json.dumps(used.mean), "std": json.dumps(used.std)}
    return said


def _samples(run: RecordedRun, data_root: Path) -> Split:
    record = run.record
    dataset = Datasets(data_root).get(record.dataset, record.seed)
    split = view(dataset, run.spec, run.recipe)
    if split.checksum != record.data_sha256:
        raise RequestError(
            f"what '{record.dataset}' holds is not what {run} was trained and tested on; bring the "
            f"data back, or train anew: {run.request.command}"
        )
    return split


def _batches(run: RecordedRun, samples: Split) -> Iterator[Tensor]:
    """The test samples as the network takes them; the last batch is smaller, or one sample."""
    ready = Batches(run.recipe.normalisation, run.spec.input_shape[0])
    inputs = torch.from_numpy(np.array(samples.part("test")[0]))
    for batch in torch.split(inputs, BATCH):
        yield ready(batch).contiguous()


def _answers(run: Forward, batches: Sequence[Tensor]) -> Iterator[Tensor]:
    with torch.no_grad():
        for batch in batches:
            yield run(batch)


def _require_recorded(run: RecordedRun, answers: Integers, samples: Split) -> None:
    """Checks that the network answers as its record says, but for what rounding may do.

    The weights fit a network whose code has changed, too, where their shapes are the same.
    """
    labels = samples.part("test")[1]
    recorded = labels.copy()
    for position, answer in run.record.misclassified.items():
        recorded[position] = answer
    otherwise = int((answers != recorded).sum())
    if otherwise > OTHERWISE * len(labels):
        raise RequestError(
            f"{otherwise:,} of {len(labels):,} test samples are answered otherwise than {run} "
            f"answered them: '{run.record.model}' is not the network that it was; train it anew: "
            f"{run.request.command}"
        )
