"""A session of pytest over workloads that the caller chooses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.cells.plan import Cell, Request
from bench.runner import plan_here
from bench.timing.protocol import PHASES, Workload
from bench.timing.workloads import plan_workloads

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130

Workloads = Mapping[Workload, Cell]
GIVEN = pytest.StashKey[Workloads]()  # where `conftest.py` finds them

_FOLDER = Path(__file__).parent


def workloads(request: Request) -> Workloads:
    """The workloads of a request, each with a cell that has its network and recipe.

    Raises:
        RequestError: The request cannot be carried out here.
    """
    # Phase by phase, so that the networks of one table are timed close to each other.
    chosen = plan_workloads(request, plan_here(request))
    return dict(
        sorted(
            chosen.items(),
            key=lambda item: (request.devices.index(item[0].device), PHASES.index(item[0].phase)),
        )
    )


def run(chosen: Workloads, *options: str, quiet: bool) -> int:
    """Times the workloads one after the other; the exit code of a command that does just that.

    Args:
        chosen: What to time.
        options: Further options of pytest and pytest-benchmark.
        quiet: Prints failures only.

    Returns:
        0 if all were timed, 1 if some failed, 130 if the user stopped it.
    """
    if quiet:
        options = (*options, "-qq", "--no-header", "--benchmark-quiet")
    status = pytest.main(
        [str(_FOLDER), "-c", str(_FOLDER / "pytest.ini"), *options], plugins=[_Giver(chosen)]
    )
    if status == pytest.ExitCode.INTERRUPTED:
        return EXIT_INTERRUPTED
    return 0 if status == pytest.ExitCode.OK else EXIT_FAILED


class _Giver:
    """Hands the workloads to the session."""

    def __init__(self, chosen: Workloads) -> None:
        self.chosen = chosen

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[GIVEN] = self.chosen
