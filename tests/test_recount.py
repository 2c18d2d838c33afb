"""What `bench.verify` makes again beside training: counts and reference predictors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.verify import retrain as verification
from bench.verify.__main__ import main
from tests.lines import Line, read_lines, write_lines


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains nothing again, where a test is about what lies beside it."""
    monkeypatch.setattr(verification, "_retrain", lambda *_: ())


@pytest.fixture
def changed(trained_report: Path, tmp_path: Path) -> Callable[..., str]:
    """Copies a report, and changes a field of each record of a kind by hand."""

    def change(kind: str, change: Callable[[Line], object]) -> str:
        folder = tmp_path / "changed"
        shutil.copytree(trained_report, folder)
        lines = read_lines(folder)
        for line in lines:
            if line["kind"] == kind:
                change(line)
        write_lines(folder, lines)
        return str(folder)

    return change


@pytest.mark.usefixtures("untrained")
def test_a_count_that_was_changed_by_hand_is_named(
    changed: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    # The document's 784 x 512 + 512 x 256 + 256 x 128 + 128 x 64 + 64 x 10 multiply-accumulates.
    folder = changed("count", lambda line: line.update(macs=line["macs"] + 1))
    assert main([folder, "--cells", "1"]) == 1
    out = capsys.readouterr().out
    assert "differs: count of dnn: macs: recorded 574081, now 574080" in out
    assert "3 differ from their records" in out  # those of lenet and net, too


@pytest.mark.usefixtures("untrained")
def test_a_reference_predictor_that_was_changed_by_hand_is_named(
    changed: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    def one_parameter_more(line: Line) -> None:
        if line["baseline"] == "logistic regression":
            line["parameters"] += 1

    assert main([changed("baseline", one_parameter_more), "--cells", "1"]) == 1
    out = capsys.readouterr().out
    # (784 + 1) x 10
    found = "logistic regression on 360 test samples: parameters: recorded 7851, now 7850"
    assert f"differs: {found}" in out
    assert "1 differ from their records" in out
