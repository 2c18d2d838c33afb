from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

import bench

# A machine that others use is slow now and then, so no example has a deadline. `nox -s slow` takes
# the thorough profile.
settings.register_profile("suite", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("suite")


# Files that take half a minute or more begin first, the longest before the others: a process that
# begins a long one last keeps the others waiting.
LONG = (
    "test_cluster.py",
    "test_kills.py",
    "test_compare.py",
    "test_suite.py",
    "test_profile.py",
    "test_frame.py",
    "test_outcomes.py",
    "test_light_starts.py",
    "test_counting_run.py",
    "test_until_settled.py",
    "test_claims.py",
    "test_figures.py",
    "test_verify.py",
    "test_train.py",
    "test_rates.py",
    "test_own_file.py",
    "test_batch_sizes.py",
    "test_overhead.py",
    "test_time_to_accuracy.py",
    "test_export.py",
)
assert not [name for name in LONG if not Path(__file__).with_name(name).exists()]


def pytest_configure() -> None:
    """Lets Ctrl-C be told again: a shell has what it starts in the background ignore it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with long files; skips, with the reason, what is not here: a GPU, real MNIST."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
    no_cuda = pytest.mark.skip(reason="no CUDA device here")
    no_mnist = pytest.mark.skip(reason="$BENCH_DATA_ROOT holds no MNIST/raw")
    for item in items:
        if item.get_closest_marker("cuda") and not torch.cuda.is_available():
            item.add_marker(no_cuda)
        if item.get_closest_marker("mnist") and not (_mnist_root() / "MNIST" / "raw").is_dir():
            item.add_marker(no_mnist)


def _mnist_root() -> Path:
    return Path(os.environ.get("BENCH_DATA_ROOT") or "data")


@pytest.fixture
def mnist_root() -> Path:
    """The folder above MNIST/raw; tests that use it carry the marker `mnist`."""
    return _mnist_root()


@pytest.fixture(scope="session")
def trained_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of networks trained on digits, one of them with dropout; tests leave it as it is."""
    reports = tmp_path_factory.mktemp("trained")
    return bench.run(
        ["lenet", "dnn", "net"], seeds=2, epochs=1, devices=["cpu"], reports=reports, rounds=0
    ).folder


@pytest.fixture
def unwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes runs write no page and no figures, which take seconds, where no test reads them."""
    monkeypatch.setattr("bench.report.write.write_report", lambda *_: None)


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()
