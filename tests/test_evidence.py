from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import zoo
from bench.cells import data, machine
from bench.claims import evidence
from bench.claims.collect import supply
from bench.claims.evidence import MissingEvidenceError, Probe
from bench.claims.trials import Trial
from bench.cli.progress import Progress
from bench.records import kinds
from bench.records.store import Store, of_kind
from tests.lines import read_lines, write_lines


def quick(seeds: tuple[int, ...] = (1, 2)) -> Trial:
    """A trial that trains in a moment."""
    spec = replace(zoo.get("net"), name="quick", aliases=())
    recipe = replace(spec.recipe, dataset="digits", epochs=1)
    return Trial(name="quick", spec=spec, recipe=recipe, seeds=seeds)


def supplied(folder: Path, trial: Trial) -> Store:
    store = Store(folder / "claims")
    added = supply(store, [trial], (), data_root=folder, side_by_side=1, shown=Progress())
    assert added.failures == added.obstacles == ()
    return store


def test_what_is_recorded_is_evidence_and_is_not_trained_again(tmp_path: Path) -> None:
    store = supplied(tmp_path, quick())
    before = store.read()
    assert [type(record) for record in before] == [kinds.Machine, kinds.Train, kinds.Train]
    again = supplied(tmp_path, quick())
    assert again.read() == before
    runs = evidence.read(before, [quick()], ()).trial("quick")
    assert sorted(runs.accuracy) == [1, 2]
    # A third seed is trained, and only that one.
    assert len(supplied(tmp_path, quick((1, 2, 3))).read()) == len(before) + 2


def test_a_record_is_no_evidence_for_another_recipe_or_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = supplied(tmp_path, quick()).read()
    other = replace(quick(), recipe=replace(quick().recipe, epochs=2))
    with pytest.raises(MissingEvidenceError, match="quick"):
        evidence.read(records, [other], ()).trial("quick")
    with monkeypatch.context() as changed:
        changed.setattr(evidence, "training_code", lambda *_, **__: "other code")
        with pytest.raises(MissingEvidenceError, match="quick"):
            evidence.read(records, [quick()], ()).trial("quick")
    evidence.read(records, [quick()], ()).trial("quick")


def test_a_changed_record_is_no_evidence(tmp_path: Path) -> None:
    store = supplied(tmp_path, quick())
    lines = read_lines(store.path.parent)
    write_lines(
        store.path.parent, [line | ({"seed": 3} if line.get("seed") == 2 else {}) for line in lines]
    )
    with pytest.raises(MissingEvidenceError, match="quick"):
        evidence.read(store.read(), [quick()], ()).trial("quick")


def test_evidence_of_another_machine_counts_where_there_is_none_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine.environment()
    elsewhere = replace(here, processor="Z80")
    with monkeypatch.context() as there:
        there.setattr(machine, "environment", lambda: elsewhere)
        records = supplied(tmp_path, quick()).read()
    found = evidence.read(records, [quick()], ())
    assert found.trial("quick").accuracy
    assert [made_in.processor for made_in in found.machines] == ["Z80"]
    both = supplied(tmp_path, quick()).read()  # whoever can train makes it anew
    (made_in,) = evidence.read(both, [quick()], ()).machines
    assert made_in.processor == here.processor


def p(_data_root: Path, _weights: Path, **_subject: object) -> dict[str, int]:
    """A probe that finds the same everywhere."""
    return {"found": 3}


def test_a_probe_is_recorded_with_the_data_that_it_reads_and_needs_no_other(
    tmp_path: Path,
) -> None:
    digits = data.load("digits", data_root=tmp_path, seed=0).checksum
    sums = [data.load("sums", data_root=tmp_path, seed=seed).checksum for seed in (1, 2)]
    probes = [
        Probe(run=p),
        Probe(run=p, dataset="digits", subject={"of": "digits"}),
        *(Probe(run=p, dataset="sums", subject={"drawn": seed}) for seed in (1, 2)),
    ]
    store = Store(tmp_path / "claims")
    nowhere = tmp_path / "nowhere"
    added = supply(store, (), probes, data_root=nowhere, side_by_side=1, shown=Progress())
    assert added.failures == added.obstacles == ()
    made = [(record.inputs, record.outcome) for record in of_kind(store.read(), kinds.Probe)]
    assert made == [(tuple(inputs), {"found": 3}) for inputs in ([], [digits], *zip(sums))]


def test_a_probe_of_other_weights_or_other_code_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = supplied(tmp_path, quick((1,))).read()
    trial = quick((1,))
    (digest,) = evidence.read(records, [trial], ()).trial("quick").digests.values()
    probe = Probe(run=p, subject={"trial": "quick", "seed": 1})
    here = machine.environment()
    fitting = probe.record(here, ["data", digest], {"found": 3})
    other = probe.record(here, ["data", "0" * 64], {"found": 4})
    (outcome,) = evidence.read([*records, fitting, other], [trial], [probe]).probe("p")
    assert outcome == {"trial": "quick", "seed": 1, "found": 3}
    with pytest.raises(MissingEvidenceError, match="p has not been measured"):
        evidence.read([*records, other], [trial], [probe]).probe("p")
    monkeypatch.setattr(evidence, "code_sha256", lambda *_, **__: "other code")
    with pytest.raises(MissingEvidenceError, match="p has not been measured"):
        evidence.read([*records, fitting], [trial], [probe]).probe("p")


def test_a_probe_without_one_of_its_subjects_is_not_whole() -> None:
    one, two = (Probe(run=p, subject={"seed": seed}) for seed in (1, 2))
    record = one.record(machine.environment(), [], {"found": 3})
    assert evidence.read([record], (), [one]).probe("p")
    with pytest.raises(MissingEvidenceError, match="p has not been measured"):
        evidence.read([record], (), [one, two]).probe("p")
