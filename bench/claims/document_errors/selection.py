"""`lenet-sigmoid` keeps the epoch that did best on the test set."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.claims.document_errors.curves import curves, panels
from bench.claims.document_errors.entry import Entry, baseline_line
from bench.claims.evidence import Evidence
from bench.results.runs import Runs
from bench.statistics.basics import paired_difference, summarise
from bench.writing.markdown import percent, points, table
from bench.writing.style import BLUE, RED

TRIALS = {
    "lenet-sigmoid": "as its code (average pooling)",
    "lenet-sigmoid-max": "as its prose (max pooling)",
    "cnn": "under the same rule",
}


def _both(runs: Runs) -> tuple[list[float], list[float]]:
    """Accuracy of the best test epoch and of the last one, by seed."""
    return [max(accuracies) for _, accuracies in curves(runs)], list(runs.accuracy.values())


def _show(evidence: Evidence) -> list[str]:
    rows = []
    for name, words in TRIALS.items():
        runs = evidence.trial(name)
        best, last = _both(runs)
        flattered = paired_difference(best, last)
        rows.append(
            [
                f"`{name}`, {words}",
                str(len(last)),
                percent(summarise(last).mean),
                percent(summarise(best).mean),
                points(flattered.mean),
                f"{points(flattered.minimum)} to {points(flattered.maximum)}",
                str(sum(b > a for b, a in zip(best, last, strict=True))),
            ]
        )
    return [
        *table(
            (
                *("network", "seeds >", "last epoch >", "best test epoch >"),
                *("flattered by >", "lowest to highest >", "seeds that gain >"),
            ),
            rows,
        ),
        "",
        baseline_line(evidence, "dnn"),
        "",
        "The gain is what a reader is told beyond what a network trained for the stated number of "
        "epochs gives. A curve that still rises at the end leaves little to choose; a restless "
        "one, as that of `cnn` at its learning rate of 0.9, leaves more. It is never below zero, "
        "so that it carries no interval.",
    ]


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels([f"{name}\n{words}" for name, words in TRIALS.items()], one_scale=False)
    for panel, name in zip(axes, TRIALS, strict=True):
        for epochs, accuracies in curves(evidence.trial(name)):
            panel.plot(epochs, accuracies, color=BLUE, alpha=0.6, linewidth=1)
            best = max(range(len(epochs)), key=lambda i: accuracies[i])
            panel.plot(epochs[best], accuracies[best], "o", color=RED, markersize=5)
    return figure


ENTRY = Entry(
    name="selection",
    title="The best epoch, chosen on the test set",
    claims=(),
    explanation=(
        "`lenet-sigmoid` tests after every epoch and keeps the weights of the epoch that did best "
        "on the test set. The number it reports is the largest of ten, chosen by the very samples "
        "that are to judge it: it is not what new pictures would give. What the rule can do shows "
        "where a curve goes up and down: `cnn`, whose document has no such rule, stands beside it.",
        "*Instead:* hold out validation samples of the training set, choose the epoch on those, "
        "and test once.",
    ),
    trials=tuple(TRIALS),
    probes=("baselines",),
    show=_show,
    draw=_draw,
    caption="Test accuracy after each epoch, one line a seed, each panel with a scale of its own; "
    "the red dot is the epoch that the rule keeps.",
)
