"""Parameters counted three ways, and the work of one forward pass.

Convention: one multiply-accumulate (MAC) is one multiplication and the addition of its product,
half of what torch's flop counter counts; biases, activations and pooling are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bench.records.kinds import Count
from zoo import ModelSpec

FLOAT32_BYTES = 4


def count(spec: ModelSpec, key: str = "") -> Count:
    """Counts an entry on torch's meta device, without memory for its weights.

    Args:
        spec: The entry.
        key: Key of the record.
    """
    from torch.utils.flop_counter import FlopCounterMode  # and with it triton

    with torch.device("meta"):
        network = spec.build().eval()
        sample = torch.empty(1, *spec.input_shape)
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(sample)
    parameters = module_parameters(network)
    return Count(
        key=key,
        model=spec.name,
        status="ok",
        declared_parameters=spec.declared_parameters,
        module_parameters=parameters,
        reached_parameters=reached_parameters(network, sample),
        macs=flops.get_total_flops() // 2,
        weight_bytes=FLOAT32_BYTES * parameters,
        activation_bytes=activation_bytes(network, sample),
    )


def module_parameters(network: nn.Module) -> int:
    """Numbers in the module's parameters; a parameter that two modules share counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def reached_parameters(network: nn.Module, sample: Tensor) -> int:
    """Numbers in the parameter memory that operators compute with in one forward pass.

    A parameter that is never used is missing here; two parameters over one memory count once.
    """
    with _Memory() as memory, torch.no_grad():
        network(sample)
    storages = {
        _identity(parameter): parameter.untyped_storage().nbytes() // parameter.element_size()
        for parameter in network.parameters()
    }
    return sum(size for identity, size in storages.items() if identity in memory.taken)


def activation_bytes(network: nn.Module, sample: Tensor) -> int:
    """Memory of all that operators compute in one forward pass, as if all of it were kept.

    What changes nothing in evaluation, such as dropout, and what only makes a view needs none. Of
    several results of an operator the first counts; others, such as the places of maxima, are notes
    for the way back.
    """
    with _Memory() as memory, torch.no_grad():
        network(sample)
    return sum(tensor.untyped_storage().nbytes() for tensor in memory.made.values())


class _Memory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the storages that operators take and make; one that only makes a view does neither."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.taken: set[int] = set()
        self.made: dict[int, Tensor] = {}  # the tensors, so that no storage's address comes twice

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        operator: Callable[..., Any] = func
        result = operator(*args, **(kwargs or {}))
        if not func.is_view:
            taken = {_identity(tensor) for tensor in _tensors((args, kwargs))}
            self.taken |= taken
            for tensor in _tensors(result)[:1]:
                if _identity(tensor) not in taken:
                    self.made[_identity(tensor)] = tensor
        return result


def _tensors(values: object) -> list[Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(values) if isinstance(leaf, Tensor)]


def _identity(tensor: Tensor) -> int:
    """The address of the storage object; on the meta device the data have none."""
    return int(tensor.untyped_storage()._cdata)
