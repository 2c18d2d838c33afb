"""The formats that a trained network can be written in: how a file is made, and how it is run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records.errors import RequestError
from bench.records.text import one_line

if TYPE_CHECKING:
    from torch import Tensor, nn

    Forward = Callable[[Tensor], Tensor]  # a batch to the outputs, (N, classes)

ABOUT_FILE = "bench.json"  # in the files of torch, what the file says of itself


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files.

    Attributes:
        title: Its name.
        write: Writes a network; from it, a batch of two samples, the path, and what the file says
            of itself, by name. The file takes batches of any size.
        open: Makes a file ready to run.
        needs: Packages beside the suite's own.
    """

    title: str
    write: Callable[[nn.Module, Tensor, Path, dict[str, str]], None]
    open: Callable[[Path], Forward]
    needs: tuple[str, ...] = ()


def format_of(path: Path) -> Format:
    """The format that a file's name asks for.

    Raises:
        RequestError: None, or packages that it needs are not installed.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        valid = ", ".join(f"{ending} ({known.title})" for ending, known in FORMATS.items())
        raise RequestError(f"'{one_line(path)[:200]}' names no format; end it in one of {valid}")
    missing = [package for package in found.needs if find_spec(package) is None]
    if missing:
        raise RequestError(
            f"{found.title} needs {', '.join(missing)}: pip install {' '.join(missing)}, or choose "
            "another format"
        )
    return found


@contextmanager
def _silent() -> Iterator[None]:
    """Inside it nobody is told what exporters think of their own parts."""
    import logging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _write_onnx(network: nn.Module, batch: Tensor, path: Path, about: dict[str, str]) -> None:
    import torch

    with _silent():
        program = torch.onnx.export(
            network,
            (batch,),
            dynamo=True,
            verbose=False,
            input_names=["samples"],
            output_names=["outputs"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        assert program is not None
        program.model.metadata_props.update(about)
        program.save(path)


def _open_onnx(path: Path) -> Forward:
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (entrance,) = session.get_inputs()

    def forward(batch: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {entrance.name: batch.numpy()})[0])

    return forward


def _write_torchscript(
    network: nn.Module, batch: Tensor, path: Path, about: dict[str, str]
) -> None:
    import torch

    with _silent(), torch.no_grad():  # of TorchScript's age
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, batch, check_trace=False
        )
        torch.jit.save(traced, path, _extra_files={ABOUT_FILE: json.dumps(about)})


def _open_torchscript(path: Path) -> Forward:
    import torch

    with _silent():
        ready: Forward = torch.jit.load(path)  # type: ignore[no-untyped-call]
    return ready


def _write_exported(network: nn.Module, batch: Tensor, path: Path, about: dict[str, str]) -> None:
    import torch

    shapes = ({0: torch.export.Dim("batch")},)
    with _silent():
        program = torch.export.export(network, (batch,), dynamic_shapes=shapes)
        torch.export.save(program, path, extra_files={ABOUT_FILE: json.dumps(about)})


def _open_exported(path: Path) -> Forward:
    import torch

    with _silent():
        ready: Forward = torch.export.load(path).module()
    return ready


FORMATS = {
    ".onnx": Format(
        title="ONNX",
        write=_write_onnx,
        open=_open_onnx,
        needs=("onnx", "onnxruntime", "onnxscript"),
    ),
    ".pt": Format(title="TorchScript", write=_write_torchscript, open=_open_torchscript),
    ".pt2": Format(title="torch.export", write=_write_exported, open=_open_exported),
}
