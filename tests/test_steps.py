"""What is found out of a step before it is measured."""

from __future__ import annotations

import pytest
import torch

from bench.timing import steps
from bench.timing.steps import peak_bytes, warm_up


def test_peak_bytes_count_what_is_held_at_once() -> None:
    def together() -> list[torch.Tensor]:
        return [torch.zeros(1_000_000), torch.zeros(1_000_000)]  # 4 MB each

    def one_after_the_other() -> None:
        for _ in range(2):
            torch.zeros(1_000_000)

    assert peak_bytes(together) == 8_000_000
    assert peak_bytes(one_after_the_other) == 4_000_000


def test_what_was_there_before_is_let_go_without_being_counted() -> None:
    # Blocks of one profile that are let go in the next have a size there that torch remembers.
    held = [torch.empty(0)]

    def keeps() -> None:
        held[0] = torch.zeros(2_000_000)

    def replaces() -> None:
        held[0] = torch.empty(0)
        torch.zeros(1_000_000)

    assert peak_bytes(keeps) == 8_000_000
    assert peak_bytes(replaces) == 4_000_000


def test_warming_up_takes_the_fastest_step_but_not_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(steps, "WARM_UP_SECONDS", 3)
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    seconds = iter([0.1, 0.5, 0.4, 0.6, 0.3, 0.2])
    # read at 0: until 3; steps of 0.5 before, and of 0.4 and 0.6 at 1 and 2; at 3 it is over
    assert warm_up(lambda _: next(seconds)) == 0.4
