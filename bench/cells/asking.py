"""Pictures put to a trained network: shaped and normalised as in its training, answers by class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.cells.batches import Batches
from bench.cells.data import Dataset
from bench.cells.fitting import shows_grey
from bench.cells.pictures import read_picture
from bench.cells.recorded import RecordedRun
from bench.cells.splits import view
from bench.records.text import one_line
from zoo.spec import Output

if TYPE_CHECKING:
    from PIL import Image

LIGHT, DARK = 2 / 3, 1 / 3  # of white; what lies between is neither


class PictureError(ValueError):
    """A file is no picture that can be put to a network; the message is one line."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What a network says of one picture.

    Attributes:
        seen: The picture as the network was shown it, before it was normalised: uint8,
            (1 or 3, side, side).
        probabilities: By class; they add up to 1.
        edges: `light`, `dark` or `mixed`.
        other_paper: Whether these are light and those of the data dark, or the other way round.
    """

    seen: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    edges: str
    other_paper: bool

    def top(self, count: int) -> list[int]:
        """The most probable classes, the first one first."""
        return [int(label) for label in np.argsort(-self.probabilities, kind="stable")[:count]]


class Asked:
    """A trained network of a report that pictures can be put to."""

    def __init__(self, run: RecordedRun) -> None:
        """Loads its weights.

        Raises:
            RequestError: They are missing or others.
        """
        self.run = run
        self.network = run.network()
        self.batches = Batches(run.recipe.normalisation, run.spec.input_shape[0])
        self._edges = _edges_of(run)

    def about(self, path: Path, *, inverted: bool = False) -> Answer:
        """What the network says of a picture.

        Args:
            path: Of the picture.
            inverted: Whether light and dark are exchanged first.

        Raises:
            PictureError: It cannot be read.
        """
        seen = self.shaped(read(path))
        if inverted:
            seen = 255 - seen
        outputs = forward(self.network, self.batches(torch.from_numpy(seen[None])))
        return Answer(
            seen=seen,
            probabilities=probabilities(outputs, self.run.spec.output)[0],
            edges=edges(seen),
            other_paper={self._edges, edges(seen)} == {"light", "dark"},
        )

    def shaped(self, picture: Image.Image) -> NDArray[np.uint8]:
        """A picture as the network's data were shaped for its training, (channels, side, side)."""
        if shows_grey(self.run.record.dataset):
            picture = picture.convert("L")
        none, one = np.arange(0), np.arange(1)
        alone = Dataset(
            name="pictures",
            samples=(picture,),
            labels=np.zeros(1, dtype=np.int64),
            train=none,
            validation=none,
            test=one,
            checksum="",
        )
        inputs: NDArray[np.uint8] = view(alone, self.run.spec, self.run.recipe).inputs[0]
        return inputs


def read(path: Path) -> Image.Image:
    """A picture in RGB, whatever its format; see `read_picture`.

    Raises:
        PictureError: It cannot be read.
    """
    try:
        if not path.is_file():  # a pipe would be waited for without an end
            raise PictureError("no such file" if not path.exists() else "this is no file")
        return read_picture(path)
    except PictureError:
        raise
    except Exception as error:  # damaged files raise whatever their format's reader runs into
        raise PictureError(f"no picture that Pillow can read ({one_line(error)})") from error


def forward(network: nn.Module, inputs: Tensor) -> Tensor:
    """The outputs for samples that are ready, (N, classes)."""
    with torch.inference_mode():
        outputs: Tensor = network(inputs)
    return outputs


def probabilities(outputs: Tensor, kind: Output) -> NDArray[np.float64]:
    """What outputs say of each class, (N, classes); rows add up to 1."""
    found = outputs.double()
    if kind == "logits":
        found = found.softmax(dim=1)
    elif kind == "log-probabilities":
        found = found.exp()
    made: NDArray[np.float64] = (found / found.sum(dim=1, keepdim=True)).numpy()
    return made


def edges(seen: NDArray[Any]) -> str:
    """`light` or `dark`, as most of the outermost pixels are; `mixed` where it is neither."""
    outermost = np.concatenate(
        [seen[..., 0, :], seen[..., -1, :], seen[..., :, 0], seen[..., :, -1]], axis=-1
    )
    brightness = float(np.median(outermost)) / 255
    return "light" if brightness > LIGHT else "dark" if brightness < DARK else "mixed"


def _edges_of(run: RecordedRun) -> str:
    """Those of the data, as the test pictures that the report keeps have them."""
    kept = run.request.test_pictures
    if kept is None or not kept.labels:
        return "mixed"
    return edges(np.frombuffer(kept.pixels, dtype=np.uint8).reshape(-1, kept.side, kept.side))
