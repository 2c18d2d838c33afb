"""Lines of records: every change is noticed, and a bad line spoils nothing but itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.records import kinds
from bench.records.lines import DamagedLineError, NewerVersionError, _checksum, decode, encode
from bench.records.store import DamagedRecordWarning, Store
from bench.report.write import render
from bench.results.runs import read
from bench.results.table import results_table
from tests.factories import (
    RECIPE,
    SEEDS,
    count_record,
    reference_record,
    request_record,
    stored,
    timing_records,
    train_record,
)
from tests.lines import Line, read_lines, unsealed, write_lines
from zoo.spec import Augmentation

COMMITTED = Path(__file__).parents[1] / "reports"
RECORDS: tuple[kinds.Record, ...] = (
    train_record("lenet", 1, 390),
    *timing_records("lenet", 0.01),
    count_record("lenet", 61_706, 416_520),
    reference_record("largest class", 40),
    request_record(["train-lenet-1"], ["lenet"]),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_flipped_bit_of_a_line_is_noticed(record: kinds.Record) -> None:
    line = encode(record)
    assert decode(line) == record
    for place in range(len(line)):
        for bit in range(8):
            flipped = bytearray(line)
            flipped[place] ^= 1 << bit
            with pytest.raises(DamagedLineError):
                decode(bytes(flipped))


@given(some.sampled_from(RECORDS), some.data())
def test_every_cut_and_every_insertion_is_noticed(
    record: kinds.Record, data: some.DataObject
) -> None:
    line = encode(record)
    start = data.draw(some.integers(0, len(line) - 1))
    stop = data.draw(some.integers(start, len(line)))
    changed = line[:start] + data.draw(some.binary(max_size=20)) + line[stop:]
    if changed != line:
        with pytest.raises(DamagedLineError):
            decode(changed)


@given(some.binary() | some.text().map(lambda text: text.encode(errors="surrogatepass")))
def test_whatever_bytes_a_line_has_it_is_a_record_or_damaged(line: bytes) -> None:
    for begun in (line, b'{"kind":' + line, b'{"version":1,"sha256":"' + line):
        with pytest.raises(DamagedLineError):
            decode(begun)


JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text(some.characters())
    | some.sampled_from([-1, 1e308, 10**30, "\x1b[31m", [], {}]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)


@given(some.sampled_from(RECORDS), some.data())
def test_a_field_of_any_value_is_read_or_damaged_and_never_a_traceback(
    record: kinds.Record, data: some.DataObject
) -> None:
    line = unsealed(json.loads(encode(record)))
    line[data.draw(some.sampled_from(sorted(line)))] = data.draw(JSON)
    text = json.dumps({"kind": line.pop("kind"), **line}, separators=(",", ":"))
    try:
        found = decode(text.encode())
    except DamagedLineError:
        return
    assert found is None or isinstance(found, kinds.Record)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"test_accuracy": 0.9999}, "0.9999 is not 390 of 400"),
        ({"test_accuracy": 1.5}, "test_accuracy"),
        ({"test_accuracy": -3}, "test_accuracy"),
        ({"test_accuracy": True}, "test_accuracy"),
        ({"misclassified": []}, "is not 400 of 400"),
        ({"misclassified": [[400, 1]] * 10}, "beyond its 400 test samples"),
        ({"train_seconds": -1.0}, "train_seconds"),
        ({"epochs": -1}, "epochs"),
        ({"model": None}, "model"),
    ],
)
def test_what_cannot_be_true_is_no_record_of_the_first_format_either(
    change: Line, reason: str
) -> None:
    line = unsealed(json.loads(encode(RECORDS[0]))) | change
    with pytest.raises(DamagedLineError, match=reason):
        decode(json.dumps(line).encode())


@pytest.mark.parametrize(
    "line",
    [b"5", b"null", b"[]", b"{}", b'{"kind":5}', b'{"kind":"train"}', b"\xff\xfe", b"\0" * 4096]
    + [b'{"kind":"train","key":' + text for text in (b"1" * 5_000 + b"}", b"[" * 100_000)],
)
def test_a_bad_line_is_named_and_spoils_only_itself(tmp_path: Path, line: bytes) -> None:
    store = Store(tmp_path)
    for record in RECORDS[:2]:
        store.append(record)
    first, second = store.path.read_bytes().splitlines()
    store.path.write_bytes(b"\n".join([first, line, second, b""]))
    with pytest.warns(DamagedRecordWarning, match=r"line 2 of .*records\.jsonl"):
        assert store.read() == RECORDS[:2]
    Store(tmp_path).append(RECORDS[2])  # who writes next sets it aside
    assert store.read() == RECORDS[:3]
    assert (tmp_path / "records.damaged.jsonl").read_bytes() == line + b"\n"


def test_lines_of_the_first_format_are_read_and_sealed_by_who_writes_next(tmp_path: Path) -> None:
    write_lines(tmp_path, [unsealed(json.loads(encode(record))) for record in RECORDS[:2]])
    store = Store(tmp_path)
    assert store.read() == RECORDS[:2]
    store.append(RECORDS[2])
    assert store.read() == RECORDS[:3]
    lines = store.path.read_bytes().splitlines()
    assert all(line.startswith(b'{"version":1,"sha256":"') for line in lines)
    flipped = store.path.read_bytes().replace(b'"seed": 1', b'"seed": 3')
    store.path.write_bytes(flipped)
    with pytest.warns(DamagedRecordWarning, match="line 1 .*checksum"):
        assert store.read() == RECORDS[1:3]


@pytest.mark.parametrize(
    "path", sorted(COMMITTED.glob("*/records.jsonl")), ids=lambda p: p.parent.name
)
def test_the_records_of_the_repository_are_whole(path: Path) -> None:
    for line in path.read_bytes().splitlines():
        assert decode(line) is not None


def test_a_whole_line_of_a_later_format_asks_for_an_update() -> None:
    rest = b'"kind":"train","key":"k"}'
    line = b'{"version":2,"sha256":"%b",%b' % (_checksum(b"2", rest), rest)
    with pytest.raises(NewerVersionError, match="up to 1; update"):
        decode(line)
    with pytest.raises(DamagedLineError):  # a flipped bit is no later format
        decode(encode(RECORDS[0]).replace(b'"version":1', b'"version":3'))


def test_cells_that_were_lost_are_failures_and_their_network_is_not_ok(tmp_path: Path) -> None:
    records = [
        *(train_record(model, seed, 390) for model in ("lenet", "net") for seed in SEEDS),
        *timing_records("lenet", 0.01),
    ]
    store = stored(tmp_path, records, ["lenet", "net"])
    assert read(store).failures == ()
    lines = read_lines(tmp_path)
    lost = ("train-net-2", "train-net-3", records[-1].key)
    write_lines(tmp_path, [line for line in lines if line["key"] not in lost])
    results = read(store)
    assert [failure.split(":")[0] for failure in results.failures] == [
        "`net` on cpu, seed 2",
        "`net` on cpu, seed 3",
        "1 counts, measurements or reference predictors",
    ]
    table = results_table(results).set_index("model")
    assert [table.loc[model, "status"] for model in ("lenet", "net")] == ["ok", "failed"]
    assert [table.loc[model, "seeds"] for model in ("lenet", "net")] == [3, 1]
    assert "1 of 3 ok, not ranked" in render(results, {})


def test_a_network_of_which_nothing_is_left_is_a_failure_too(tmp_path: Path) -> None:
    records = [train_record(model, seed, 390) for model in ("lenet", "net") for seed in SEEDS]
    store = Store(tmp_path)
    keys = [record.key for record in records]
    for record in [*records[:3], request_record(keys, ["lenet", "net"])]:
        store.append(record)
    results = read(store)
    assert [failure.split(":")[0] for failure in results.failures] == [
        f"`net` on cpu, seed {seed}" for seed in SEEDS
    ]
    assert "net" in render(results, {})


@pytest.mark.parametrize("value", [10, 0.5, "bilinear", True, (0.9, 1.1), ("a", (1, 2))])
def test_settings_of_augmentations_are_read_as_they_were_written(value: object) -> None:
    step = Augmentation(name="RandomAffine", settings=(("setting", value),))
    recipe = replace(RECIPE, augmentation=(step,))
    record = request_record([], ["lenet"], recipes={"lenet": recipe})
    assert decode(encode(record)) == record


def test_a_record_is_small(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(RECORDS[0])
    sealed = len(store.path.read_bytes())
    write_lines(tmp_path, read_lines(tmp_path))
    plain = msgspec.json.encode(read_lines(tmp_path)[0])
    assert sealed - len(plain) < 80


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 0, "epochs": 0, "updates": 0, "train_seconds": 0.0, "validation_accuracy": 0.0},
        {"validation_accuracy": 1.0, "lost_workers": 0},
    ],
)
def test_the_least_and_the_most_that_can_be_are_records(changes: Line) -> None:
    record = msgspec.structs.replace(RECORDS[0], **changes)
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    "changes",
    [
        *({"seed": -1}, {"updates": -1}, {"lost_workers": -1}, {"train_seconds": -0.5}),
        *({"validation_accuracy": -0.01}, {"validation_accuracy": 1.01}),
    ],
)
def test_what_lies_just_outside_is_none(changes: Line) -> None:
    with pytest.raises(DamagedLineError, match=next(iter(changes))):
        decode(encode(msgspec.structs.replace(RECORDS[0], **changes)))


def test_what_older_records_do_not_say_is_what_was_so_then() -> None:
    line = b'{"kind":"timing","key":"k","model":"m","device":"cpu","phase":"train",'
    line += b'"deterministic":true,"batch":64,"status":"ok"}'
    timing = decode(line)
    assert isinstance(timing, kinds.Timing)
    assert (timing.processes, timing.delay, timing.beside_cores) == (1, 0.0, None)
    train = unsealed(json.loads(encode(RECORDS[0])))
    assert isinstance(found := decode(json.dumps(train).encode()), kinds.Train)
    assert (found.lost_workers, found.together, found.worker) == (0, None, None)
    asked = unsealed(json.loads(encode(RECORDS[-1])))
    assert "margin" not in asked
    assert isinstance(request := decode(json.dumps(asked).encode()), kinds.Request)
    assert (request.margin, request.settings, request.class_names) == (0.005, {}, ())
    count = decode(b'{"kind":"count","key":"k","model":"m","status":"failed"}')
    assert isinstance(count, kinds.Count)
    assert (count.module_parameters, count.reached_parameters, count.macs) == (0, 0, 0)
    assert (count.weight_bytes, count.activation_bytes) == (0, 0)


def test_counts_agree_where_all_that_there_are_are_one_number() -> None:
    def agree(declared: int | None, module: int, reached: int) -> bool:
        count = count_record("lenet", module, 1)
        return msgspec.structs.replace(
            count, declared_parameters=declared, reached_parameters=reached
        ).agree

    assert agree(5, 5, 5)
    assert agree(None, 5, 5)
    assert not agree(4, 5, 5)
    assert not agree(5, 5, 4)
    assert not agree(None, 5, 4)


def test_a_request_knows_the_seeds_of_each_network_and_the_names_of_classes() -> None:
    request = request_record([], ["lenet", "net"])
    assert (request.seeds_of("net"), request.class_name(7)) == (SEEDS, "7")
    design = kinds.UntilSettled(looks=(1, 2, 3), spending="s", ran={"net": 2})
    settled = msgspec.structs.replace(request, until_settled=design, class_names=("cat", "dog"))
    assert (settled.seeds_of("net"), settled.seeds_of("lenet")) == (SEEDS[:2], SEEDS)
    assert settled.class_name(1) == "dog"
