"""What claims are decided from: trained networks and probes, read from records alone.

A record counts as evidence only while it fits: its key is made again from the trial as it is now,
the code as it is now, and the environment and data that the record names. Evidence that was made on
another machine fits, too; whoever has the data can make it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import zoo
from bench.cells.data import load
from bench.cells.jobs import cell_key, training_code
from bench.claims.trials import DEVICE, Trial, trials
from bench.records import environment
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.store import Record, digest
from bench.results.runs import Runs, model_runs

# A probe's record names the data and the trained weights that it was made from by their digests.
_KEYED_OTHERWISE = (load, trials)
ENVIRONMENT = "environment"  # an experiment's name: the machine that the records after it are from


class MissingEvidenceError(LookupError):
    """A claim needs something that has not been trained or measured yet; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing to find out beside training, and the code that finds it out.

    Attributes:
        subject: What it is about: a trial and a seed, or nothing more than its name.
        run: Finds it out, from the folder above `MNIST/raw`, the folder of the trials' trained
            weights, and the subject's fields.
        builds: Networks that it builds itself, by registry name.
        timing: Whether it measures speed, so that nothing else may run beside it.
    """

    subject: Mapping[str, Any] = field(default_factory=dict)
    run: Callable[..., Mapping[str, Any]]
    builds: tuple[str, ...] = ()
    timing: bool = False

    @property
    def name(self) -> str:
        """What checks and records know it by."""
        return self.run.__name__.replace("_", "-")

    def record(
        self, here: Environment, inputs: Sequence[str], outcome: Mapping[str, Any]
    ) -> Record:
        """The record of its outcome.

        Args:
            here: Where it was found out.
            inputs: Digests of what it was found out from: data, weights.
            outcome: What came out.
        """
        fields = {
            "experiment": self.name,
            **self.subject,
            "inputs": list(inputs),
            "decisive": here.decisive(DEVICE),
        }
        return Record(
            kind="experiment",
            key=self._key(fields),
            fields={**fields, "status": "ok", "outcome": dict(outcome)},
        )

    def fits(self, record: Record) -> bool:
        """Whether a record is of this probe, made by the code as it is now."""
        if record.kind != "experiment" or record.fields.get("experiment") != self.name:
            return False
        fields = {k: v for k, v in record.fields.items() if k not in ("status", "outcome")}
        same = all(fields.get(name) == value for name, value in self.subject.items())
        return same and record.key == self._key(fields)

    def _key(self, fields: Mapping[str, Any]) -> str:
        built = [zoo.get(name).build for name in self.builds]
        return digest({**fields, "code": code_sha256(self.run, *built, besides=_KEYED_OTHERWISE)})


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


def environment_record(here: Environment) -> Record:
    """The record that says where the cells after it were trained."""
    fields = {"experiment": ENVIRONMENT, "status": "ok", "environment": asdict(here)}
    return Record(kind="experiment", key=digest(fields), fields=fields)


def read(records: Sequence[Record], trials: Iterable[Trial], probes: Iterable[Probe]) -> Evidence:
    """The evidence that fits, from records.

    Args:
        records: All records of the report, oldest first.
        trials: What may have been trained.
        probes: What may have been found out.
    """
    here = environment.current()
    machines = _machines(records, here)
    trained = [r for r in records if r.kind == "train" and r.fields["status"] == "ok"]
    by_cell: dict[tuple[str, int], list[Record]] = {}
    for record in trained:
        by_cell.setdefault((record.fields["model"], record.fields["seed"]), []).append(record)
    runs: dict[str, Runs] = {}
    used: dict[str, Environment] = {}
    for trial in trials:
        code = training_code(trial.spec)
        for machine in machines:
            cells = _cells(trial, code, machine, by_cell)
            if len(cells) == len(trial.seeds):
                runs[trial.name] = model_runs(trial.name, DEVICE, cells)
                used[digest(asdict(machine))] = machine
                break
    outcomes: dict[str, list[Mapping[str, Any]] | None] = {}
    for probe in probes:
        fitting = records_of(probe, records, runs)
        found = [r for r in fitting if made_by(r, here)] or fitting
        known = outcomes.setdefault(probe.name, [])
        if not found:
            outcomes[probe.name] = None  # of several subjects one lacks: the probe is not whole
        elif known is not None:
            known.append({**probe.subject, **found[-1].fields["outcome"]})
    return Evidence(
        runs=runs,
        outcomes={name: tuple(found) for name, found in outcomes.items() if found is not None},
        machines=tuple(used.values()),
    )


def _machines(records: Sequence[Record], here: Environment) -> list[Environment]:
    """This machine, then those that the records name, the latest first."""
    recorded = [
        environment.recorded(record.fields["environment"])
        for record in records
        if record.kind == "experiment" and record.fields["experiment"] == ENVIRONMENT
    ]
    same = [machine for machine in recorded if machine.decisive(DEVICE) == here.decisive(DEVICE)]
    others = [machine for machine in reversed(recorded) if machine not in same]
    return [*(same[-1:] or [here]), *others]


def _cells(
    trial: Trial,
    code: str,
    machine: Environment,
    by_cell: Mapping[tuple[str, int], Sequence[Record]],
) -> list[Mapping[str, Any]]:
    """The fields of a trial's cells that were trained on a machine."""
    found = []
    for seed in trial.seeds:
        for record in reversed(by_cell.get((trial.name, seed), ())):
            key = cell_key(
                trial.cell(seed),
                asdict(trial.recipe),
                data_sha256=record.fields["data_sha256"],
                code=code,
                environment=machine,
            )
            if key == record.key:
                found.append(record.fields)
                break
    return found


def records_of(probe: Probe, records: Sequence[Record], runs: Mapping[str, Runs]) -> list[Record]:
    """The records of a probe, oldest first; of one into trained weights, those into these."""
    needed = set(weights_of(probe, runs))
    return [r for r in records if probe.fits(r) and needed <= set(r.fields["inputs"])]


def weights_of(probe: Probe, runs: Mapping[str, Runs]) -> tuple[str, ...]:
    """Digest of the trained weights that a probe looks into, if it does and there are any."""
    trained = runs.get(probe.subject.get("trial", ""))
    return () if trained is None else (trained.digests[probe.subject["seed"]],)


def made_by(record: Record, machine: Environment) -> bool:
    """Whether a probe's record was made on a machine that would find the same."""
    return bool(record.fields["decisive"] == machine.decisive(DEVICE))
