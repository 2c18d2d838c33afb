"""Trained networks in other formats: the file answers as the network does, or is not written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import bench
import zoo
from bench.export import __main__ as export
from bench.export.checked import TOLERANCE, ExportError, agreement
from bench.export.formats import ABOUT_FILE
from tests.lines import read_lines


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(784, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        outputs: Tensor = self.output(pictures.flatten(1).relu())
        return outputs


class Negative(Small):
    """The same weights, and other answers."""

    def forward(self, pictures: Tensor) -> Tensor:
        return -super().forward(pictures)


class BatchDependent(Small):
    """What a trace of two samples does not see: with more of them, the outputs are doubled."""

    def forward(self, pictures: Tensor) -> Tensor:
        outputs = super().forward(pictures)
        return outputs * 2 if len(pictures) > 2 else outputs


def spec_of(build: Callable[[], nn.Module]) -> zoo.ModelSpec:
    return replace(zoo.get("dnn"), layers=None, build=build)


def trained(build: Callable[[], nn.Module], reports: Path) -> Path:
    with zoo.temporary(spec_of(build)):
        return bench.run(
            "dnn", seeds=1, epochs=1, reports=reports, devices=["cpu"], rounds=0
        ).folder


def command(report: Path, *arguments: str | Path) -> int:
    return export.main([str(report), *map(str, arguments)])


def by_onnx(path: Path) -> tuple[Callable[[Tensor], Tensor], dict[str, str]]:
    import onnx
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    about = {entry.key: entry.value for entry in onnx.load(path).metadata_props}

    def forward(batch: Tensor) -> Tensor:
        (outputs,) = session.run(["outputs"], {"samples": batch.numpy()})
        return torch.from_numpy(outputs)

    return forward, about


def by_torchscript(path: Path) -> tuple[Callable[[Tensor], Tensor], dict[str, str]]:
    extra = {ABOUT_FILE: ""}
    ready = torch.jit.load(path, _extra_files=extra)  # type: ignore[no-untyped-call]
    return ready, json.loads(extra[ABOUT_FILE])


def by_torch_export(path: Path) -> tuple[Callable[[Tensor], Tensor], dict[str, str]]:
    extra = {ABOUT_FILE: ""}
    program = torch.export.load(path, extra_files=extra)
    return program.module(), json.loads(extra[ABOUT_FILE])


@pytest.mark.filterwarnings("ignore")  # of torch's exporters, about themselves
@pytest.mark.parametrize(
    ("ending", "opened"),
    [(".onnx", by_onnx), (".pt", by_torchscript), (".pt2", by_torch_export)],
)
def test_a_file_gives_what_the_network_gives_for_a_batch_of_any_size(
    trained_report: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ending: str,
    opened: Callable[[Path], tuple[Callable[[Tensor], Tensor], dict[str, str]]],
) -> None:
    path = tmp_path / f"lenet{ending}"
    assert command(trained_report, "lenet", path, "--seed", "2") == 0
    assert "360 of 360 test samples are answered alike" in capsys.readouterr().out
    forward, about = opened(path)
    network = bench.load_trained(trained_report, "lenet", seed=2)
    for size in (1, 5):
        batch = torch.randn(size, 1, 28, 28, generator=torch.Generator().manual_seed(size))
        with torch.no_grad():
            torch.testing.assert_close(forward(batch), network(batch), rtol=1e-4, atol=1e-4)
    (record,) = (
        line
        for line in read_lines(trained_report)
        if line["kind"] == "train" and (line["model"], line["seed"]) == ("lenet", 2)
    )
    assert about["weights_sha256"] == record["weights_sha256"]
    assert json.loads(about["input_shape"]) == ["batch", 1, 28, 28]
    assert (json.loads(about["mean"]), json.loads(about["std"])) == ([0.1307], [0.3081])
    assert json.loads(about["classes"]) == [*"0123456789"]


def test_a_file_that_answers_otherwise_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = trained(BatchDependent, tmp_path)
    path = tmp_path / "out" / "mine.pt"
    with zoo.temporary(spec_of(BatchDependent)):
        assert command(report, "dnn", path) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "was not written: the file answers otherwise than the network" in line
    assert not path.parent.exists()


def test_a_network_whose_code_has_changed_since_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = trained(Small, tmp_path)
    path = tmp_path / "mine.pt"
    with zoo.temporary(spec_of(Negative)):
        assert command(report, "dnn", path) == 2
    assert "is not the network that it was" in capsys.readouterr().err
    assert not path.exists()
    with zoo.temporary(spec_of(Small)):
        assert command(report, "dnn", path) == 0


def test_outputs_agree_within_rounding_and_no_further() -> None:
    expected = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    near = expected + torch.tensor([[0.0, 0.0], [0.0, 2 * TOLERANCE]])
    # the largest output is 3, so that 3 * TOLERANCE are allowed
    assert agreement(expected, near).holds
    assert not agreement(expected, expected + 4 * TOLERANCE).holds
    swapped = agreement(expected, expected.flip(1))
    assert (swapped.samples, swapped.changed, swapped.largest) == (2, 2, 3.0)
    assert not swapped.holds


def test_no_number_and_infinity_agree_with_themselves_alone() -> None:
    infinite = torch.tensor([[0.0, -torch.inf]])  # the logarithm of a probability of 0
    assert agreement(infinite, infinite.clone()).holds
    assert not agreement(infinite, torch.tensor([[0.0, -50.0]])).holds
    assert not agreement(torch.zeros(1, 2), torch.tensor([[0.0, torch.nan]])).holds
    with pytest.raises(ExportError, match="shape"):
        agreement(torch.zeros(2, 3), torch.zeros(2, 4))


def test_wrong_requests_for_a_file_end_with_2_and_one_line(
    trained_report: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as if it were not installed
    (tmp_path / "folder.pt").mkdir()
    for name, said in (
        ("lenet.h5", "names no format; end it in one of .onnx (ONNX), .pt (TorchScript)"),
        ("lenet.onnx", "ONNX needs onnxscript: pip install onnxscript"),
        ("folder.pt", "is a folder"),
    ):
        assert command(trained_report, "lenet", tmp_path / name) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert command(trained_report, "lenet9", tmp_path / "lenet.pt") == 2
    assert not (tmp_path / "lenet.pt").exists()


def test_data_that_are_not_what_they_were_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        for digit in range(4):
            Image.new("L", (28, 28), 60 * digit).save(tmp_path / part / f"a{digit}.png")
    dataset = f"pictures:{tmp_path}"
    options: dict[str, Any] = {"dataset": dataset, "seeds": 1, "epochs": 1, "devices": ["cpu"]}
    report = bench.run("dnn", reports=tmp_path / "reports", rounds=0, **options).folder
    path = tmp_path / "mine.pt"
    assert command(report, "dnn", path) == 0
    path.unlink()
    capsys.readouterr()
    Image.new("L", (28, 28), 99).save(tmp_path / "test" / "a1.png")
    assert command(report, "dnn", path) == 2
    assert "is not what dnn seed 1 cpu was trained and tested on" in capsys.readouterr().err
    assert not path.exists()
