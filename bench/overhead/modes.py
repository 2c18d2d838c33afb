"""The modes that a trained network can run in, from eager torch to other run times.

A mode takes a network in evaluation mode and a batch of the size and layout that it will see, and
gives the function that runs it. What a mode needs beside torch is in the dependency group `modes`.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.overhead.compiling import compiling_anew
from bench.overhead.names import (
    AOT_INDUCTOR,
    BFLOAT16,
    CHANNELS_LAST,
    COMPILED,
    COMPILED_INT8,
    EAGER,
    INT8,
    ONNX_RUNTIME,
)

Forward = Callable[[Tensor], Tensor]  # a batch to the outputs, (N, classes)


def as_it_is(network: nn.Module, _: Tensor) -> Forward:
    """The module itself."""
    return network


def bfloat16(network: nn.Module, _: Tensor) -> Forward:
    """Products in bfloat16 where torch's autocast says so."""

    def forward(pictures: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            outputs: Tensor = network(pictures)
            return outputs

    return forward


def int8(network: nn.Module, _: Tensor) -> Forward:
    """Linear layers with int8 weights, inputs quantised batch by batch, by torch's own kernels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will be removed, which the report says
        from torch.ao.quantization import quantize_dynamic

        quantised: nn.Module = quantize_dynamic(network, {nn.Linear}, dtype=torch.qint8)
    return quantised


def compiled(network: nn.Module, pictures: Tensor) -> Forward:
    """`torch.compile`, which compiles at the first call; a network in one piece or none."""
    with compiling_anew():
        ready = torch.compile(network, fullgraph=True)
        ready(pictures)
    return ready


def compiled_int8(network: nn.Module, pictures: Tensor) -> Forward:
    """The same with torchao's int8 linear layers, which are made to be compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of kernels that need other versions of torch
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

        quantize_(network, Int8DynamicActivationInt8WeightConfig())
        return compiled(network, pictures)


def aot_inductor(network: nn.Module, pictures: Tensor) -> Forward:
    """`torch.export` and AOTInductor: a library of C++ that runs without Python."""
    from torch._inductor import aoti_compile_and_package, aoti_load_package

    with compiling_anew(), tempfile.TemporaryDirectory() as folder:
        exported = torch.export.export(network, (pictures,))
        path = aoti_compile_and_package(exported, package_path=str(Path(folder) / "network.pt2"))
        ready: Forward = aoti_load_package(path)
    return ready


def onnx_runtime(network: nn.Module, pictures: Tensor) -> Forward:
    """`torch.onnx.export` and ONNX Runtime on as many threads as torch has."""
    import onnxruntime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the exporter itself uses
        program = torch.onnx.export(network, (pictures,), dynamo=True, verbose=False)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (entrance,) = session.get_inputs()

    def forward(pictures: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {entrance.name: pictures.numpy()})[0])

    return forward


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A way of running a network.

    Attributes:
        prepare: Makes a network ready, from the network and a batch.
        channels_last: Whether network and pictures keep their channels last in memory.
        kept: Whether preparing takes so long that it is done once.
        needs: Packages beside the suite's own.
    """

    prepare: Callable[[nn.Module, Tensor], Forward]
    channels_last: bool = True
    kept: bool = False
    needs: tuple[str, ...] = ()


MODES = {
    EAGER: Mode(prepare=as_it_is, channels_last=False),
    CHANNELS_LAST: Mode(prepare=as_it_is),
    BFLOAT16: Mode(prepare=bfloat16),
    INT8: Mode(prepare=int8),
    COMPILED: Mode(prepare=compiled, kept=True),
    COMPILED_INT8: Mode(prepare=compiled_int8, kept=True, needs=("torchao",)),
    AOT_INDUCTOR: Mode(prepare=aot_inductor, kept=True),
    ONNX_RUNTIME: Mode(
        prepare=onnx_runtime,
        channels_last=False,
        kept=True,
        needs=("onnx", "onnxscript", "onnxruntime"),
    ),
}
