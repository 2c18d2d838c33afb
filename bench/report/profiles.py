"""Where the time of a training step goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.results.runs import Results
from bench.writing.templates import render

PROFILE = "profile"  # the experiment's name in the records


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """What one operator takes of a network's training step.

    Attributes:
        model: Registry name.
        device: Where it was profiled.
        operator: Torch's name of it, or words for what is no operator.
        share: Its part of all time, without the operators that it calls.
        calls_per_step: How often a training step calls it.
    """

    model: str
    device: str
    operator: str
    share: float
    calls_per_step: float

    @property
    def is_torch(self) -> bool:
        """Whether it is an operator of torch's: those have a namespace."""
        return ":" in self.operator


@dataclass(frozen=True, kw_only=True)
class ProfilesView:
    """What the section on training time shows.

    Attributes:
        largest: For each operator that takes most of some network's step, all of those steps;
            the commonest operator first.
        rows: All operators of each network, the largest first, all others last.
    """

    largest: tuple[tuple[OperatorTime, ...], ...]
    rows: tuple[OperatorTime, ...]


def profiles(results: Results) -> str:
    """The split of training time by operator; nothing if no network has been profiled."""
    view = profiles_view(results)
    return render(Path(__file__).parent, "profiles", view) if view.rows else ""


def profiles_view(results: Results) -> ProfilesView:
    """The profiled operators of all networks."""
    by_network = [
        tuple(
            OperatorTime(
                model=profile.model,
                device=profile.device,
                operator=time.operator,
                share=time.self_time_share,
                calls_per_step=time.calls / profile.steps,
            )
            for time in profile.operators
        )
        for profile in results.profiles
    ]
    return ProfilesView(
        largest=_by_operator(times[0] for times in by_network),
        rows=tuple(time for times in by_network for time in times),
    )


def _by_operator(times: Iterable[OperatorTime]) -> tuple[tuple[OperatorTime, ...], ...]:
    grouped: dict[str, list[OperatorTime]] = {}
    for time in times:
        grouped.setdefault(time.operator, []).append(time)
    return tuple(map(tuple, sorted(grouped.values(), key=len, reverse=True)))
