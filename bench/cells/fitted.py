"""The reference predictors of a run: which it needs, and their records."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.cells import reference
from bench.cells.catalogue import DRAWN_PER_SEED
from bench.cells.data import Datasets
from bench.cells.jobs import Job, failure
from bench.cells.splits import Split
from bench.records import kinds
from bench.records.code import code_sha256
from bench.records.environment import Environment
from bench.records.store import digest
from bench.records.wrong_answers import WrongAnswers


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A reference predictor that is fitted for a run.

    Attributes:
        key: Of its record.
        name: One of `reference.NAMES`.
        seed: That the data are drawn from; None where they are the same for all seeds.
        split: What it is fitted to and scored on.
    """

    key: str
    name: str
    seed: int | None
    split: Split

    def fitted(self) -> kinds.Reference:
        """Its record, made now."""
        try:
            found = reference.fit(self.name, self.split)
            wrong = WrongAnswers(found.misclassified)
            outcome = {"status": "ok", **asdict(found), "misclassified": wrong}
        except Exception as error:
            outcome = {"status": "failed", "error": failure(error)}
        return kinds.Reference(
            key=self.key,
            baseline=self.name,
            seed=self.seed,
            classes=len(self.split.classes),
            train_samples=self.split.sizes[0],
            test_samples=self.split.sizes[2],
            test_checksum=self.split.test_checksum,
            data_sha256=self.split.checksum,
            **outcome,
        )


def predictors(jobs: Sequence[Job], datasets: Datasets, here: Environment) -> list[Predictor]:
    """All reference predictors, for each set of test samples that the jobs have."""
    first: dict[str, Job] = {}
    for job in jobs:
        first.setdefault(job.split.test_checksum, job)
    found: dict[str, Predictor] = {}
    for job in first.values():
        cell = job.cell
        split = reference.reference_view(
            datasets.get(cell.dataset, cell.seed), cell.spec, cell.recipe
        )
        seed = cell.seed if cell.dataset in DRAWN_PER_SEED else None
        for name in reference.NAMES:
            key = _key(name, split, here)
            found[key] = Predictor(key=key, name=name, seed=seed, split=split)
    return list(found.values())


def _key(name: str, split: Split, here: Environment) -> str:
    return digest(
        {
            "baseline": name,
            "data": split.checksum,
            "tested_on": split.test_checksum,
            "code": code_sha256(reference.fit),
            "environment": here.decisive("cpu"),
            "scipy": importlib.metadata.version("scipy"),  # takes the regression's steps
        }
    )
