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
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**outside_pytest(), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
