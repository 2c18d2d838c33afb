"""What is wrong is found, with what to do about it."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from bench.cells import data as cells_data
from bench.doctor.__main__ import main
from bench.doctor.data import digits, mnist
from bench.doctor.installation import package, torchvision
from bench.doctor.machine import disk, memory, shared_memory
from bench.doctor.reports import report, reports
from bench.report.write import rebuild
from tests.factories import SEEDS, stored, train_record


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two networks, with its page."""
    folder = tmp_path_factory.mktemp("reports") / "x"
    models = ("lenet", "net")
    stored(folder, [train_record(name, seed, 390) for name in models for seed in SEEDS], models)
    rebuild(folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy that a test may change; as deep as the other, because the page has relative links."""
    return shutil.copytree(written, tmp_path / "x")


def test_a_whole_report_is_well_and_one_that_was_changed_is_not(folder: Path) -> None:
    found = report(folder)
    assert (found.ok, found.found) == (True, "7 records, and the report that they give")
    page = folder / "report.md"
    page.write_text(page.read_text() + "\nAnd a line by hand.\n")
    found = report(folder)
    assert found.found == "7 records; report.md is not what they give"
    assert found.remedy == f"python -m bench.report {folder}"


def test_damaged_lines_are_counted(folder: Path) -> None:
    records = folder / "records.jsonl"
    text = records.read_bytes()
    records.write_bytes(text.replace(b'"seed":1', b'"seed":7'))
    found = report(folder)
    assert found.found == "5 records, 2 damaged lines"  # of seed 1 one for each network
    assert "once more" in found.remedy


def test_a_folder_without_a_page_is_told_and_no_reports_are_no_fault(folder: Path) -> None:
    (folder / "report.md").unlink()
    (found,) = reports(folder.parent)
    assert found.found == "7 records, no report.md"
    (found,) = reports(folder / "nowhere")
    assert (found.ok, found.found) == (True, "no reports yet")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "x" / "records.jsonl").mkdir(parents=True)
    (found,) = reports(tmp_path)
    assert not found.ok
    assert "cannot be read" in found.found


def test_mnist_is_told_by_its_published_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (absent,) = mnist(tmp_path)
    assert absent.ok
    names = [*cells_data.MNIST_MD5]
    for name in names[:3]:
        (tmp_path / name).write_bytes(name.encode())
    published = {name: hashlib.md5(name.encode()).hexdigest() for name in names}
    monkeypatch.setattr(cells_data, "MNIST_MD5", published)
    (tmp_path / names[0]).write_bytes(b"other")
    found = [*mnist(tmp_path)]
    assert [item.found for item in found] == [
        "not the published file",
        "the published file",
        "the published file",
        "missing",
    ]
    assert [item.ok for item in found] == [False, True, True, False]
    assert f"remove '{tmp_path / names[0]}'" in found[0].remedy


def test_the_digits_are_counted(tmp_path: Path) -> None:
    assert digits().found == "1,797 pictures"  # scikit-learn's documentation
    file = tmp_path / "digits.csv.gz"
    file.write_bytes(gzip.compress(b"0,1\n"))
    assert digits(file).found == "1 lines, not all whole"
    file.write_bytes(b"no archive")
    assert "cannot be read" in digits(file).found


def test_the_machine_is_judged(tmp_path: Path) -> None:
    assert memory(8_000_000_000).ok
    assert not memory(900_000_000).ok
    assert shared_memory(tmp_path).ok
    assert "mount it" in shared_memory(tmp_path / "nowhere").remedy
    assert disk(tmp_path / "not" / "yet").subject == f"disk of {tmp_path / 'not' / 'yet'}"


def test_a_package_that_is_missing_or_too_old_is_told() -> None:
    assert package("numpy>=1.0").ok
    assert package("numpy>=999").remedy.startswith(">=999 is needed: pip install")
    assert package("no-such-package-at-all").found == "not installed"
    assert torchvision().ok


def test_the_command_answers_in_lines_or_json_and_its_exit_code_tells(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bench.doctor.installation.OPTIONAL", {"no-such-package": "nox -s x"})
    places = ["--reports", str(folder.parent), "--data-root", str(tmp_path)]
    code = main(places)
    shown = capsys.readouterr().out
    assert "  ok    x: 7 records, and the report that they give" in shown
    assert "no-such-package: not installed; nox -s x brings it along" in shown
    (folder / "report.md").write_text("")
    assert main([*places, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    wrong = [item["subject"] for item in found if not item["ok"]]
    assert wrong[-1] == "x"
    if wrong == ["x"]:  # and nothing else of this machine is wrong
        assert code == 0
        assert shown.splitlines()[-1] == f"all {len(found)} are well"
