"""Records: appended at once, read back typed, a torn line passed over, a wrong one named."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.lines import encode
from bench.records.store import (
    DamagedRecordWarning,
    MissingRunError,
    Store,
    digest,
    experiment_key,
    find_folder,
    latest,
    of_kind,
)
from bench.records.wrong_answers import WrongAnswers, from_plain
from tests.factories import (
    MACHINE,
    count_record,
    failed_record,
    reference_record,
    request_record,
    timing_records,
    train_record,
)
from tests.lines import read_lines, unsealed, write_lines

A, B = train_record("lenet", 1, 390), train_record("lenet", 2, 391)


def test_every_kind_of_record_comes_back_as_it_was_in_the_order_appended(tmp_path: Path) -> None:
    machine = kinds.Machine(
        key="m", experiment=kinds.MACHINE, status="ok", environment=replace(MACHINE, gpu="A GPU")
    )
    rate = kinds.LearningRate(
        key="r",
        experiment=kinds.LEARNING_RATE,
        run="request",
        model="lenet",
        seed=1,
        rate=0.01,
        cell_key="c",
        test_accuracy=0.5,
        validation_accuracy=0.25,
        misclassified=WrongAnswers([(3, 1)]),
        weights_sha256="w",
    )
    probe = kinds.Probe(
        key="p",
        experiment="zero-share",
        trial="lenet",
        seed=1,
        inputs=("d",),
        decisive={"packages": {"torch": "2"}},
        status="ok",
        outcome={"zero_share": 0.5},
    )
    records: tuple[kinds.Record, ...] = (
        *(A, failed_record("net", 1), *timing_records("lenet", 0.01)),
        *(count_record("lenet", 61_706, 416_520), reference_record("largest class", 40)),
        *(request_record([A.key], ["lenet"]), machine, rate, probe),
    )
    store = Store(tmp_path / "report")
    for record in records:
        store.append(record)
    assert store.read() == records


def test_curves_are_points_in_python_and_short_lists_in_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    line = json.loads(store.path.read_text())
    assert line["training_curve"] == [[100, 1.0], [200, 0.5]]
    (read,) = of_kind(store.read(), kinds.Train)
    assert read.training_curve[1] == kinds.TrainingPoint(examples_seen=200, loss=0.5)
    assert read.test_curve[2].accuracy == 0.97


def test_the_latest_record_of_a_key_counts_and_the_older_line_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    newer = msgspec.structs.replace(A, updates=9)
    for record in (A, newer):
        store.append(record)
    assert latest(store.read(), [A.key, "missing"]) == {A.key: newer}
    assert len(store.path.read_text().splitlines()) == 2


def test_what_failed_or_never_ran_is_missing_until_it_is_good(tmp_path: Path) -> None:
    store = Store(tmp_path)
    good, mended = train_record("lenet", 1, 390), train_record("lenet", 2, 390)
    failed = failed_record("lenet", 2)
    for record in (good, failed_record("net", 1), failed, mended):
        store.append(record)
    wanted = {"train-net-1": 1, good.key: 2, mended.key: 3, "new": 4}
    assert store.missing(wanted) == {"train-net-1": 1, "new": 4}


def test_a_torn_last_line_is_passed_over_and_the_next_record_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    with store.path.open("a") as file:
        file.write('{"kind": "train", "key": "torn", "se')
    assert store.read() == (A,)
    store.append(B)
    assert store.read() == (A, B)


def test_a_line_that_is_json_and_no_record_is_left_out_with_a_warning(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    wrong = read_lines(tmp_path)[0] | {"test_accuracy": "high"}
    write_lines(tmp_path, [unsealed(json.loads(encode(B))), wrong])
    with pytest.warns(DamagedRecordWarning, match=r"line 2 .*test_accuracy.* counts as missing"):
        assert store.read() == (B,)


def test_kinds_and_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    newer = read_lines(tmp_path)[0] | {"key": B.key, "temperature": 20}
    weather = {"kind": "weather", "key": "w", "sun": True}
    write_lines(tmp_path, [*read_lines(tmp_path), weather, newer])
    assert [record.key for record in store.read()] == [A.key, B.key]
    store.append(A)
    assert read_lines(tmp_path)[1:3] == [weather, newer]  # whoever knows them still can


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_are_none(value: float) -> None:
    assert kinds.finite(value) is None
    assert kinds.finite(1.5) == 1.5


def test_a_store_without_a_request_has_no_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    with pytest.raises(MissingRunError, match=r"records\.jsonl"):
        store.latest_request()
    for command in ("first", "second"):
        store.append(request_record([A.key], ["lenet"], command=command))
    assert store.latest_request().command == "second"


def test_setting_aside_keeps_the_old_file_and_starts_a_new_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.set_aside()  # nothing there yet: nothing to do
    for record in (A, B):
        store.append(record)
        store.set_aside()
        assert store.read() == ()
    assert sorted(path.name for path in tmp_path.glob("records*")) == [
        "records.old-1.jsonl",
        "records.old-2.jsonl",
    ]


def test_a_key_depends_on_content_and_not_on_its_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})


def test_many_wrong_answers_are_a_short_text_and_few_are_pairs(tmp_path: Path) -> None:
    # A network that answers 3 for every one of 10,000 samples, of which a tenth are threes.
    many = WrongAnswers((index, 3) for index in range(10_000) if index % 10 != 3)
    mixed = WrongAnswers((index, index % 7) for index in range(0, 10_000, 2))
    few = WrongAnswers([(3, 1), (70, 9)])
    store = Store(tmp_path)
    for wrong in (many, mixed, few):
        store.append(
            msgspec.structs.replace(
                A, test_samples=10_000, test_accuracy=1 - len(wrong) / 10_000, misclassified=wrong
            )
        )
    first, second, third = (json.loads(line) for line in store.path.read_text().splitlines())
    assert len(first["misclassified"]) < 200
    assert len(second["misclassified"]) < 10_000 / 8 / 3 * 4  # as a bitmap without its answers
    assert third["misclassified"] == [[3, 1], [70, 9]]
    assert [r.misclassified for r in of_kind(store.read(), kinds.Train)] == [many, mixed, few]


def test_pairs_of_older_files_are_read(tmp_path: Path) -> None:
    line = unsealed(json.loads(encode(train_record("lenet", 1, 100))))
    line["misclassified"] = [[index, 0] for index in range(300)]
    write_lines(tmp_path, [line])
    (read,) = of_kind(Store(tmp_path).read(), kinds.Train)
    assert dict(read.misclassified) == dict.fromkeys(range(300), 0)


@pytest.mark.parametrize("damaged", ["AAAA", "no base64!", 7, [[1, 2, 3]], [["a", 1]], [3]])
def test_wrong_answers_that_cannot_be_read_name_their_line(tmp_path: Path, damaged: object) -> None:
    write_lines(tmp_path, [unsealed(json.loads(encode(A))) | {"misclassified": damaged}])
    with pytest.warns(DamagedRecordWarning, match="line 1 of"):
        assert Store(tmp_path).read() == ()


def test_an_answer_beyond_a_byte_stays_a_pair() -> None:
    wrong = WrongAnswers((index, 300) for index in range(100))
    assert wrong.plain() == [(index, 300) for index in range(100)]


def test_an_answer_that_just_fits_into_a_byte_is_packed() -> None:
    fits = WrongAnswers((index, 255) for index in range(100))
    packed = fits.plain()
    assert isinstance(packed, str)
    # 100 samples are 13 bytes of bits: 12 of 255 and one of 4 bits; then 100 answers.
    content = zlib.decompress(base64.b64decode(packed))
    assert content == bytes([13, 0, 0, 0]) + bytes([255] * 12 + [15]) + bytes([255] * 100)
    assert dict(from_plain(packed)) == dict(fits)
    assert WrongAnswers([(0, 256)]).plain() == [(0, 256)]


@pytest.mark.parametrize(
    "content",
    [bytes([1, 0, 0, 0, 0b101, 7]), bytes([1, 0, 0, 0, 0b1, 7, 7])],
    ids=["one answer too few", "one too many"],
)
def test_wrong_samples_and_answers_are_as_many(content: bytes) -> None:
    text = base64.b64encode(zlib.compress(content)).decode()
    with pytest.raises(ValueError, match="wrong samples have"):
        from_plain(text)


def test_a_key_is_the_first_half_of_the_sha_256_of_plain_json() -> None:
    content = b'{"a":1,"b":["x",null]}'
    assert digest({"b": ["x", None], "a": 1}) == hashlib.sha256(content).hexdigest()[:32]
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": float("nan")})
    named = digest({"experiment": "e", "run": "r", "model": "m"})
    assert experiment_key("e", "r", model="m") == named


def test_the_latest_request_is_that_of_the_records_given(tmp_path: Path) -> None:
    first, second = (request_record([A.key], ["lenet"], command=c) for c in ("first", "second"))
    store = Store(tmp_path)
    store.append(second)
    assert store.latest_request([A, second, first]).command == "first"


def test_a_report_is_found_by_its_name_or_its_path_or_those_there_are_named(
    tmp_path: Path,
) -> None:
    for name in ("b", "a"):
        Store(tmp_path / name).append(A)
    (tmp_path / "empty").mkdir()
    assert find_folder("a", tmp_path) == tmp_path / "a"
    assert find_folder(str(tmp_path / "a"), tmp_path / "b") == tmp_path / "a"
    with pytest.raises(RequestError, match=r"no report 'empty': .* there are: a, b$"):
        find_folder("empty", tmp_path)
    with pytest.raises(RequestError, match=r"bench\.compare makes one$"):
        find_folder("empty", tmp_path / "a")


def test_a_file_that_another_process_tore_is_mended_before_the_next_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    with store.path.open("ab") as file:
        file.write(encode(B)[:-1])
    store.append(B)
    assert store.read() == (A, B)
    assert (tmp_path / "records.damaged.jsonl").read_bytes() == encode(B)[:-1] + b"\n"
    store.path.unlink()
    store.append(B)
    assert store.read() == (B,)


def test_a_file_that_is_whole_is_looked_through_once_however_much_is_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend = Store.mend
    calls: list[Store] = []

    def counted(store: Store) -> None:
        calls.append(store)
        mend(store)

    monkeypatch.setattr(Store, "mend", counted)
    store = Store(tmp_path)
    for record in (A, B, A):
        store.append(record)
    assert len(calls) == 1
    assert store.read() == (A, B, A)
