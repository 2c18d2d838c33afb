"""`lenet-sigmoid` has no activation after C5 and F6, so its last three layers are one."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from bench.cells.reference import MAJORITY_CLASS
from bench.claims.document_errors.entry import (
    Entry,
    accuracies_table,
    baseline_accuracies,
    contrasts_table,
    draw_by_seed,
)
from bench.claims.evidence import Evidence
from bench.results.runs import Runs

_ROWS = {
    "lenet-sigmoid": "linear head, average pooling: the code",
    "lenet-sigmoid-max": "linear head, max pooling: the prose",
    "lenet-sigmoid-all-avg": "sigmoid after C5 and F6, average pooling",
    "lenet-sigmoid-all-max": "sigmoid after C5 and F6, max pooling",
}


def _show(evidence: Evidence) -> list[str]:
    runs = {name: evidence.trial(name) for name in _ROWS}
    linear, linear_max, active, active_max = runs.values()
    outcomes = evidence.probe("linear-head")
    changed = sum(outcome["changed_answers"] for outcome in outcomes)
    pictures = sum(outcome["pictures"] for outcome in outcomes)
    apart = max(outcome["largest_difference"] for outcome in outcomes)
    return [
        *accuracies_table(
            [(words, runs[name]) for name, words in _ROWS.items()], evidence, samples_of="dnn"
        ),
        "",
        *contrasts_table(
            [
                ("sigmoids after C5 and F6 - none, average pooling", active, linear),
                ("sigmoids after C5 and F6 - none, max pooling", active_max, linear_max),
                ("max - average pooling, linear head", linear_max, linear),
            ]
        ),
        "",
        *_untrained(runs, baseline_accuracies(evidence, "dnn")[MAJORITY_CLASS]),
        f"Multiplied out, the three trained layers of {len(outcomes)} seeds are one affine map "
        f"from 400 to 10 each: over {pictures:,} answers to test pictures {changed} differ, and no "
        f"logit by more than {apart:.0e} (in float64). 59,134 parameters do the work of 4,010; of "
        "the network's 61,706 only 6,582 are free.",
    ]


def _untrained(runs: Mapping[str, Runs], largest_class: float) -> list[str]:
    """What it means where a sigmoid after every layer leaves a network untrained."""
    active = [runs["lenet-sigmoid-all-avg"], runs["lenet-sigmoid-all-max"]]
    if max(max(found.accuracy.values()) for found in active) > largest_class:
        return []
    return [
        "The linear head does no harm here, on the contrary: with a sigmoid after every layer no "
        "seed does better than the largest class, so that those networks have not begun to learn. "
        "That is the recipe's doing as well: under the common recipe `lenet5-sigmoid-avg` and "
        "`lenet5-sigmoid-max`, which have the same sigmoids, do learn.",
        "",
    ]


def _draw(evidence: Evidence) -> Figure:
    rows = [(words, list(evidence.trial(name).accuracy.values())) for name, words in _ROWS.items()]
    return draw_by_seed(rows, "test accuracy after 10 epochs")


ENTRY = Entry(
    name="linear-head",
    title="Three layers that are one",
    claims=("dnn-cnn/linear-collapse", "lenet-sigmoid/pooling", "lenet-sigmoid/scheduler"),
    explanation=(
        "`lenet-sigmoid` puts a sigmoid after each of its first two convolutions and nothing after "
        "C5 and F6: three layers in a row without an activation between them are one affine map. "
        "Its prose says max pooling where its code averages. It makes a scheduler that it never "
        "steps, and never returns to training mode after testing; neither costs anything here, "
        "since the scheduler would first act after the last epoch and the network has no dropout.",
        "The parts left out have a price of their own, though. Does the linear head do harm? All "
        "four networks train by the document's recipe: SGD 0.001 with momentum 0.9, batch 16, 10 "
        "epochs.",
    ),
    trials=tuple(_ROWS),
    probes=("linear-head", "baselines"),
    show=_show,
    draw=_draw,
    caption="Test accuracy of four networks under one recipe, a dot a seed, the same seeds joined; "
    "diamonds are means.",
)
