"""Runs and judged comparisons as pandas frames, unrounded, units in the names of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.results.families import against_baseline, design_effects
from bench.results.runs import Results
from bench.results.speeds import Speed
from bench.statistics.accuracy import Comparison

if TYPE_CHECKING:
    import pandas as pd

RECORD_COLUMNS = (
    *("model", "device", "seed", "dataset", "recipe", "outcome", "error", "epochs", "updates"),
    *("test_accuracy", "test_accuracy_selected", "validation_accuracy"),
    *("wrong_answers", "test_samples", "train_samples", "train_seconds", "jobs"),
    *("diverged_at", "lost_workers", "weights_sha256"),
)
PAIR_COLUMNS = (
    *("quantity", "comparison", "model", "baseline", "device", "verdict"),
    *("difference", "ratio", "low", "high", "p", "adjusted_p", "seeds", "test_samples"),
)


def records_table(results: Results) -> pd.DataFrame:
    """One row per training run, fields named as in `records.jsonl`, fractions in 0..1."""
    import pandas as pd  # takes longer than the rest of a report's imports

    rows: list[dict[str, Any]] = [
        {name: getattr(run, name, None) for name in RECORD_COLUMNS}
        | {"wrong_answers": len(run.misclassified) if run.status == "ok" else None}
        for runs in results.runs
        for run in runs.cells.values()
    ]
    table = pd.DataFrame(rows, columns=list(RECORD_COLUMNS))
    whole = dict.fromkeys(["updates", "wrong_answers", "diverged_at"], "Int64")
    known = ["test_accuracy", "test_accuracy_selected", "validation_accuracy"]
    return table.astype({**whole, **dict.fromkeys(known, "float64")})


def pairs_table(results: Results) -> pd.DataFrame:
    """One row per comparison that carries a verdict.

    Of accuracies (`difference`, a fraction): every network against the baseline of its ranking, and
    the questions to the 3 x 2 design. Of speeds (`ratio`): every network against the baseline.
    `low` and `high` are the ends of the interval that the verdict rests on.
    """
    import pandas as pd

    rows = [*_accuracies(results), *_questions(results), *_speeds(results)]
    table = pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
    return table.astype(dict.fromkeys(["seeds", "test_samples"], "Int64"))


def _accuracies(results: Results) -> Iterator[dict[str, Any]]:
    for group in results.groups:
        family = against_baseline(group, results)
        if family is None:
            continue
        for model, comparison in family.comparisons.items():
            yield {
                "model": model,
                "baseline": family.baseline.model,
                "device": family.baseline.device,
                **_accuracy(comparison),
            }


def _questions(results: Results) -> Iterator[dict[str, Any]]:
    for device in results.request.devices:
        for effect in design_effects(results, device):
            yield {
                "device": device,
                **_accuracy(effect.comparison),
                "comparison": effect.question.name,
            }


def _accuracy(found: Comparison) -> dict[str, Any]:
    return {
        "quantity": "test_accuracy",
        "comparison": found.name,
        "verdict": found.verdict,
        "difference": found.difference,
        "low": found.widest and found.widest.low,
        "high": found.widest and found.widest.high,
        "p": found.p,
        "adjusted_p": found.adjusted_p,
        "seeds": found.n_seeds,
        "test_samples": found.n_samples,
    }


def _speeds(results: Results) -> Iterator[dict[str, Any]]:
    baseline = results.request.baseline
    for (model, device), speed in results.speeds.items():
        for quantity, ratio in _ratios(speed):
            if ratio is not None:
                yield {
                    "quantity": quantity,
                    "comparison": f"{model} / {baseline}",
                    "model": model,
                    "baseline": baseline,
                    "device": device,
                    **{
                        name: getattr(ratio, name)
                        for name in ("verdict", "ratio", "low", "high", "p", "adjusted_p")
                    },
                }


def _ratios(speed: Speed) -> Iterator[tuple[str, Any]]:
    for phase in ("train", "inference", "latency"):
        pace = getattr(speed, phase)
        yield f"{phase}_speed", pace and pace.ratio
