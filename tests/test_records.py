from __future__ import annotations

import json
from pathlib import Path

from bench.records.store import Record, Store, digest


def record(key: str, **fields: object) -> Record:
    return Record(kind="train", key=key, fields=fields)


def test_records_come_back_in_the_order_they_were_appended(tmp_path: Path) -> None:
    store = Store(tmp_path / "report")
    store.append(record("a", seed=1))
    store.append(record("b", seed=2, curve=[[1, 0.5], [2, 0.25]]))
    assert store.read() == (record("a", seed=1), record("b", seed=2, curve=[[1, 0.5], [2, 0.25]]))


def test_the_latest_record_of_a_key_counts_and_the_older_line_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for status in ("failed", "ok"):
        store.append(record("a", status=status))
    assert store.latest(["a", "missing"]) == {"a": record("a", status="ok")}
    assert len(store.path.read_text().splitlines()) == 2


def test_what_failed_or_never_ran_is_missing_until_it_is_good(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key, status in (("good", "ok"), ("bad", "failed"), ("mended", "failed"), ("mended", "ok")):
        store.append(Record(kind="train", key=key, fields={"status": status}))
    wanted = {"bad": 1, "good": 2, "mended": 3, "new": 4}
    assert store.missing(wanted) == {"bad": 1, "new": 4}


def test_a_torn_last_line_is_passed_over_and_the_next_record_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a", seed=1))
    with store.path.open("a") as file:
        file.write('{"kind": "train", "key": "torn", "se')
    assert store.read() == (record("a", seed=1),)
    store.append(record("b", seed=2))
    assert store.read() == (record("a", seed=1), record("b", seed=2))


def test_numbers_that_json_has_not_become_null(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a", loss=float("nan"), curve=[[1, float("inf")]]))
    line = json.loads(store.path.read_text())
    assert line["loss"] is None
    assert line["curve"] == [[1, None]]


def test_setting_aside_keeps_the_old_file_and_starts_a_new_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.set_aside()  # nothing there yet: nothing to do
    for key in ("a", "b"):
        store.append(record(key))
        store.set_aside()
        assert store.read() == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "records.old-1.jsonl",
        "records.old-2.jsonl",
    ]


def test_a_key_depends_on_content_and_not_on_its_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})
