"""Whatever is killed at whatever moment: no finished cell is lost, none stands twice.

Moments are drawn in the slow tests; the other one kills as soon as a cell is trained.
"""

from __future__ import annotations

import random
import re
import signal
import tempfile
from pathlib import Path

import pytest

from bench.cells import leftovers
from tests.kills import (
    Command,
    Killer,
    assert_tidy,
    digests,
    finished,
    kill_once_a_cell_is_trained,
    trained,
)
from tests.programs import REPOSITORY

ASKED = ("--jobs", "2", "--devices", "cpu", "--name", "local-kills", "--quiet")


def compare(reports: Path, *models: str, seeds: int, timed: bool, epochs: int = 1) -> Command:
    """A short comparison on digits."""
    rounds = () if timed else ("--rounds", "0")
    return Command(
        arguments=(
            *("-m", "bench.compare", "--models", ",".join(models), "--seeds", str(seeds)),
            *("--epochs", str(epochs), *rounds, *ASKED, "--reports", str(reports)),
        ),
        folder=reports / "local-kills",
    )


def in_new_folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


@pytest.mark.timeout(1_800)
def test_a_run_that_is_killed_twice_ends_as_one_that_is_not(
    tmp_path: Path, trained_report: Path
) -> None:
    killed = compare(in_new_folder(tmp_path, "killed"), "lenet", "dnn", "net", seeds=2, timed=False)
    for number in (signal.SIGTERM, signal.SIGKILL):
        assert kill_once_a_cell_is_trained(killed, number) in (-number, 128 + number)
    assert 2 <= len(finished(killed.folder)) < len(finished(trained_report))
    killed.run()
    assert digests(killed.folder) == digests(trained_report)
    assert_tidy(killed.folder)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3_600)
@pytest.mark.parametrize(
    "numbers",
    [[signal.SIGKILL] * 30, [signal.SIGTERM, signal.SIGINT] * 8],
    ids=["killed", "asked to end"],
)
def test_a_comparison_loses_nothing_whenever_it_ends(
    tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    models = ("dnn", "net", "lenet")
    left_alone = compare(in_new_folder(tmp_path, "alone"), *models, seeds=8, timed=True)
    seconds = left_alone.run()
    killed = compare(in_new_folder(tmp_path, "killed"), *models, seeds=8, timed=True)
    killer = Killer(command=killed, seconds=seconds, moments=random.Random(2))
    for number in numbers:
        killer.kill(number)
    killed.run()
    assert digests(killed.folder) == digests(left_alone.folder)
    assert_tidy(killed.folder)
    if numbers[0] != signal.SIGKILL:
        # 1 and the signal itself, while Python starts; 0, where it was done before.
        assert set(killer.codes) <= {0, 1, 130, 143, -signal.SIGTERM, -signal.SIGINT}


@pytest.mark.slow
@pytest.mark.timeout(4 * 3_600)
def test_a_run_one_of_whose_workers_is_killed_ends_as_one_that_is_left_alone(
    tmp_path: Path,
) -> None:
    def long_enough(name: str) -> Command:
        folder = in_new_folder(tmp_path, name)
        return compare(folder, "dnn", "net", seeds=4, timed=False, epochs=20)

    left_alone = long_enough("alone")
    left_alone.run()
    seconds = sum(cell.train_seconds or 0.0 for cell in trained(left_alone.folder)) / 2
    moments, hits, runs = random.Random(2), 0, 0
    while hits < 20:
        runs += 1
        assert runs <= 60
        killed = long_enough(str(runs))
        killer = Killer(command=killed, seconds=seconds, moments=moments)
        hits += killer.kill_a_worker()
        assert set(killer.codes) == {0}
        assert digests(killed.folder) == digests(left_alone.folder)
        assert_tidy(killed.folder)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3_600)
def test_a_verification_that_is_killed_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = in_new_folder(tmp_path, "t")  # nobody else writes there; sockets need short paths
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    made = compare(in_new_folder(tmp_path, "alone"), "dnn", "net", seeds=4, timed=False)
    made.run()
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    verify = Command(arguments=("-m", "bench.verify", str(made.folder)), folder=made.folder)
    killer = Killer(command=verify, seconds=verify.run(), moments=random.Random(3))
    for number in [signal.SIGKILL] * 10 + [signal.SIGTERM, signal.SIGINT]:
        killer.kill(number)
    verify.run()
    after = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    assert after == before
    monkeypatch.setattr(leftovers, "SECONDS", 0.0)
    leftovers.sweep()
    assert not [*temporary.glob("bench-*")]


@pytest.mark.slow
@pytest.mark.timeout(4 * 3_600)
def test_claims_lose_nothing_when_they_are_killed(tmp_path: Path) -> None:
    own = (REPOSITORY / "docs" / "your-own-document.md").read_text()
    (networks,) = re.findall(r"```python\n(.*?)```", own, flags=re.DOTALL)[:1]
    (notes,) = re.findall(r"```toml\n(.*?)```", own, flags=re.DOTALL)[:1]
    (line,) = re.findall(r"^python -m bench.claims --claims.*$", own, flags=re.MULTILINE)[:1]
    commands = []
    for name in ("alone", "killed"):
        place = in_new_folder(tmp_path, name)
        (place / "my_networks.py").write_text(networks)
        (place / "my_claims.toml").write_text(notes)
        words = line.removeprefix("python ").split()
        folder = place / "reports" / "local-claims"
        commands.append(Command(arguments=(*words, "--jobs", "2"), folder=folder, place=place))
    left_alone, killed = commands
    killer = Killer(command=killed, seconds=left_alone.run(), moments=random.Random(4))
    for number in [signal.SIGKILL] * 10 + [signal.SIGTERM, signal.SIGINT]:
        killer.kill(number)
    killed.run()
    assert digests(killed.folder) == digests(left_alone.folder)
    assert_tidy(killed.folder)
