"""`bp-cnn` takes the softmax twice."""

from __future__ import annotations

from matplotlib.figure import Figure

from bench.claims.document_errors.curves import curves, panels
from bench.claims.document_errors.entry import Entry, accuracies_table, contrasts_table
from bench.claims.evidence import Evidence
from bench.results.runs import Runs
from bench.writing.style import BLUE, ORANGE

_ALWAYS_ONE_DIGIT = 2.4612 - 0.1  # nats: the greatest loss, less 1 for one answer in ten
_NEAR = 0.01
_TWICE, _ONCE = "lenet-rgb-two-softmaxes", "lenet-rgb-one-softmax"
_RATES = {"": "learning rate 0.05, the document's", "-slower": "learning rate 0.005"}
_WORDS = {_TWICE: "softmax twice, as documented", _ONCE: "softmax once"}


def _show(evidence: Evidence) -> list[str]:
    runs = {(n, s): evidence.trial(f"{n}{s}") for n in (_TWICE, _ONCE) for s in _RATES}
    labelled = [(f"{_WORDS[n]}, {_RATES[s]}", found) for (n, s), found in runs.items()]
    pairs = [
        (f"once - twice, {words}", runs[_ONCE, suffix], runs[_TWICE, suffix])
        for suffix, words in _RATES.items()
    ]
    return [
        *accuracies_table(labelled, evidence, samples_of=_TWICE),
        "",
        *contrasts_table(pairs),
        "",
        "Trained as the document does, on three pictures of each digit (MNIST's first, since the "
        "document's own are missing), and tested on all 10,000 test pictures.",
        *_stuck(runs[_TWICE, ""]),
    ]


def _stuck(runs: Runs) -> list[str]:
    """Of how many seeds the training loss came to rest where one digit is always answered."""
    last = [cell.training_curve[-1].loss for cell in runs.ran.values()]
    stuck = sum(loss is not None and abs(loss - _ALWAYS_ONE_DIGIT) < _NEAR for loss in last)
    if not stuck:
        return []
    return [
        "",
        f"At the document's rate the double softmax ends, for {stuck} of {len(last)} seeds, at a "
        "training loss of 2.36. That is what a network gets that is always sure of one and the "
        "same digit: 2.4612, less 1 for the one picture in ten that shows it. There both softmaxes "
        "are saturated and no gradient leads away; the loss looks harmless, and nothing is learnt.",
    ]


def _draw(evidence: Evidence) -> Figure:
    figure, axes = panels(list(_RATES.values()))
    for panel, suffix in zip(axes, _RATES, strict=True):
        for name, colour in ((_TWICE, ORANGE), (_ONCE, BLUE)):
            for epochs, accuracies in curves(evidence.trial(f"{name}{suffix}")):
                (line,) = panel.plot(epochs, accuracies, color=colour, alpha=0.6, linewidth=1)
            line.set_label(_WORDS[name])
    axes[-1].legend(frameon=False, loc="lower right")
    return figure


ENTRY = Entry(
    name="double-softmax",
    title="A softmax before a loss that takes its own",
    claims=("bp-cnn/softmax", "bp-cnn/cross-entropy"),
    explanation=(
        "`bp-cnn` ends its network in a softmax and gives the probabilities to a cross-entropy "
        "that applies log-softmax to whatever it is given. Of ten numbers between 0 and 1 that "
        "sum to 1, log-softmax makes at best -1.4612 (the right one is 1) and at worst -2.4612 (a "
        "wrong one is 1): the loss can neither reach 0 nor punish a sure mistake, and every "
        "gradient passes through a softmax that flattens it.",
        "*Instead:* leave the softmax out of the network and give logits to the loss; take the "
        "softmax where a reader wants probabilities.",
    ),
    trials=tuple(f"{name}{suffix}" for name in (_TWICE, _ONCE) for suffix in _RATES),
    probes=("baselines",),
    show=_show,
    draw=_draw,
    caption="Test accuracy over epochs with the softmax taken twice and once, one line a seed.",
)
