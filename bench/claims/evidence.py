"""What claims are decided from: trained networks and probes, read from records alone.

A record counts as evidence only while it fits: its key is made again from the trial as it is now,
the code as it is now, and the environment and data that the record names. Evidence that was made on
another machine fits, too; whoever has the data can make it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import zoo
from bench.cells import machine
from bench.cells.data import load
from bench.cells.jobs import key_content, training_code
from bench.claims.trials import DEVICE, Trial, trials
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.store import digest, of_kind
from bench.results.runs import Runs

# A probe's record names its data and trained weights by their digests, and its key has the code of
# the networks that it builds; how any of them is looked up changes nothing.
_KEYED_OTHERWISE = (load, trials, zoo.get)


class MissingEvidenceError(LookupError):
    """A claim needs something that has not been trained or measured yet; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing to measure beside training, and the code that measures it.

    Attributes:
        subject: What it is about: a trial and a seed, or nothing more than its name.
        run: Measures it, from the folder above `MNIST/raw`, the folder of the trials' trained
            weights, and the subject's fields.
        dataset: The data set that it reads; None if it reads none.
        builds: Networks that it builds itself, by registry name.
        timing: Whether it measures speed, so that nothing else may run beside it.
    """

    subject: Mapping[str, Any] = field(default_factory=dict)
    run: Callable[..., Mapping[str, Any]]
    dataset: str | None = None
    builds: tuple[str, ...] = ()
    timing: bool = False

    @property
    def name(self) -> str:
        """What checks and records know it by."""
        return self.run.__name__.replace("_", "-")

    @property
    def trial(self) -> str | None:
        """The trial whose trained weights it looks into; None if it looks into none."""
        return self.subject.get("trial")

    def record(
        self, here: Environment, inputs: Sequence[str], outcome: Mapping[str, Any]
    ) -> kinds.Probe:
        """The record of its outcome.

        Args:
            here: Where it was measured.
            inputs: Digests of what it was measured on: data, weights.
            outcome: What came out.
        """
        made_in = here.decisive(DEVICE)
        return kinds.Probe(
            key=self._key(inputs, made_in),
            experiment=self.name,
            inputs=tuple(inputs),
            decisive=made_in,
            status="ok",
            outcome=dict(outcome),
            **self.subject,
        )

    def fits(self, record: kinds.Probe) -> bool:
        """Whether a record is of this probe, made by the code as it is now."""
        if record.experiment != self.name:
            return False
        same = all(getattr(record, name) == value for name, value in self.subject.items())
        return same and record.key == self._key(record.inputs, record.decisive)

    def _key(self, inputs: Sequence[str], decisive: Mapping[str, Any]) -> str:
        built = [zoo.get(name).build for name in self.builds]
        return digest(
            {
                "experiment": self.name,
                **self.subject,
                "inputs": list(inputs),
                "decisive": decisive,
                "code": code_sha256(self.run, *built, besides=_KEYED_OTHERWISE),
            }
        )


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What there is to decide claims from.

    Attributes:
        runs: By trial, its cells; only trials all of whose seeds ran.
        outcomes: By probe, an outcome for each of its subjects, with the subject's fields.
        machines: The environments that the evidence was made in, the earliest first.
    """

    runs: Mapping[str, Runs]
    outcomes: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    machines: tuple[Environment, ...] = ()

    def trial(self, name: str) -> Runs:
        """A trial's cells.

        Raises:
            MissingEvidenceError: They have not all been trained.
        """
        if name not in self.runs:
            raise MissingEvidenceError(f"{name} has not been trained on all its seeds")
        return self.runs[name]

    def probe(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """A probe's outcomes.

        Raises:
            MissingEvidenceError: They are not all there.
        """
        if name not in self.outcomes:
            raise MissingEvidenceError(f"{name} has not been measured")
        return self.outcomes[name]


def machine_record(here: Environment) -> kinds.Machine:
    """The record that says where the cells after it were trained."""
    fields = {"experiment": kinds.MACHINE, "status": "ok", "environment": asdict(here)}
    return kinds.Machine(
        key=digest(fields), experiment=kinds.MACHINE, status="ok", environment=here
    )


def read(
    records: Sequence[kinds.Record], trials: Iterable[Trial], probes: Iterable[Probe]
) -> Evidence:
    """The evidence that fits, from records.

    Args:
        records: All records of the report, oldest first.
        trials: What may have been trained.
        probes: What may have been measured.
    """
    here = machine.environment()
    machines = _machines(records, here)
    by_cell: dict[tuple[str, int], list[kinds.Train]] = {}
    for record in of_kind(records, kinds.Train):
        if record.status == "ok":
            by_cell.setdefault((record.model, record.seed), []).append(record)
    runs: dict[str, Runs] = {}
    used: dict[str, Environment] = {}
    for trial in trials:
        for made_in in machines:
            cells = _cells(trial, made_in, by_cell)
            if len(cells) == len(trial.seeds):
                runs[trial.name] = Runs(model=trial.name, device=DEVICE, cells=cells)
                used[digest(asdict(made_in))] = made_in
                break
    by_name: dict[str, list[Probe]] = {}
    for probe in probes:
        by_name.setdefault(probe.name, []).append(probe)
    found = {name: _outcomes(of_name, records, runs, here) for name, of_name in by_name.items()}
    return Evidence(
        runs=runs,
        outcomes={name: outcomes for name, outcomes in found.items() if outcomes is not None},
        machines=tuple(used.values()),
    )


def _outcomes(
    probes: Sequence[Probe],
    records: Sequence[kinds.Record],
    runs: Mapping[str, Runs],
    here: Environment,
) -> tuple[Mapping[str, Any], ...] | None:
    """The outcome for each subject of a probe; None if one of them is missing."""
    outcomes = []
    for probe in probes:
        fitting = records_of(probe, records, runs)
        best = [record for record in fitting if made_by(record, here)] or fitting
        if not best:
            return None
        outcomes.append({**probe.subject, **best[-1].outcome})
    return tuple(outcomes)


def _machines(records: Sequence[kinds.Record], here: Environment) -> list[Environment]:
    """This machine, then those that the records name, the latest first."""
    recorded = [record.environment for record in of_kind(records, kinds.Machine)]
    same = [made_in for made_in in recorded if made_in.decisive(DEVICE) == here.decisive(DEVICE)]
    others = [made_in for made_in in reversed(recorded) if made_in not in same]
    return [*(same[-1:] or [here]), *others]


def _cells(
    trial: Trial, made_in: Environment, by_cell: Mapping[tuple[str, int], Sequence[kinds.Train]]
) -> dict[int, kinds.Train]:
    """By seed, a trial's cells that were trained on a machine by the code as it is now."""
    code = training_code(trial.spec)
    found = {}
    for seed in trial.seeds:
        cell = trial.cell(seed)
        for record in reversed(by_cell.get((trial.name, seed), ())):
            content = key_content(cell, record.data_sha256, code, made_in)
            if digest(content) == record.key:
                found[seed] = record
                break
    return found


def records_of(
    probe: Probe, records: Sequence[kinds.Record], runs: Mapping[str, Runs]
) -> list[kinds.Probe]:
    """The records of a probe, oldest first; of one into trained weights, those into these."""
    needed = set(weights_of(probe, runs))
    return [
        record
        for record in of_kind(records, kinds.Probe)
        if probe.fits(record) and needed <= set(record.inputs)
    ]


def weights_of(probe: Probe, runs: Mapping[str, Runs]) -> tuple[str, ...]:
    """Digest of the trained weights that a probe looks into, if it does and there are any."""
    trained = runs.get(probe.trial or "")
    return () if trained is None else (trained.digests[probe.subject["seed"]],)


def made_by(record: kinds.Probe, made_in: Environment) -> bool:
    """Whether a probe's record was made on a machine that would find the same."""
    return record.decisive == made_in.decisive(DEVICE)
