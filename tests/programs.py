"""Runs the project's commands as users do: in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def outside_pytest() -> dict[str, str]:
    """The environment without pytest's own variables.

    pytest-benchmark measures nothing where it finds a worker of pytest-xdist around it.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def run_module(
    module: str, *arguments: str, folder: Path = REPOSITORY
) -> subprocess.CompletedProcess[str]:
    """What `python -m MODULE` does in a folder: its exit code and what it prints."""
    return _run("-m", module, *arguments, folder=folder)


def run_program(program: str, folder: Path = REPOSITORY) -> str:
    """What a program prints that a new Python runs in a folder; it must end with 0."""
    done = _run("-c", program, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
