"""The way to a cluster: its address, its scheduler, its first workers, or why there are none."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cluster.address import require_address
from bench.cluster.expected import Expected
from bench.cluster.workers import Workers
from bench.records.errors import ClusterLostError, RequestError
from bench.records.text import one_line

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS = 30.0  # for a scheduler
JOIN_SECONDS = 60.0  # for a first worker, which a queue or a cloud may have to start


_TALKING = ("distributed", "tornado", "asyncio")  # loggers, with all below them


@contextmanager
def connected(address: str, expected: Expected, say: Callable[[str], None]) -> Iterator[Workers]:
    """The workers of a cluster, of which one at least can train on each device.

    Args:
        address: Of the scheduler, or its scheduler file.
        expected: What workers must have.
        say: Told in a line what a user should know.

    Raises:
        RequestError: There is no scheduler, or no worker that can.
    """
    require_address(address)
    with _quiet():
        client = _client(address)
        try:
            say(f"the cluster at {address} has {_dashboard(client)}")
            workers = Workers(client, expected, say)
            _wait_for_first(workers, address)
            with workers.watched():
                yield workers
        finally:
            client.close(timeout=5)


def _client(address: str) -> Client:
    from distributed import Client

    where: dict[str, Any] = {"address": address}
    if Path(address).is_file():
        where = {"scheduler_file": address}
    try:
        with warnings.catch_warnings(action="ignore"):  # of versions, which are compared exactly
            return Client(**where, timeout=ANSWER_SECONDS, set_as_default=False, name="bench")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise RequestError(
            f"--cluster {address}: no scheduler answers there ({one_line(error)}); start one with "
            "`dask scheduler`, or give the address that it prints"
        ) from error


def _dashboard(client: Client) -> str:
    try:
        return f"its dashboard at {client.dashboard_link}"
    except KeyError:  # it was started without one
        return "no dashboard"


def _wait_for_first(workers: Workers, address: str) -> None:
    """Waits until there is a worker for every device.

    Raises:
        RequestError: There is none in time, or all that are there are refused.
    """
    patience = time.monotonic() + JOIN_SECONDS
    while True:
        try:
            workers.look()
        except OSError as error:
            raise ClusterLostError(f"the scheduler at {address} is lost") from error
        missing = [device for device in workers.expected.devices if not workers.slots(device)]
        if not missing:
            return
        if workers.refused and not workers.prepared:
            raise RequestError(f"--cluster {address}: {next(iter(workers.refused.values()))}")
        if time.monotonic() > patience or workers.prepared:
            gpu = " --resources GPU=1" if missing[0] == "cuda" else ""
            raise RequestError(
                f"--cluster {address} has no worker that can train on {missing[0]}; start one "
                f"where the suite is installed: dask worker {address}{gpu}"
            )
        time.sleep(0.5)


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, Dask says nothing of its own: what it would tell is told in one line.

    When the scheduler is lost it stays silent, because what was under way complains as it is
    collected, later than this.
    """
    import distributed  # noqa: F401 - sets levels of its own when it is loaded

    names = {
        *_TALKING,
        *(n for n in logging.root.manager.loggerDict if n.split(".")[0] in _TALKING),
    }
    before = {logging.getLogger(name): logging.getLogger(name).level for name in names}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    lost = False
    try:
        yield
    except ClusterLostError:
        lost = True
        raise
    finally:
        for logger, level in () if lost else before.items():
            logger.setLevel(level)
