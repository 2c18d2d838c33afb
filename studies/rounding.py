"""`python -m studies.rounding`: what rounding alone does to a network, beside what seeds do.

Every image network is trained on digits from the same seeds twice: as usual, and with the
instructions that processors had before 2011. These add the same numbers in another order, and
nothing else differs; so it is between any two kinds of processors. The recipe is the common one,
but for a learning rate that stays. Takes a few minutes.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import cpu_count

import zoo
from bench.cells.common_recipe import Settings, common_recipe
from bench.cells.curves import Answers
from bench.cells.data import load
from bench.cells.fitting import image_models
from bench.cells.splits import view
from bench.cells.train import train
from bench.statistics.error_rates import ROUNDING_SPREAD, RoundingSpread
from studies.results import write

SEEDS = (1, 2, 3, 4, 5)
STEADY = Settings(learning_rate=3e-3, schedule="constant")
# What torch's own kernels, oneDNN and MKL read when they are loaded.
OLD_PROCESSOR = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One trained network.

    Attributes:
        digest: Of its weights.
        accuracy: On the test pictures, a fraction in 0..1.
        answers: The class answered for each of them.
    """

    digest: str
    accuracy: float
    answers: Answers


def main() -> int:
    """Trains, writes the result and prints it."""
    once = _train(image_models(), {})
    twins: dict[str, list[str]] = {}
    for name, runs in once.items():
        twins.setdefault(runs[0].digest, []).append(name)
    again = _train([same[0] for same in twins.values()], OLD_PROCESSOR)
    rows = [spread(same, once[same[0]], again[same[0]]) for same in twins.values()]
    write(ROUNDING_SPREAD, RoundingSpread, rows)
    return 0


def _train(names: Sequence[str], environment: Mapping[str, str]) -> dict[str, list[Trained]]:
    """By network, a training for each seed, in processes that start with environment variables."""
    before = dict(os.environ)
    os.environ.update(environment)
    spawning = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(cpu_count(), mp_context=spawning) as processes:
            running = {
                name: [processes.submit(trained, name, seed) for seed in SEEDS] for name in names
            }
            return {name: [run.result() for run in runs] for name, runs in running.items()}
    finally:
        os.environ.clear()
        os.environ.update(before)


def trained(name: str, seed: int) -> Trained:
    """One network, trained from a seed."""
    spec = zoo.get(name)
    recipe = common_recipe(spec, settings=STEADY)
    split = view(load("digits", data_root=Path(), seed=seed), spec, recipe)
    result = train(spec, recipe, split, seed=seed, device="cpu")
    return Trained(
        digest=result.weights_sha256, accuracy=result.test_accuracy, answers=result.predictions
    )


def spread(
    models: Sequence[str], once: Sequence[Trained], again: Sequence[Trained]
) -> RoundingSpread:
    """What seeds and what rounding do to a network.

    Args:
        models: Its names.
        once: By seed, as it is trained usually.
        again: By the same seeds, with other instructions.
    """
    accuracy = np.array([[run.accuracy for run in runs] for runs in (once, again)])
    differences = accuracy[1] - accuracy[0]
    seeds = range(len(once))
    return RoundingSpread(
        models=" = ".join(models),
        seeds=len(once),
        seed_deviation=round(float(accuracy[0].std(ddof=1)), 6),
        # Each difference has the variance of two trainings.
        rounding_deviation=round(float(np.sqrt((differences**2).mean() / 2)), 6),
        same_weights=sum(a.digest == b.digest for a, b in zip(once, again, strict=True)),
        other_answers_by_seed=_disagreement(
            [(once[i], once[j]) for i in seeds for j in seeds if i < j]
        ),
        other_answers_by_rounding=_disagreement(list(zip(once, again, strict=True))),
    )


def _disagreement(pairs: Sequence[tuple[Trained, Trained]]) -> float:
    """The share of test pictures that two trained networks answer differently, on average."""
    return round(float(np.mean([(a.answers != b.answers).mean() for a, b in pairs])), 6)


if __name__ == "__main__":
    raise SystemExit(main())
