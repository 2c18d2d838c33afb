"""What a user can get wrong: one line with the value and the next step, and nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

import bench
import zoo
from bench.cells.data import Datasets
from bench.cells.jobs import make_jobs
from bench.cells.machine import environment
from bench.cells.pictures import LONGEST_SIDE, read_picture
from bench.cells.plan import Request, plan
from bench.claims import __main__ as claims
from bench.claims.ledger import load as load_ledger
from bench.cli.frame import EXIT_WRONG_REQUEST, framed
from bench.cli.values import parse_list, parse_margin, parse_seeds
from bench.overhead import __main__ as overhead
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.owner import owner_of, validate_folder
from bench.records.store import Store
from bench.report.__main__ import main as rebuild_report
from tests.factories import MACHINE, request_record, train_record
from tests.test_data import load

COMMITTED = Path(__file__).parents[1] / "reports"
NO_NAMES = [
    "../../x",
    "/lenet",
    "..",
    ".",
    "",
    " ",
    "\x1b[31m",
    "a\nb",
    "a/b",
    "-x",
    "x" * 101,
    "µ",
]


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("main", [claims.main, overhead.main])
def test_a_name_that_leads_elsewhere_is_refused_in_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], main: Callable[..., int], name: str
) -> None:
    reports = tmp_path / "in" / "reports"
    reports.mkdir(parents=True)
    assert main([f"--name={name}", "--reports", str(reports)]) == EXIT_WRONG_REQUEST
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no report name" in line
    assert everything(tmp_path) == {}


@given(some.text())
def test_whatever_a_name_is_it_stays_inside_the_reports(name: str) -> None:
    reports = Path("/nowhere/reports")
    try:
        folder = validate_folder(name, reports)
    except RequestError as error:
        assert "\n" not in str(error).replace(name, "")  # noqa: PT017
    else:
        assert folder.parent == reports
        assert folder.name == name


@given(some.text())
def test_whatever_a_list_a_margin_or_seeds_are_they_are_read_or_refused(text: str) -> None:
    for parse in (parse_seeds, parse_margin, lambda x: parse_list("--models", x)):
        try:
            parse(text)
        except RequestError:
            continue


@given(
    some.builds(
        Request,
        models=some.lists(some.sampled_from([*zoo.names(), "all", "lenet5-*"]) | some.text()).map(
            tuple
        ),
        dataset=some.sampled_from(["digits", "mnist", "sums", "pictures:x"]) | some.text(),
        recipe=some.sampled_from(["common", "document", "fast"]) | some.text(),
        seeds=some.lists(some.integers()).map(tuple),
        devices=some.lists(some.sampled_from(["cpu", "cuda"]) | some.text()).map(tuple),
        epochs=some.none() | some.integers(),
        jobs=some.integers(),
        baseline=some.none() | some.text(),
        name=some.none() | some.text(),
        engine=some.sampled_from(["sequential", "batched"]) | some.text(),
    )
)
def test_whatever_a_request_is_it_is_planned_or_refused(request: Request) -> None:
    try:
        planned = plan(request)
    except RequestError:
        return
    assert planned.cells


@pytest.mark.parametrize("number", ["9" * 5_000, "1," + "9" * 5_000])
def test_a_seed_of_thousands_of_digits_is_refused(number: str) -> None:
    with pytest.raises(RequestError, match="no seed is above 4294967295"):
        parse_seeds(number)


@pytest.mark.parametrize("reports", ["x" * 300, "a/" * 3_000, "nul\0l"])
def test_a_folder_that_cannot_be_is_refused(reports: str) -> None:
    with pytest.raises(RequestError, match="can be no folder"):
        validate_folder("x", Path(reports))


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in COMMITTED.glob("*/records.jsonl"))
)
def test_the_reports_of_the_repository_belong_to_the_command_that_makes_them(name: str) -> None:
    owner = owner_of(Store(COMMITTED / name).read())
    assert owner == {
        "claims": "bench.claims",
        "counting-cpu": "bench.counting",
        "overhead": "bench.overhead",
        "time-to-accuracy-cpu": "bench.time_to_accuracy",
    }.get(name, "bench.compare")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("claims", "bench.claims"),
        ("overhead", "bench.overhead"),
        ("time-to-accuracy-cpu", "bench.time_to_accuracy"),
    ],
)
def test_a_report_that_is_no_comparison_is_not_rebuilt_as_one(
    name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild_report([name, "--reports", str(COMMITTED)]) == 2
    error = capsys.readouterr().err
    assert error.endswith(f"is no comparison; its report is written by: python -m {command}\n")
    assert error.count("\n") == 1


def test_a_comparison_does_not_replace_claims(tmp_path: Path) -> None:
    store = Store(tmp_path / "claims")
    machine = kinds.Machine(key="m", experiment=kinds.MACHINE, status="ok", environment=MACHINE)
    for record in (machine, train_record("net", 1, 390)):
        store.append(record)
    before = everything(tmp_path)
    with pytest.raises(RequestError, match="holds the records of claims; choose another --name"):
        bench.run("dnn", seeds=1, epochs=1, name="claims", reports=tmp_path, devices=["cpu"])
    assert everything(tmp_path) == before


@pytest.mark.parametrize("main", [claims.main, overhead.main])
def test_no_other_command_replaces_a_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], main: Callable[..., int]
) -> None:
    store = Store(tmp_path / "mine")
    store.append(request_record(["train-lenet-1"], ["lenet"]))
    (tmp_path / "mine" / "figures").mkdir()
    (tmp_path / "mine" / "figures" / "logo.svg").write_text("mine")
    before = everything(tmp_path)
    assert main(["--name", "mine", "--reports", str(tmp_path)]) == EXIT_WRONG_REQUEST
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds the records of a comparison; choose another --name" in line
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "..",
            "-x",
            "x" * 65,
            "nul\0l",
            "\ud800",
            "a|b",
            "`a`",
            "<img src=x onerror=alert(1)>",
        ),
        *("a\nb", "\x1b[31m", r"$\frac$", "=cmd()", "a b"),
    ],
)
def test_a_network_has_a_plain_name_or_is_refused(name: str) -> None:
    spec = replace(zoo.get("dnn"), name=name, aliases=())
    with pytest.raises(ValueError, match="cannot name a model: use up to 64 letters"):
        zoo.register(spec)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "claim = [1, 2]",
            'claim = ["x"]',
            "claim = []",
            "x = " + "9" * 5_000,
            "x = " + "[" * 2_000,
        ),
        *("\0", "[[claim]]\nid = 1", "claim = {}"),
    ],
)
def test_a_ledger_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "my.toml").write_text(text)
    with pytest.raises(RequestError) as error:
        load_ledger(tmp_path / "my.toml", {})
    assert "\n" not in str(error.value)
    assert "my.toml" in str(error.value)


@given(some.binary())
def test_whatever_bytes_a_ledger_has_it_is_refused_or_read(content: bytes) -> None:
    class File(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            return content

    with pytest.raises(RequestError):
        load_ledger(File("my.toml"), {})


@pytest.mark.parametrize("name", ["LOKY_MAX_CPU_COUNT", "SOURCE_DATE_EPOCH"])
def test_a_variable_that_libraries_choke_on_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, "abc")
    assert framed("bench.x", lambda: 0) == EXIT_WRONG_REQUEST
    assert f"${name} is 'abc'" in capsys.readouterr().err


def grey(picture: Image.Image) -> list[int]:
    return [int(value) for value in np.asarray(picture.convert("L")).ravel()]


def test_sixteen_bits_of_grey_keep_their_scale(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 25_700, 40_092, 65_535]], dtype=np.uint16)
    for name in ("a0.png", "a0.tiff"):
        Image.fromarray(levels).save(tmp_path / name)
        # 65,535 = 257 * 255, so that every 257th level is one of eight bits.
        assert grey(read_picture(tmp_path / name)) == [0, 1, 100, 156, 255]


def test_black_ink_on_transparent_ground_is_black_on_white(tmp_path: Path) -> None:
    for mode, ink, ground in (("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)), ("LA", (0, 255), (0, 0))):
        picture = Image.new(mode, (3, 1), ground)
        picture.putpixel((1, 0), ink)
        picture.save(tmp_path / "a0.png")
        assert grey(read_picture(tmp_path / "a0.png")) == [255, 0, 255]


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    picture = Image.new("RGB", (20, 10), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF 2.32: the row 0 is at the right-hand side, so turn by 90 degrees
    picture.save(tmp_path / "a0.jpg", exif=exif)
    assert read_picture(tmp_path / "a0.jpg").size == (10, 20)


def test_a_large_picture_is_made_smaller_and_a_bomb_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4 * LONGEST_SIDE, 2 * LONGEST_SIDE)).save(tmp_path / "a0.png")
    assert read_picture(tmp_path / "a0.png").size == (LONGEST_SIDE, LONGEST_SIDE // 2)
    Image.new("1", (9_500, 9_000)).save(tmp_path / "a1.png")
    with pytest.raises(ValueError, match="9500 x 9000 pixels"):
        read_picture(tmp_path / "a1.png")


def picture_folder(folder: Path) -> Path:
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True)
        for digit in range(2):
            Image.new("RGB", (8, 8)).save(folder / part / f"a{digit}.png")
    return folder / "train" / "a0.png"


@given(some.data())
def test_whatever_bytes_a_picture_has_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: some.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    path = picture_folder(folder)
    kind = data.draw(some.sampled_from(["png", "gif", "jpeg", "bmp", "tiff", "webp", "ppm"]))
    Image.new("RGB", (8, 8), "red").save(path, kind)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(some.integers(1, 8))):
        content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(some.integers(0, len(content)))]))
    try:
        load(f"pictures:{folder}")
    except RequestError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_pipe_among_the_pictures_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = picture_folder(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RequestError, match="no file"):
        load(f"pictures:{tmp_path}")


def test_one_test_picture_is_too_few_and_is_said_before_training(tmp_path: Path) -> None:
    picture_folder(tmp_path)
    (tmp_path / "test" / "a1.png").unlink()
    cells = plan(Request(models=("lenet",), dataset=f"pictures:{tmp_path}")).cells
    with pytest.raises(RequestError, match=r"1 test samples .* 2 is the least"):
        make_jobs(
            cells,
            Datasets(tmp_path),
            splits=tmp_path / ".data",
            environment=environment(),
            weights=None,
        )
    assert not (tmp_path / ".data").exists()
