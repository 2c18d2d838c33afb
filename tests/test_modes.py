"""Execution modes: the same answers, counted changes, preparation apart from running."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import zoo
from bench.cells.data import load
from bench.cells.fitting import image_models, twins
from bench.cells.splits import store, view
from bench.cli.progress import Progress
from bench.overhead import inference
from bench.overhead.inference import TrainedNetwork, compared
from bench.overhead.measure import Contender, Outcome
from bench.overhead.modes import MODES, Forward
from bench.overhead.modes_view import GROUPS, ModesView, modes_view
from bench.overhead.names import COMPILED, COMPILED_INT8, EAGER, INT8, ONNX_RUNTIME
from bench.overhead.parts import Part
from bench.overhead.run import begin, measure_parts
from bench.records import kinds
from bench.records.environment import Environment
from bench.records.store import Store, of_kind
from bench.writing.templates import render
from tests.factories import MACHINE

CLASSES = 10
COMPILING = [mode for mode, how in MODES.items() if how.kept and mode != ONNX_RUNTIME]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, CLASSES)
    ).eval()


def outputs(mode: str, network: nn.Module) -> tuple[Tensor, Tensor]:
    """Of eager torch, and of a mode."""
    for package in MODES[mode].needs:
        pytest.importorskip(package)
    pictures = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = network(pictures)
    with torch.no_grad():
        forward = MODES[mode].prepare(deepcopy(network), pictures)
        return expected, forward(pictures)


@pytest.mark.parametrize(
    "mode",
    [
        *(pytest.param(m, marks=pytest.mark.slow) for m in COMPILING if m != COMPILED_INT8),
        ONNX_RUNTIME,
    ],
)
def test_modes_in_float32_give_the_outputs_of_eager_torch(mode: str, network: nn.Module) -> None:
    expected, found = outputs(mode, network)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "mode", ["bfloat16", INT8, pytest.param(COMPILED_INT8, marks=pytest.mark.slow)]
)
def test_modes_with_fewer_bits_are_close_and_not_equal(mode: str, network: nn.Module) -> None:
    expected, found = outputs(mode, network)
    largest = float(expected.abs().max())
    # bfloat16 keeps 8 bits of a factor, int8 steps of 1/127 of the largest: a percent or two
    assert 0 < float((found.float() - expected).abs().max()) < 0.03 * largest


@pytest.fixture
def stored(tmp_path: Path) -> TrainedNetwork:
    spec = zoo.get("lenet")
    digits = load("digits", data_root=tmp_path, seed=0)
    split = view(replace(digits, test=digits.test[:100]), spec, spec.recipe)
    torch.manual_seed(0)
    save_file(spec.build().state_dict(), tmp_path / "weights.safetensors")
    return TrainedNetwork(
        model="lenet", weights=tmp_path / "weights.safetensors", split=store(split, tmp_path)
    )


def test_every_picture_is_answered_once_though_the_last_batch_is_filled_up(
    stored: TrainedNetwork,
) -> None:
    found = inference.answers(stored, "channels last")
    running = inference.Running(stored, EAGER)
    assert [len(batch) for batch in running.pictures()] == [64, 64]  # of 100 pictures
    pictures = torch.cat(list(running.pictures()))[:100]
    with torch.inference_mode():
        assert found.tolist() == running.forward(pictures).argmax(dim=1).tolist()


def test_a_changed_answer_is_counted_as_one() -> None:
    labels = np.array([3, 1, 4, 1])
    eager = np.array([3, 1, 4, 7])  # three right
    planted = np.array([3, 1, 5, 7])  # one of them is another now
    assert compared(planted, labels, eager) == kinds.Answers(tested=4, right=2, changed=1)
    assert compared(eager, labels, eager) == kinds.Answers(tested=4, right=3, changed=0)
    assert compared(planted, labels, None).changed is None


class Here(Contender):
    """Runs in this process."""

    def ask(self, function: Callable[..., Any], *subject: Any) -> Any:
        return function(*subject, *self.arguments)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mode that cannot take a network."""

    def fail(*_: object) -> Forward:
        raise NotImplementedError("no kernel for\nthis layer")

    monkeypatch.setitem(MODES, "broken", replace(MODES[EAGER], prepare=fail))
    monkeypatch.setattr(inference, "BLOCK_SECONDS", 0.001)


def of_modes(*modes: str) -> dict[str, Contender]:
    return {
        mode: Here(inference.forward_seconds, mode, ready=inference.ready_seconds) for mode in modes
    }


@pytest.mark.usefixtures("planted")
def test_a_mode_that_fails_has_its_reason_and_the_others_go_on(
    stored: TrainedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.zeros(100, dtype=np.int64)
    monkeypatch.setattr(inference, "_trained", lambda *_: (stored, labels))
    found = inference.measure(of_modes(EAGER, "broken", "channels last"), 2, "lenet", Path())
    error = found["broken"].error
    assert error is not None
    assert error.startswith("NotImplementedError: no kernel for")
    assert "\n" not in error
    for mode in (EAGER, "channels last"):
        outcome = found[mode]
        assert outcome.first is not None
        assert len(outcome.seconds) == 2
        assert outcome.answers is not None
        assert (outcome.answers.tested, outcome.answers.changed) == (100, 0)


class Counting:
    """A part's measuring that counts, and answers at once; what is in `fails` fails."""

    def __init__(self) -> None:
        self.visited: list[str] = []
        self.fails: set[str] = set()

    def __call__(self, contenders: Any, rounds: int, model: str) -> dict[str, Outcome]:
        self.visited.append(model)
        return {
            name: Outcome(error="no")
            if name in self.fails
            else Outcome(first=1.0, seconds=(1.0,) * rounds)
            for name in contenders
        }


def a_part(measure: Counting, *contenders: str) -> Part:
    return Part(
        name="step",
        title="a step",
        contenders={name: Here(float) for name in contenders},
        models=("lenet", "net"),
        rounds=6,
        measure=measure,
    )


def test_what_is_recorded_whole_is_not_measured_again(tmp_path: Path) -> None:
    records, measure, shown = Store(tmp_path / "overhead"), Counting(), Progress()
    begin(records, MACHINE, shown, fresh=False)
    assert measure_parts(records, [a_part(measure, "suite")], shown) == 0
    assert measure.visited == ["lenet", "net"]
    begin(records, MACHINE, shown, fresh=False)
    assert measure_parts(records, [a_part(measure, "suite")], shown) == 0
    assert measure.visited == ["lenet", "net"]
    assert len(of_kind(records.read(), kinds.Machine)) == 1


def test_a_contender_that_is_new_or_failed_brings_all_others_into_its_rounds(
    tmp_path: Path,
) -> None:
    records, measure, shown = Store(tmp_path / "overhead"), Counting(), Progress()
    begin(records, MACHINE, shown, fresh=False)
    measure_parts(records, [a_part(measure, "suite")], shown)
    measure.fails = {"new"}
    assert measure_parts(records, [a_part(measure, "suite", "new")], shown) == 2
    measure.fails = set()
    assert measure_parts(records, [a_part(measure, "suite", "new")], shown) == 0
    assert measure.visited == ["lenet", "net"] * 3


@pytest.mark.parametrize(
    ("here", "fresh"),
    [(MACHINE, True), (replace(MACHINE, packages={"torch": "2.1"}), False)],
)
def test_records_of_another_environment_are_set_aside(
    tmp_path: Path, here: Environment, fresh: bool
) -> None:
    records, measure, shown = Store(tmp_path / "overhead"), Counting(), Progress()
    begin(records, MACHINE, shown, fresh=False)
    measure_parts(records, [a_part(measure, "suite")], shown)
    begin(records, here, shown, fresh=fresh)
    assert [record.environment for record in of_kind(records.read(), kinds.Machine)] == [here]
    assert (tmp_path / "overhead" / "records.old-1.jsonl").exists()
    measure_parts(records, [a_part(measure, "suite")], shown)
    assert measure.visited == ["lenet", "net"] * 2


def test_equal_networks_are_measured_once() -> None:
    found = twins(image_models())
    assert found["lenet"] == ("lenet5-relu-max",)
    assert found["cnn"] == ("lenet5-tanh-avg",)
    assert "lenet5-relu-max" not in found


def record(model: str, mode: str, each: float, **changes: Any) -> kinds.Overhead:
    fields: dict[str, Any] = {
        "key": f"{model} {mode}",
        "experiment": kinds.OVERHEAD,
        "part": "inference",
        "model": model,
        "contender": mode,
        "first": 0.01,
        "seconds": (each,) * 8,
        "answers": kinds.Answers(tested=10_000, right=9_700, changed=0),
        **changes,
    }
    return kinds.Overhead(**fields)


RECORDS = [
    record("lenet", EAGER, 0.004),
    record("lenet", INT8, 0.001, answers=kinds.Answers(tested=10_000, right=9_696, changed=7)),
    record("lenet", COMPILED, 0.002, first=4.56),
    record("net", EAGER, 0.004),
    record("net", INT8, 0.005, first=0.02),
    record("net", COMPILED, 1.0, first=None, seconds=(), answers=None, error="NoCompiler: no g++"),
]


def test_the_fastest_mode_is_one_that_changes_no_answer() -> None:
    view = modes_view(RECORDS)
    assert view is not None
    (best,) = view.fastest
    assert best.mode == COMPILED
    assert best.speedups == {"lenet": pytest.approx(2.0)}
    assert view.left == ("net",)  # compiling failed, and int8 is slower
    assert view.quick_seconds == 0.02
    assert modes_view([]) is None


def test_the_section_shows_speed_preparation_and_changed_answers_apart() -> None:
    page = section(RECORDS)
    assert "*compiled* for `lenet` (2.00)." in page
    assert "No mode that changes no answer is faster than eager for `net`." in page
    assert "| `lenet` | 4.00 | 4.00 (4.00 to 4.00) |" in page  # int8
    assert "| `net` | 4.00 | 0.80 (0.80 to 0.80) |" in page
    assert "| `lenet` | 4.00 | 2.00 (2.00 to 2.00) |" in page  # compiled
    assert "| `net` | 4.00 | failed |" in page
    assert "| `lenet` | 4.6 | | `net` | failed |" in page  # preparation
    assert "The others (int8) need at most 0.02 s." in page
    assert "| `lenet` | 97.00% | 7 (96.96%) | | `net` | 97.00% | 0 (97.00%) |" in page
    assert "compiled changes no answer of any network." in page
    assert "- net, compiled: NoCompiler: no g++" in page
    assert "`lenet5-relu-max` is the same network as `lenet`" in page


@dataclass(frozen=True, kw_only=True)
class Section:
    modes: ModesView | None


def section(records: list[kinds.Overhead]) -> str:
    shown = Section(modes=modes_view(records))
    return " ".join(render(Path(inference.__file__).parent, "modes", shown).split())


def test_every_mode_has_a_place_in_a_table_and_its_sentence() -> None:
    grouped = [mode for modes in GROUPS.values() for mode in modes]
    assert sorted([EAGER, *grouped]) == sorted(MODES)
    page = section(RECORDS)
    for mode in MODES:
        assert f"- *{mode}*: " in page
