"""`net-mnist` makes a continued network and goes on training the first one."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.claims.document_errors.entry import Entry, baseline_line, draw_by_seed
from bench.claims.evidence import Evidence
from bench.statistics.basics import paired_difference, summarise
from bench.writing.markdown import percent, points, points_interval, table

_FIFTH = 5
_WAYS = {
    "resumed": "resumed rightly: 3 + 5 epochs in two processes",
    "stale": "the files used as they are: 7 updates old, then 5 epochs",
    "anew": "the second part run by itself: a new network, 5 epochs",
    "loaded": "the network that loads the files: trained no further",
}


def _accuracies(evidence: Evidence) -> dict[str, list[float]]:
    outcomes = evidence.probe("resume")
    cells = evidence.trial("net").ran
    fifth = [
        next(p.accuracy for p in cells[outcome["seed"]].test_curve if p.epoch == _FIFTH)
        for outcome in outcomes
    ]
    found = {way: [outcome[way] for outcome in outcomes] for way in ("resumed", "stale", "loaded")}
    return {way: fifth if way == "anew" else found[way] for way in _WAYS}


def _show(evidence: Evidence) -> list[str]:
    accuracies = _accuracies(evidence)
    right = accuracies["resumed"]
    rows = []
    for way, values in accuracies.items():
        lost = paired_difference(values, right)
        rows.append(
            [
                _WAYS[way],
                percent(summarise(values).mean),
                "" if way == "resumed" else f"{points(lost.mean)} {points_interval(lost)}",
            ]
        )
    return [
        *table(("network", "test accuracy >", "to resuming rightly, 95% interval >"), rows),
        "",
        baseline_line(evidence, "dnn"),
        "",
        f"{len(right)} seeds, paired; intervals are Student's over seeds. Run in one go, as the "
        "document's cells are, its program ends with 8 epochs all the same, in the network that it "
        "does not call continued: the mistake shows only when the second part is run by itself, "
        "which is what saving was for.",
    ]


def _draw(evidence: Evidence) -> Figure:
    rows = [(_WAYS[way], values) for way, values in _accuracies(evidence).items()]
    return draw_by_seed(rows, "test accuracy")


ENTRY = Entry(
    name="resuming",
    title="A continued network that is never trained",
    claims=("net-mnist/resume", "net-mnist/resume-done-right"),
    explanation=(
        "`net-mnist` trains 3 epochs and saves model and optimiser every 10 batches. To continue "
        "it makes a second network and a second optimiser, loads the files into them, and calls a "
        "training function that uses the first network and the first optimiser. The second "
        "optimiser, besides, is made over the first network's parameters. And the files are those "
        "of batch 930 of 937: seven updates, 416 pictures, before the end.",
        "*Instead:* load into the network that trains, make its optimiser over its own parameters, "
        "load that optimiser's state, save after the epoch; and for the same bits, save the random "
        "states, too.",
    ),
    trials=("net",),
    probes=("resume", "baselines"),
    show=_show,
    draw=_draw,
    caption="Test accuracy of four ways to go on after 3 epochs, a dot a seed, the same seeds "
    "joined; diamonds are means.",
)
