"""What is read is what was written: data, weights, MNIST; what is written is whole or not there."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import bench
from bench.cells import data, splits
from bench.cells.plan import Request
from bench.cells.weights import are_intact, save_weights, weights_sha256
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.place import own_folder, remove_leftovers, replacing, write_text
from bench.records.store import Store, of_kind
from bench.runner import run
from tests.test_data import HELD_OUT, LENET, load, write_idx


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """Checked once per process; each test is one."""
    splits.open_stored.cache_clear()
    yield
    splits.open_stored.cache_clear()


def invert(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 100):
        content[place] ^= 0xFF
    path.write_bytes(bytes(content))


def shift_labels(path: Path) -> None:
    labels = path.with_name(path.name.replace("inputs", "labels"))
    np.save(labels, np.roll(np.load(labels), 1))


def plant(path: Path) -> None:
    class Planted:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(path.parent / "planted"),)

    path.write_bytes(pickle.dumps(Planted()))


SPOILED = {
    "inverted": invert,
    "shifted labels": shift_labels,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1_000]),
    "empty": lambda path: path.write_bytes(b""),
    "a pickle": plant,
    "gone": Path.unlink,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_stored_data_that_were_changed_are_refused_and_stored_anew(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    split = splits.view(load("digits"), LENET, HELD_OUT)
    stored = splits.store(split, tmp_path)
    (path,) = tmp_path.glob("*-inputs.npy")
    spoil(path)
    splits.open_stored.cache_clear()
    with pytest.raises(splits.StoredDataError, match=r"inputs\.npy"):
        splits.open_stored(stored)
    opened = splits.open_stored(splits.store(split, tmp_path))
    assert np.array_equal(opened.inputs, split.inputs)
    assert np.array_equal(opened.labels, split.labels)
    assert not (tmp_path / "planted").exists()


def weights_file(path: Path) -> str:
    weights = LENET.build().state_dict()
    sha256 = weights_sha256(weights)
    save_weights(weights, path, sha256)
    return sha256


def test_weights_that_were_saved_are_intact_and_another_digest_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "lenet.safetensors"
    sha256 = weights_file(path)
    assert are_intact(path, sha256)
    assert not are_intact(path, "0" * 64)
    LENET.build().load_state_dict(load_file(path))


@pytest.mark.parametrize(
    "spoil",
    [
        invert,
        plant,
        Path.unlink,
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 100),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))),
    ],
)
def test_weights_that_were_changed_are_not_intact(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = tmp_path / "lenet.safetensors"
    sha256 = weights_file(path)
    spoil(path)
    assert not are_intact(path, sha256)
    assert not (tmp_path / "planted").exists()


def test_weights_that_share_memory_or_are_transposed_are_saved(tmp_path: Path) -> None:
    matrix = torch.arange(6.0).reshape(2, 3)
    weights = {"one": matrix, "same": matrix, "turned": matrix.T}
    sha256 = weights_sha256(weights)
    save_weights(weights, tmp_path / "tied.safetensors", sha256)
    assert are_intact(tmp_path / "tied.safetensors", sha256)


class Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def begins(self, what: str) -> None:
        self.lines.append(what)


@pytest.mark.usefixtures("unwritten")
def test_a_run_removes_damaged_weights_and_says_so_and_what_was_left_half_written(
    tmp_path: Path,
) -> None:
    request = Request(
        models=("dnn", "net"), seeds=(1,), epochs=1, reports=tmp_path, name="local-x", rounds=0
    )
    run(request, Progress())
    cells = of_kind(Store(request.folder).read(), kinds.Train)
    folder = request.folder / "weights"
    for cell in cells:
        assert are_intact(folder / f"{cell.model}-cpu-1.safetensors", cell.weights_sha256)
    invert(folder / "net-cpu-1.safetensors")
    for place in (request.folder, folder):
        (place / ".left.part").write_text("half")
    said = Said()
    run(request, said)
    assert [line for line in said.lines if "net-cpu-1" in line and "was removed" in line]
    assert [line for line in said.lines if line.startswith("1 of 2 runs are recorded, but their")]
    assert [path.name for path in folder.iterdir()] == ["dnn-cpu-1.safetensors"]
    assert not (request.folder / ".left.part").exists()
    assert [cell.key for cell in of_kind(Store(request.folder).read(), kinds.Train)] == [
        cell.key for cell in cells
    ]


def test_a_worker_whose_run_was_killed_overwrites_no_weights(tmp_path: Path) -> None:
    from bench.cells.data import Datasets
    from bench.cells.jobs import make_jobs, run_job
    from bench.cells.machine import environment
    from bench.cells.places import run_jobs
    from bench.cells.plan import plan

    request = Request(
        models=("dnn",), seeds=(1,), epochs=1, reports=tmp_path, name="local-x", rounds=0
    )
    (job,) = make_jobs(
        plan(request).cells,
        Datasets(tmp_path),
        splits=tmp_path / ".data",
        environment=environment(),
        weights=tmp_path / "weights",
    )
    assert job.weights is not None
    run_job(job, 1)  # as an orphan does: nobody records it
    assert not job.weights.exists()
    ((_, record),) = run_jobs([job], 1)
    assert are_intact(job.weights, record.weights_sha256)


@pytest.mark.parametrize(
    ("part", "keep"), [("train", 200), ("t10k", 30)], ids=["train labels", "test labels"]
)
def test_mnist_labels_that_are_too_few_are_refused(tmp_path: Path, part: str, keep: int) -> None:
    write_idx(tmp_path, train=240, test=40)
    path = tmp_path / "MNIST" / "raw" / f"{part}-labels-idx1-ubyte"
    header = np.array([2049, keep], dtype=">i4").tobytes()
    path.write_bytes(header + path.read_bytes()[8 : 8 + keep])
    with pytest.raises(RequestError, match=f"{keep} labels for"):
        load("mnist", tmp_path)


def test_mnist_labels_that_are_no_digits_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, train=240, test=40)
    path = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0a")
    with pytest.raises(RequestError, match="label 10, which is no digit"):
        load("mnist", tmp_path)


def test_other_files_in_mnists_format_are_named_so(tmp_path: Path) -> None:
    write_idx(tmp_path, train=240, test=40)
    assert load("mnist", tmp_path).name == data.OTHER_MNIST


@pytest.mark.mnist
def test_the_published_files_are_mnist(mnist_root: Path) -> None:
    assert load("mnist", mnist_root).name == "mnist"


def test_a_file_is_whole_or_as_it_was_and_readable_as_the_umask_says(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_text(path, "µ")
    assert path.read_bytes() == b"\xc2\xb5"

    def fail() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_bytes() == b"\xc2\xb5"
    assert [*tmp_path.iterdir()] == [path]
    before = os.umask(0o027)
    try:
        write_text(path, "again")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_in_a_reports_folder_is_replaced_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bashrc").write_text("mine")
    (outside / "logo.svg").write_text("mine")
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.md").symlink_to(outside / "bashrc")
    (report / "figures").symlink_to(outside)
    write_text(report / "report.md", "the report")
    with pytest.raises(RequestError, match="is a link"):
        own_folder(report / "figures")
    assert (report / "report.md").read_text() == "the report"
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "bashrc": "mine",
        "logo.svg": "mine",
    }


def test_only_what_lies_there_long_is_removed_where_others_write(tmp_path: Path) -> None:
    old, new = tmp_path / ".old.part", tmp_path / ".new.part"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (1, 1))
    remove_leftovers(tmp_path, older_than_seconds=3_600)
    assert [*tmp_path.iterdir()] == [new]


@pytest.mark.usefixtures("unwritten")
def test_a_run_on_damaged_stored_data_trains_on_the_right_ones(tmp_path: Path) -> None:
    def accuracy(name: str) -> float | None:
        outcome = bench.run("dnn", seeds=1, epochs=1, jobs=1, rounds=0, name=name, reports=tmp_path)
        return outcome.results.runs[0].cells[1].test_accuracy

    first = accuracy("local-first")
    (path,) = (tmp_path / ".data").glob("*-inputs.npy")
    shift_labels(path)
    splits.open_stored.cache_clear()
    assert accuracy("local-second") == first


def test_a_file_may_be_written_by_all_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_text(tmp_path / "report.md", "x")
        assert os.umask(0) == 0  # the umask itself is as it was
    finally:
        os.umask(before)
    assert (tmp_path / "report.md").stat().st_mode & 0o777 == 0o666
