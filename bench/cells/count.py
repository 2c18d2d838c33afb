"""Parameters counted three ways, and the work of one forward pass.

Convention: one multiply-accumulate (MAC) is one multiplication and the addition of its product,
half of what torch's flop counter counts; biases, activations and pooling are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from zoo import ModelSpec

FLOAT32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Count:
    """What a network is made of and what one sample costs it.

    Attributes:
        declared_parameters: From the declared layer sizes, in closed form.
        module_parameters: What torch finds in the built module.
        reached_parameters: Those whose memory reaches an operator in a forward pass.
        macs: Multiply-accumulates of one sample, by torch's flop counter.
        weight_bytes: Memory of the parameters in float32.
        activation_bytes: Memory of all layer outputs of one sample in float32.
    """

    declared_parameters: int
    module_parameters: int
    reached_parameters: int
    macs: int
    weight_bytes: int
    activation_bytes: int

    @property
    def agree(self) -> bool:
        """Whether the three counts are one number."""
        return self.declared_parameters == self.module_parameters == self.reached_parameters


def count(spec: ModelSpec) -> Count:
    """Counts an entry on torch's meta device, without memory for its weights."""
    with torch.device("meta"):
        network = spec.build().eval()
        sample = torch.empty(1, *spec.input_shape)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(sample)
    outputs = sum(
        torch.Size(shape).numel()
        for layer, shape in zip(spec.layers, spec.shapes, strict=True)
        if str(layer) != "flatten"  # a view, not memory of its own
    )
    parameters = module_parameters(network)
    return Count(
        declared_parameters=spec.declared_parameters,
        module_parameters=parameters,
        reached_parameters=reached_parameters(network, sample),
        macs=flops.get_total_flops() // 2,
        weight_bytes=FLOAT32_BYTES * parameters,
        activation_bytes=FLOAT32_BYTES * outputs,
    )


def module_parameters(network: nn.Module) -> int:
    """Numbers in the module's parameters; a parameter that two modules share counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def reached_parameters(network: nn.Module, sample: Tensor) -> int:
    """Numbers in the parameter memory that operators compute with in one forward pass.

    A parameter that is never used is missing here; two parameters over one memory count once.
    """
    with _Reached() as reached, torch.no_grad():
        network(sample)
    storages = {
        _identity(parameter): parameter.untyped_storage().nbytes() // parameter.element_size()
        for parameter in network.parameters()
    }
    return sum(size for identity, size in storages.items() if identity in reached.storages)


class _Reached(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the storages that operators take; one that only makes a view computes nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.storages: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if not func.is_view:
            tensors = torch.utils._pytree.tree_leaves((args, kwargs))
            self.storages |= {_identity(leaf) for leaf in tensors if isinstance(leaf, Tensor)}
        operator: Callable[..., Any] = func
        return operator(*args, **(kwargs or {}))


def _identity(tensor: Tensor) -> int:
    """The address of the storage object; on the meta device the data have none."""
    return int(tensor.untyped_storage()._cdata)
