"""What a run declares before its first cell: families, primary question, margins, when it stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.cells.plan import Plan, Request
from bench.records import kinds
from bench.records.store import digest
from bench.statistics.basics import ALPHA
from bench.statistics.design import MODELS, QUESTIONS
from bench.statistics.sequential import SPENDING
from bench.statistics.speed import MARGINS


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The question that a run is asked first of all.

    Attributes:
        name: The question in words, to be used in a sentence, where it is one to the design.
        model: Else the network that is compared with the baseline; None if there is none.
        device: Where.
    """

    name: str | None
    model: str | None
    device: str

    def is_of(self, device: str) -> bool:
        """Whether it is a question to the design on a device."""
        return self.name is not None and self.device == device


def primary(models: Sequence[str], baseline: str, device: str) -> Primary:
    """The primary question, which follows from the request alone.

    With all six networks of the design it is the design's first question, ReLU instead of sigmoid;
    else the first network that is asked for beside the baseline.

    Args:
        models: The networks of the run, in the order asked for.
        baseline: The one that the others are compared with.
        device: The first device.
    """
    if has_design(models):
        return Primary(name=QUESTIONS[0].name, model=None, device=device)
    others = [model for model in models if model != baseline]
    return Primary(name=None, model=others[0] if others else None, device=device)


def has_design(models: Sequence[str]) -> bool:
    """Whether all six networks of the design of activation and pooling are among these."""
    return set(MODELS) <= set(models)


def declare(request: Request, planned: Plan) -> kinds.Declaration:
    """The declaration of a request; the same request makes the same one."""
    return declaration_of(
        models=planned.models,
        baseline=planned.baseline,
        margin=request.margin,
        devices=request.devices,
        seeds=request.seeds,
        looks=request.looks,
    )


def declaration_of(
    *,
    models: Sequence[str],
    baseline: str,
    margin: float,
    devices: tuple[str, ...],
    seeds: tuple[int, ...],
    looks: tuple[int, ...] = (),
) -> kinds.Declaration:
    """The declaration of a run of these networks; see `kinds.Declaration`."""
    asked = primary(models, baseline, devices[0])
    families = {f"against {baseline}": tuple(m for m in models if m != baseline)}
    if has_design(models):
        families["activation and pooling"] = tuple(question.name for question in QUESTIONS)
    content: dict[str, Any] = {
        "families": families,
        "primary": asked.name or (f"{asked.model} against {baseline}" if asked.model else "none"),
        "level": ALPHA,
        "margin": margin,
        "speed_margins": asdict(MARGINS),
        "devices": devices,
        "seeds": seeds,
        "looks": looks,
        "spending": SPENDING if looks else None,
    }
    fields = {**content, "speed_margins": kinds.SpeedMargins(**asdict(MARGINS))}
    return kinds.Declaration(key=digest(content), **fields)
