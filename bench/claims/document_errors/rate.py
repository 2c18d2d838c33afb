"""`cnn` trains with a learning rate of 0.9."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.figure import Figure

from bench.claims.document_errors.curves import curves, panels
from bench.claims.document_errors.entry import Entry, baseline_line
from bench.claims.evidence import Evidence
from bench.results.runs import Runs
from bench.writing.markdown import decimal, distance, mean_accuracy, spread, table
from bench.writing.style import BLUE

TRIALS = {"cnn": "0.9, the document's", "cnn-slower": "0.1"}


def _falls(runs: Runs) -> list[float]:
    """By how much test accuracy falls from one epoch to the next, over all seeds; rises below 0."""
    return [
        before - after for _, accuracies in curves(runs) for before, after in pairwise(accuracies)
    ]


def _show(evidence: Evidence) -> list[str]:
    rows = []
    for name, words in TRIALS.items():
        runs = evidence.trial(name)
        summary = runs.summary
        assert summary is not None
        steps = _falls(runs)
        falls = [step for step in steps if step > 0]
        rows.append(
            [
                words,
                str(summary.n),
                mean_accuracy(runs),
                decimal(None if summary.std is None else 100 * summary.std, 2),
                spread(summary),
                f"{len(falls)} of {len(steps)}",
                distance(max(falls)) if falls else "-",
            ]
        )
    lines = table(
        (
            *("learning rate", "seeds >", "test accuracy >", "standard deviation, pp >"),
            *("lowest to highest >", "epochs that made it worse >", "by at most >"),
        ),
        rows,
    )
    return [*lines, "", baseline_line(evidence, "dnn")]


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels([f"learning rate {words}" for words in TRIALS.values()])
    for panel, name in zip(axes, TRIALS, strict=True):
        for epochs, accuracies in curves(evidence.trial(name)):
            panel.plot(epochs, accuracies, "o-", color=BLUE, alpha=0.5, linewidth=1, markersize=3)
    return figure


ENTRY = Entry(
    name="learning-rate",
    title="A learning rate at which one run says little",
    claims=("dnn-cnn/cnn-accuracy", "dnn-cnn/cnn-beats-dnn"),
    explanation=(
        "`dnn-cnn` trains its LeNet-5 by plain gradient descent at a learning rate of 0.9. The "
        "network learns, but where it stands after five epochs depends on the seed: an epoch may "
        "make it worse, and seeds differ by more than a point. Its 97.94% is one draw.",
        "*Instead:* a rate at which the curve settles, and several seeds with their spread.",
    ),
    trials=tuple(TRIALS),
    probes=("baselines",),
    show=_show,
    draw=_draw,
    caption="Test accuracy after each epoch at two learning rates, one line a seed.",
)
