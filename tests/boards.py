"""TensorBoard on the loopback, asked as its page asks it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 180  # for a server to start and load what lies there, on a busy machine

# No proxy stands between this machine and itself.
_BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(address: str, **query: str) -> bytes:
    """What a server answers."""
    question = f"?{urllib.parse.urlencode(query)}" if query else ""
    with _BROWSER.open(f"{address}{question}", timeout=10) as answer:
        content: bytes = answer.read()
    return content


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def until(expected: Callable[[], bool]) -> None:
    """Waits until something holds; fails when it takes too long."""
    end = time.monotonic() + START_SECONDS
    last: object = None
    while time.monotonic() < end:
        try:
            if expected():
                return
        except OSError as not_yet:
            last = not_yet
        time.sleep(0.5)
    raise AssertionError(f"not after {START_SECONDS} s; the last error was: {last}")


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server as long as the block lasts; what it says is in the log."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def board(folder: Path, log: Path) -> Iterator[Callable[..., Any]]:
    """Asks the plugins of a TensorBoard on a folder: `ask("scalars/tags")`, from JSON."""
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--load_fast", "false"]
    with running([*command, *options], log) as server:

        def ask(route: str, **query: str) -> Any:
            if server.poll() is not None:
                raise AssertionError(f"TensorBoard has ended:\n{log.read_text()}")
            return json.loads(get(f"http://127.0.0.1:{port}/data/plugin/{route}", **query))

        yield ask
