"""What the overhead report shows of execution modes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.cells.fitting import image_models, twins
from bench.overhead.data import MODE_BATCH, MODE_EPOCHS, TRAIN_PICTURES
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
from bench.overhead.ratios import Row, rows
from bench.records import kinds

# Those of a table, so that it is narrow enough to read.
GROUPS = {
    "run by torch as it is": (CHANNELS_LAST, BFLOAT16, INT8),
    "compiled at the first call": (COMPILED, COMPILED_INT8),
    "exported": (AOT_INDUCTOR, ONNX_RUNTIME),
}
QUICK = GROUPS["run by torch as it is"]


@dataclass(frozen=True, kw_only=True)
class Fastest:
    """The networks that a mode runs fastest.

    Attributes:
        mode: Its name.
        speedups: By network, how many times as fast as eager it is.
    """

    mode: str
    speedups: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class ModesView:
    """The section on execution modes.

    Attributes:
        rows: By network, how many times as fast each mode is as eager.
        groups: By what a table is about, the modes in it.
        slow: Modes whose preparation takes long.
        quick: The other modes that were measured.
        quick_seconds: The longest preparation of those.
        answers: By network and mode, what it answered.
        changing: Modes that change an answer of some network.
        unchanging: Modes that change none of any.
        tested: Pictures that each network answers.
        fastest: By mode, the networks that it runs fastest among the modes that change no answer of
            them and are faster than eager beyond the interval.
        left: Networks that no such mode runs faster.
        failures: Network, mode and reason of what failed, a line each.
        twins: By network measured, those that are the same one.
        rounds: Rounds of each.
        batch: Pictures of a forward pass.
        epochs: Epochs that each network was trained.
        train_pictures: Pictures of an epoch.
    """

    rows: tuple[Row, ...]
    groups: dict[str, tuple[str, ...]]
    slow: tuple[str, ...]
    quick: tuple[str, ...]
    quick_seconds: float
    answers: dict[str, dict[str, kinds.Answers]]
    changing: tuple[str, ...]
    unchanging: tuple[str, ...]
    tested: int
    fastest: tuple[Fastest, ...]
    left: tuple[str, ...]
    failures: tuple[str, ...]
    twins: dict[str, tuple[str, ...]]
    rounds: int
    batch: int = MODE_BATCH
    epochs: int = MODE_EPOCHS
    train_pictures: int = TRAIN_PICTURES


def modes_view(found: list[kinds.Overhead]) -> ModesView | None:
    """The section, from the records of all parts; None where no network ran in eager mode."""
    here = [record for record in found if record.part == "inference"]
    shown = rows(here, "inference", EAGER, as_speed=True)
    if not shown:
        return None
    there = {record.contender for record in here} - {EAGER}
    answers = {
        row.model: {r.contender: r.answers for r in here if r.model == row.model and r.answers}
        for row in shown
    }
    changing = {
        mode for given in answers.values() for mode, answer in given.items() if answer.changed
    }
    answering = {mode for given in answers.values() for mode in given} - {EAGER}
    best = {row.model: _fastest(row, answers[row.model]) for row in shown}
    ordered = [mode for group in GROUPS.values() for mode in group if mode in there]
    quick = tuple(mode for mode in ordered if mode in QUICK)
    return ModesView(
        rows=shown,
        groups={
            name: kept
            for name, modes in GROUPS.items()
            if (kept := tuple(mode for mode in modes if mode in there))
        },
        slow=tuple(mode for mode in ordered if mode not in QUICK),
        quick=quick,
        quick_seconds=max((row.first.get(mode, 0.0) for row in shown for mode in quick), default=0),
        answers=answers,
        changing=tuple(mode for mode in ordered if mode in changing),
        unchanging=tuple(mode for mode in ordered if mode in answering - changing),
        tested=max(answer.tested for given in answers.values() for answer in given.values()),
        fastest=_by_mode(best),
        left=tuple(model for model, mode in best.items() if mode is None),
        failures=tuple(f"{r.model}, {r.contender}: {r.error}" for r in here if r.error),
        twins={
            model: same
            for model, same in twins(image_models()).items()
            if same and model in answers
        },
        rounds=max(len(record.seconds) for record in here),
    )


def _fastest(row: Row, answers: Mapping[str, kinds.Answers]) -> tuple[str, float] | None:
    """The fastest mode that changes no answer and is surely faster than eager, with its ratio."""
    unchanged = [
        (mode, ratio.ratio)
        for mode, ratio in row.ratios.items()
        if ratio and ratio.low > 1 and mode in answers and answers[mode].changed == 0
    ]
    return max(unchanged, key=lambda item: item[1], default=None)


def _by_mode(best: Mapping[str, tuple[str, float] | None]) -> tuple[Fastest, ...]:
    speedups: dict[str, dict[str, float]] = {}
    for model, found in best.items():
        if found is not None:
            mode, ratio = found
            speedups.setdefault(mode, {})[model] = ratio
    return tuple(Fastest(mode=mode, speedups=models) for mode, models in speedups.items())
