"""Files that users and other programs write, spoilt in any way: read or refused in a line."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench import predict
from bench.cells.fitting import read
from bench.cells.own_recipe import FIELDS
from bench.cells.plan import Request, plan
from bench.claims.checks import kinds as check_kinds
from bench.claims.ledger import LEDGER, load
from bench.diff import __main__ as diff
from bench.doctor import __main__ as doctor
from bench.merge import __main__ as merge
from bench.records.errors import RequestError
from bench.report import __main__ as report
from tests.test_data import write_idx

RECIPE = b"""
epochs = 2
train_batch = 16
schedule = "step"
loss = "cross-entropy"

[optimiser]
name = "sgd"
learning_rate = 0.1
momentum = 0.9

[[augmentation]]
name = "RandomAffine"
settings = {degrees = 10, translate = [0.1, 0.1]}
"""
TABLE = b"length,width,kind\n" + 6 * b"1.5,2.5,ant\n3.5,0.5,bee\n2.25,1e3,cat\n"
PIECES = [
    *(b"-1", b"0", b"1e999", b"nan", b"true", b"1_0", b"0x1F", b"9" * 400, b"1979-05-27"),
    *(b'""', b"''", b'"\\u0000"', b"[]", b"{}", b"[[", b"]]", b"=", b",", b"\n", b"\r", b"#"),
    *(b"\xff", b"\xef\xbb\xbf", b"\x00", b"\x1b[31m", "\u202e".encode(), b"|`<b>"),
]


@some.composite
def spoilt(draw: some.DrawFn, content: bytes) -> bytes:
    """A file after some edits: pieces of it gone, or others in their place, or there twice."""
    for _ in range(draw(some.integers(1, 4))):
        start = draw(some.integers(0, len(content)))
        end = draw(some.integers(start, min(len(content), start + 40)))
        piece = draw(some.sampled_from([*PIECES, content[start:end] * 2]) | some.binary(max_size=8))
        content = content[:start] + piece + content[end:]
    return content


def fine_or_refused(do: Callable[[], object]) -> None:
    """Checks that something is done, or refused in one line."""
    try:
        do()
    except RequestError as error:
        refusal = str(error)
    else:
        return
    assert refusal
    assert "\n" not in refusal


@given(spoilt(RECIPE))
def test_a_recipe(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "my_recipe.toml"
    path.write_bytes(content)
    fine_or_refused(lambda: plan(Request(models=("lenet", "net"), recipe=str(path))))


@given(some.sampled_from(sorted(FIELDS)), some.text() | some.sampled_from(PIECES))
def test_a_field_that_is_set(field: str, value: str | bytes) -> None:
    text = value if isinstance(value, str) else value.decode(errors="replace")
    fine_or_refused(lambda: plan(Request(models=("lenet",), settings=(f"{field}={text}",))))


@given(spoilt(TABLE))
def test_a_table(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "my.csv"
    path.write_bytes(content)
    fine_or_refused(lambda: read(f"table:{path}", data_root=Path(), seed=0))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder above a tiny data set in MNIST's format."""
    folder = tmp_path_factory.mktemp("mnist")
    write_idx(folder, train=120, test=20)
    return folder


@given(some.data())
def test_mnists_files(root: Path, data: some.DataObject) -> None:
    path = data.draw(some.sampled_from(sorted((root / "MNIST" / "raw").iterdir())))
    whole = path.read_bytes()
    head = data.draw(spoilt(whole[:20]))
    path.write_bytes(head + whole[20 : data.draw(some.sampled_from([20, 21, len(whole)]))])
    try:
        fine_or_refused(lambda: read("mnist", data_root=root, seed=0))
    finally:
        path.write_bytes(whole)


FIRST_CLAIMS = LEDGER.read_bytes().split(b"[[claim]]")[:4]


@given(spoilt(b"[[claim]]".join(FIRST_CLAIMS)))
def test_a_ledger(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "my.toml"
    path.write_bytes(content)
    fine_or_refused(lambda: load(path, check_kinds()))


COMMITTED = Path(__file__).parents[1] / "reports" / "digits-torchvision-cpu" / "records.jsonl"
READERS: dict[str, Callable[[list[str]], int]] = {
    "report": lambda where: report.main(["a", *where]),
    "diff": lambda where: diff.main(["a", "b", *where]),
    "merge": lambda where: merge.main(["a", "b", "--name", "c", *where]),
    "doctor": lambda where: doctor.main(["--data-root", "nowhere", *where]),
    "predict": lambda where: predict.main(["a", "lenet", "nowhere.png", *where]),
}


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("reader", READERS)
def test_every_command_that_reads_records_notices_a_flipped_bit(
    reader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, moments = COMMITTED.read_bytes(), random.Random(reader)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "records.jsonl").write_bytes(whole)
    assert READERS[reader](["--reports", str(tmp_path)]) in (0, 1, 2)
    assert "its checksum" not in "".join(capsys.readouterr())
    for _ in range(20):
        place = moments.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << moments.randrange(8)])
        spoilt_file = tmp_path / "a" / "records.jsonl"
        spoilt_file.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        shutil.rmtree(tmp_path / "c", ignore_errors=True)
        assert READERS[reader](["--reports", str(tmp_path)]) in (0, 1, 2)
        said = "".join(capsys.readouterr())
        assert "Traceback" not in said
        assert re.search(r"line \d+ of .*records\.jsonl|1 damaged line", said), (place, said)
