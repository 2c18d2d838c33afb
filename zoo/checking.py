"""Whether a network of the user's own can be trained and compared, found before anything trains.

Every check ends in one line that says what to change. They take some forward passes and some steps
of training on the CPU, and leave torch's random state as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.extension import ExtensionError, said
from zoo.layers import Shape
from zoo.spec import ModelSpec, Output

if TYPE_CHECKING:
    from torch import Tensor, nn

SAMPLES = 8  # of the one batch
STEPS, LEARNING_RATE = 60, 3e-3  # of Adam; the biases of a last layer alone need 50
FALLS_TO = 0.9  # of the first loss
TOLERANCE = 1e-3  # of a sum of probabilities


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a forward pass says of a network's outputs."""

    classes: int
    output: Output


def find_outputs(name: str, build: Callable[[], nn.Module], input_shape: Shape) -> Outputs:
    """Number and kind of a network's outputs, from a forward pass.

    Raises:
        ExtensionError: It cannot be built, or its forward pass raises or gives something else.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        outputs = _forward(name, _built(name, build).eval(), _batch(input_shape))
    return Outputs(classes=outputs.shape[1], output=_kind(outputs))


def require_sound(spec: ModelSpec) -> None:
    """Checks that a network can be trained and compared.

    Raises:
        ExtensionError: It cannot be built or run, does not fit what is said of it, is not the same
            when it is made or run again, or does not learn.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        network = _built(spec.name, spec.build)
        _require_parameters(spec, network)
        _require_same_start(spec, network)
        inputs = _batch(spec.input_shape)
        _require_outputs(spec, _forward(spec.name, network.eval(), inputs.clone()))
        _require_repeatable(spec, network, inputs)
        _require_learning(spec, network, inputs)


def require_answers(spec: ModelSpec) -> None:
    """Checks what takes two forward passes: shape and type of the outputs, twice the same.

    Raises:
        ExtensionError: They are not what is declared, or what is trained could not be recorded.
    """
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        network = _built(spec.name, spec.build).eval()
        inputs = _batch(spec.input_shape)
        try:
            torch.set_num_threads(1)  # as in training
            with torch.no_grad():
                first = _outputs(spec.name, network, inputs.clone()).clone()
                second = _outputs(spec.name, network, inputs.clone())
            found = torch.get_num_threads()
        finally:
            torch.set_num_threads(threads)
    _require_count(spec, first)
    _require_recordable(spec, network)
    if found != 1:
        raise ExtensionError(
            f"'{spec.name}' sets {found} threads, which changes the bits of all that is trained in "
            "its process; leave torch.set_num_threads out"
        )
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise _not_repeatable(spec)


def _require_recordable(spec: ModelSpec, network: nn.Module) -> None:
    """Checks that numpy knows the types of all weights, whose bytes are digested and stored."""
    for name, tensor in network.state_dict().items():
        try:
            tensor[:0].numpy() if tensor.dim() else tensor.numpy()
        except TypeError:
            raise ExtensionError(
                f"'{spec.name}' keeps '{name}' in {tensor.dtype}, which cannot be recorded; keep "
                "it in float32 and convert it where it is used"
            ) from None


def _built(name: str, build: Callable[[], nn.Module]) -> nn.Module:
    """The network with its first weights, from the same seed every time."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    try:
        network = build()
    except Exception as error:
        raise ExtensionError(
            f"'{name}' cannot be built: {said(error)}; it must build without arguments"
        ) from error
    if not isinstance(network, nn.Module):
        raise ExtensionError(
            f"'{name}' builds a {type(network).__name__}; return a torch.nn.Module"
        )
    return network


def _batch(input_shape: Shape) -> Tensor:
    """A batch of random samples, the same every time."""
    import torch

    return torch.randn(SAMPLES, *input_shape, generator=torch.Generator().manual_seed(0))


def _forward(name: str, network: nn.Module, inputs: Tensor) -> Tensor:
    """A network's outputs, of the type and shape that they should have, and finite."""
    outputs = _outputs(name, network, inputs)
    if not bool(outputs.isfinite().all()):
        raise ExtensionError(
            f"'{name}' gives outputs that are not finite for its first weights; look for a "
            "division by zero or a logarithm of zero"
        )
    return outputs


def _outputs(name: str, network: nn.Module, inputs: Tensor) -> Tensor:
    """A network's outputs, of the type and shape that they should have."""
    import torch
    from torch import Tensor

    taken, mode = tuple(inputs.shape), "train" if network.training else "eval"
    try:
        outputs = network(inputs)
    except Exception as error:
        raise ExtensionError(
            f"'{name}' fails on a batch of shape {taken} in {mode} mode: {said(error)}; mend its "
            "forward, or give the input_shape that it takes"
        ) from error
    wanted = f"return one float tensor of shape ({len(inputs)}, classes)"
    if not isinstance(outputs, Tensor):
        raise ExtensionError(
            f"'{name}' gives a {type(outputs).__name__} in {mode} mode, not a tensor; {wanted}"
        )
    if outputs.dim() != 2 or len(outputs) != len(inputs) or outputs.dtype != torch.float32:
        raise ExtensionError(
            f"'{name}' makes {outputs.dtype} of shape {tuple(outputs.shape)} of a batch of shape "
            f"{taken}; {wanted}"
        )
    return outputs


def _kind(outputs: Tensor) -> Output:
    """What outputs are by their values: rows that sum to 1, rows whose exponentials do, or else."""
    if bool((outputs >= 0).all()) and _sums_to_one(outputs):
        return "probabilities"
    if bool((outputs <= 0).all()) and _sums_to_one(outputs.exp()):
        return "log-probabilities"
    return "logits"


def _sums_to_one(values: Tensor) -> bool:
    return bool(((values.sum(dim=1) - 1).abs() < TOLERANCE).all())


def _require_parameters(spec: ModelSpec, network: nn.Module) -> None:
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ExtensionError(
            f"'{spec.name}' has no parameter that is trained; set its layers as attributes in "
            "__init__, and requires_grad to True"
        )


def _require_same_start(spec: ModelSpec, network: nn.Module) -> None:
    import torch

    again = _built(spec.name, spec.build).state_dict()
    first = network.state_dict()
    if first.keys() != again.keys() or not all(
        torch.equal(tensor, again[name]) for name, tensor in first.items()
    ):
        raise ExtensionError(
            f"'{spec.name}' has other first weights each time it is built from the same seed; draw "
            "them by torch's global generator alone, such as torch.nn.init"
        )


def _require_outputs(spec: ModelSpec, outputs: Tensor) -> None:
    _require_count(spec, outputs)
    if spec.output != "logits" and _kind(outputs) != spec.output:
        raise ExtensionError(
            f"'{spec.name}' declares its outputs as {spec.output}, and a forward pass gives "
            f"{_kind(outputs)}; end it with the layer that is missing, or leave output out"
        )


def _require_count(spec: ModelSpec, outputs: Tensor) -> None:
    if outputs.shape[1] != spec.classes:
        raise ExtensionError(
            f"'{spec.name}' has {outputs.shape[1]} outputs for each sample, and classes="
            f"{spec.classes} is declared; change one of them"
        )


def _require_repeatable(spec: ModelSpec, network: nn.Module, inputs: Tensor) -> None:
    import torch

    given = inputs.clone()
    with torch.no_grad():
        first = _forward(spec.name, network, given).clone()
        _require_unchanged(spec, given, inputs)
        second = _forward(spec.name, network, given)
    if not torch.equal(first, second):
        raise _not_repeatable(spec)


def _not_repeatable(spec: ModelSpec) -> ExtensionError:
    return ExtensionError(
        f"'{spec.name}' gives two different outputs for the same input and weights in eval "
        "mode; draw random numbers only where self.training is true, as torch.nn.Dropout does"
    )


def _require_unchanged(spec: ModelSpec, given: Tensor, inputs: Tensor) -> None:
    import torch

    if not torch.equal(given, inputs):
        raise ExtensionError(
            f"'{spec.name}' changes its input in place; write x = x - 1 instead of x -= 1, and "
            "leave inplace=True out of the first layer"
        )


def _require_learning(spec: ModelSpec, network: nn.Module, inputs: Tensor) -> None:
    """Checks that the loss of one batch, half of it of either of two classes, falls."""
    import torch

    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=LEARNING_RATE)
    labels = torch.arange(SAMPLES) % 2
    losses: list[float] = []
    network.train()
    for _ in range(STEPS):
        given = inputs.clone()
        loss = _loss(_forward(spec.name, network, given), labels, spec.output)
        _require_unchanged(spec, given, inputs)
        optimiser.zero_grad()
        try:
            loss.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise ExtensionError(
                f"'{spec.name}' cannot be trained: {said(error)}; compute its outputs from its "
                "parameters by torch's operators, without detach() or no_grad()"
            ) from error
        optimiser.step()
        losses.append(loss.item())
        if sum(losses[-3:]) / 3 < FALLS_TO * losses[0] and len(losses) >= 3:
            return
    raise ExtensionError(
        f"'{spec.name}' does not learn one batch: after {STEPS} steps of Adam its loss is "
        f"{losses[-1]:.3f}, and {losses[0]:.3f} at first; look whether its outputs depend on its "
        "parameters"
    )


def _loss(outputs: Tensor, labels: Tensor, kind: Output) -> Tensor:
    """The mean negative log-likelihood that fits the kind of outputs."""
    from torch.nn import functional

    if kind == "logits":
        return functional.cross_entropy(outputs, labels)
    log_probabilities = outputs if kind == "log-probabilities" else outputs.clamp_min(1e-12).log()
    return functional.nll_loss(log_probabilities, labels)
