"""What commands and workers load: told by sys.modules, because a clock depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.programs import REPOSITORY, outside_pytest

HEAVY = (
    "torch",
    "torchvision",
    "pandas",
    "scipy",
    "sklearn",
    "matplotlib",
    "joblib",
    "rich",
    "PIL",
    "distributed",
)
COMMANDS = {
    "bench.compare": ["--models", "lenet6"],
    "bench.suite": ["--models", "lenet6"],
    "bench.suite.track": ["--models", "lenet6"],
    "bench.profile": ["--seeds", "0"],
    "bench.report": ["nowhere"],
    "bench.rates": ["nowhere"],
    "bench.verify": ["nowhere"],
    "bench.predict": ["nowhere", "lenet", "picture.png"],
    "bench.export": ["nowhere", "lenet", "lenet.onnx"],
    "bench.diff": ["nowhere", "nowhere"],
    "bench.doctor": ["--nonsense"],
    "bench.merge": ["nowhere", "nowhere", "--name", "x"],
    "bench.counting": ["--nonsense"],
    "bench.overhead": ["--nonsense"],
    "bench.claims": ["--claims", "nowhere.toml"],
    "bench.choose": ["--nonsense"],
    "bench.site": ["--reports", "nowhere"],
    "bench.time_to_accuracy": ["--models", "lenet6"],
    "zoo": ["lenet6"],
    "zoo.counting": ["--nonsense"],
}
# Given commands, one after the other: each one's exit code, and all that is loaded after it.
PROGRAM = """
import json, runpy, sys
for module, *arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as error:
        status = error.code
    print()
    print(json.dumps([status, sorted(name for name in sys.modules if "." not in name)]))
"""
# What a run loads itself, of that which takes long.
ALL_OF_THEM = """
import runpy, sys
module, *sys.argv[1:] = sys.argv[1:]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as error:
    assert error.code == 0
names = ("matplotlib", "torch", "torch._dynamo", "torch._inductor", "triton")
print([name for name in names if name in sys.modules])
"""


def loaded(*commands: Sequence[str]) -> list[tuple[int, set[str]]]:
    """Of each command its exit code and the top-level modules in their process at its end."""
    said = run(PROGRAM, json.dumps(commands)).splitlines()
    ended = [json.loads(line) for line in said if line.startswith("[")]
    return [(status, set(modules)) for status, modules in ended]


def run(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        env=outside_pytest(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout


def test_help_and_a_wrong_request_load_nothing_heavy() -> None:
    asked = [
        (module, *arguments)
        for module, wrong in COMMANDS.items()
        for arguments in (["--help"], wrong)
    ]
    for command, (status, modules) in zip(asked, loaded(*asked), strict=True):
        assert status == (0 if "--help" in command else 2), command
        assert not modules.intersection(HEAVY), command


def test_reports_are_rebuilt_without_torch(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("digits-common-cpu", "mnist-document-cpu")]
    for folder in folders:
        folder.mkdir()
        records = REPOSITORY / "reports" / folder.name / "records.jsonl"
        (folder / "records.jsonl").symlink_to(records)
    ended = loaded(*(("bench.report", str(folder)) for folder in folders))
    assert len(ended) == len(folders)
    for status, modules in ended:
        assert status == 0
        assert not modules.intersection({"torch", "torchvision", "sklearn", "joblib"})
    assert all((folder / "report.md").is_file() for folder in folders)


def test_a_worker_loads_what_training_needs_and_no_more() -> None:
    program = (
        "import json, sys, bench.cells.jobs, bench.cells.train; print(json.dumps([*sys.modules]))"
    )
    modules = set(json.loads(run(program)))
    assert "torch" in modules
    assert not modules.intersection(HEAVY) - {"torch"}


def test_a_run_leaves_torchs_compiler_to_the_processes_that_train(tmp_path: Path) -> None:
    # It takes a second of the way to the first cell, and with it triton one of the way out. Of what
    # `net`'s document claims, one check needs an optimiser, which loads the compiler.
    options = ["--models", "net", "--epochs", "1", "--seeds", "2"]
    where = ["--devices", "cpu", "--jobs", "2", "--rounds", "1", "--reports", str(tmp_path)]
    modules = run(ALL_OF_THEM, "bench.compare", *options, *where).splitlines()[-1]
    assert modules == "['matplotlib', 'torch']"
