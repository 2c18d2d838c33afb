"""The lines of `records.jsonl`: each one record, sealed by a checksum, read and checked here alone.

A line is flat JSON. First come the version of this format and the first half of a SHA-256 over all
that follows, then the record's `kind` and `key` and its own fields; an experiment has its name
beside them. Fields that a kind does not know are passed over, so that a newer file can still be
read. Lines of the first format have no version and no checksum; they are read, too.
"""

from __future__ import annotations

import hashlib
import re

import msgspec
from msgspec import Struct

from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.kinds import Record
from bench.records.wrong_answers import WrongAnswers, from_plain

VERSION = 1
_SEAL = re.compile(rb'\{"version":([0-9]{1,9}),"sha256":"([0-9a-f]{32})",')
_UNSEALED = b'{"kind":'  # how every line of the first format begins, and no sealed one

_KINDS: dict[str, type[Record]] = {
    "train": kinds.Train,
    "timing": kinds.Timing,
    "count": kinds.Count,
    "baseline": kinds.Reference,
    "request": kinds.Request,
    "declaration": kinds.Declaration,
}
_EXPERIMENTS: dict[str, type[Record]] = {
    kinds.LEARNING_RATE: kinds.LearningRate,
    kinds.SECOND_CLOCK: kinds.SecondClock,
    kinds.PROFILE: kinds.Profile,
    kinds.MACHINE: kinds.Machine,
    kinds.FINDING: kinds.Finding,
    kinds.OVERHEAD: kinds.Overhead,
    kinds.OVERHEAD_CELLS: kinds.OverheadCells,
    kinds.TIME_TO_ACCURACY: kinds.TimeToAccuracy,
    kinds.ACCURACY_RACE: kinds.AccuracyRace,
    kinds.BATCH_SPEED: kinds.BatchSpeed,
}


class DamagedLineError(ValueError):
    """A line is not what was written; the message says why it is no record."""


class NewerVersionError(RequestError):
    """A line was written by a later version of the program, in a format that this one lacks."""


class _Head(Struct, frozen=True):
    kind: str
    experiment: str = ""


def encode(record: Record) -> bytes:
    """A record's line, sealed, without the line's end; what is not finite becomes null."""
    return _seal(msgspec.json.encode(record, enc_hook=_plain))


def sealed(line: bytes) -> bytes:
    """A line in the format of today.

    Raises:
        DamagedLineError: It is no record.
    """
    decode(line)
    return line if _SEAL.match(line) else _seal(line)


def decode(line: bytes) -> Record | None:
    """The record that a line holds; None if it is of a kind that this version does not know.

    Raises:
        DamagedLineError: It is no record: torn, changed, or with a field that cannot be.
        NewerVersionError: It is whole, in a later format.
    """
    body = _body(line)
    try:
        head = msgspec.json.decode(body, type=_Head)
        if head.kind == "experiment":
            kind: type[Record] | None = _EXPERIMENTS.get(head.experiment, kinds.Probe)
        else:
            kind = _KINDS.get(head.kind)
        if kind is None:
            return None
        record = msgspec.json.decode(body, type=kind, dec_hook=_from_plain)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise DamagedLineError(f"it is no record ({error})") from error
    if (reason := _contradiction(record)) is not None:
        raise DamagedLineError(reason)
    return record


def _seal(body: bytes) -> bytes:
    version = str(VERSION).encode()
    return b'{"version":%b,"sha256":"%b",%b' % (version, _checksum(version, body[1:]), body[1:])


def _body(line: bytes) -> bytes:
    """A line without its seal, which it must fit."""
    if line.startswith(_UNSEALED):
        return line
    found = _SEAL.match(line)
    if found is None:
        raise DamagedLineError("it does not begin as a record does")
    rest = line[found.end() :]
    if _checksum(found[1], rest) != found[2]:
        raise DamagedLineError("its checksum does not fit")
    if int(found[1]) > VERSION:
        raise NewerVersionError(
            f"records of format {int(found[1])} were written by a later version of this program, "
            f"and this one reads formats up to {VERSION}; update it"
        )
    return b"{" + rest


def _checksum(version: bytes, rest: bytes) -> bytes:
    return hashlib.sha256(version + b"," + rest).hexdigest()[:32].encode()


def _contradiction(record: Record) -> str | None:
    """Why a record cannot be true, whatever its checksum; None if nothing speaks against it."""
    if not isinstance(record, kinds.Train | kinds.Reference):
        return None
    wrong, samples = record.misclassified, record.test_samples
    if any(not 0 <= position < samples for position in wrong):
        return f"it has a wrong answer beyond its {samples} test samples"
    if record.status != "ok" or record.test_accuracy is None:
        return None
    if round(record.test_accuracy * samples) != samples - len(wrong):
        return f"its accuracy {record.test_accuracy} is not {samples - len(wrong)} of {samples}"
    return None


def _from_plain(kind: type, plain: object) -> object:
    """What msgspec cannot read by itself."""
    if kind is WrongAnswers:
        return from_plain(plain)
    if kind is object:  # a setting of an augmentation: a number, a word, or several of them
        return frozen(plain)
    raise NotImplementedError(f"no field of a record has the type {kind}")


def frozen(plain: object) -> object:
    """The value with tuples for its lists, as recipes have them, which are compared."""
    return tuple(map(frozen, plain)) if isinstance(plain, list) else plain


def _plain(value: object) -> object:
    """What msgspec cannot write by itself."""
    if isinstance(value, WrongAnswers):
        return value.plain()
    raise NotImplementedError(f"a record cannot hold {value!r}")
