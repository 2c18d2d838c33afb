"""What the study of mutants tries, and what it counts; it is run by `nox -s mutants` alone."""

from __future__ import annotations

import re

import pytest

from studies.mutant_subjects import SUBJECTS
from studies.mutants import Change, Outcome, Tried, meaning, share
from tests.programs import REPOSITORY


def tried(*outcomes: Outcome) -> list[Tried]:
    change = Change(file="f", operator="o", occurrence=0, line=1)
    return [Tried(change=change, outcome=o, by="", seconds=1.0, lines="") for o in outcomes]


def test_every_file_of_the_core_is_tried() -> None:
    rooms = ("bench/statistics", "bench/records", "bench/records/kinds")
    core = {
        path.relative_to(REPOSITORY).as_posix()
        for room in rooms
        for path in (REPOSITORY / room).glob("*.py")
        if path.name != "__init__.py"  # docstrings and names that are passed on
    }
    assert set(SUBJECTS) == core | {"bench/cells/plan.py", "bench/cells/train.py"}


def test_every_test_that_must_notice_is_there() -> None:
    for name in {test for tests in SUBJECTS.values() for test in tests}:
        file, _, test = name.partition("::")
        text = (REPOSITORY / "tests" / f"test_{file}.py").read_text()
        assert re.search(rf"^def {test or 'test_'}", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x: int | None) -> int | None: ...", "def f(x: int + None) -> int * None: ..."),
        ("x: int | None = 1", "x: int - None = 1"),
        ("class A:\n    x: int | None = 1", "class A:\n    x: int / None = 1"),
    ],
)
def test_an_annotation_that_nothing_reads_is_no_change(before: str, after: str) -> None:
    assert meaning(before) == meaning(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x: int = 1", "x: int = 2"),
        ("class A(Struct):\n    x: int | None = 1", "class A(Struct):\n    x: int / None = 1"),
        ("def f(x: int = 1): ...", "def f(x: int = 2): ..."),
        ("y = int | None", "y = int + None"),
    ],
)
def test_what_runs_is_a_change(before: str, after: str) -> None:
    assert meaning(before) != meaning(after)


def test_the_share_is_of_mutants_alone_and_has_wilsons_interval() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:857-872), table I: 81 of 263, 0.2553 to 0.3662; and
    # 15 of 148, 0.0624 to 0.1605; both with method 3, Wilson's without correction.
    for killed, all_of_them, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        outcomes: list[Outcome] = ["timed out", "no program", "no change"]
        outcomes += ["killed"] * (killed - 1)
        outcomes += ["survived"] * (all_of_them - killed)
        found = share(tried(*outcomes))
        assert found is not None
        assert (found.killed, found.tried) == (killed, all_of_them)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert share(tried("no change")) is None
