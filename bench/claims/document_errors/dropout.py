"""`net-mnist` says that dropout works against overfitting; here it raises both losses."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.claims.checks.experiments import correct, losses_of
from bench.claims.document_errors.error import DocumentError
from bench.claims.evidence import Evidence
from bench.claims.figures import draw_by_seed
from bench.statistics.accuracy import Comparison, compare_paired, pair
from bench.statistics.basics import Summary, paired_difference, summarise

_LABELS = {"net": "with dropout", "net-without-dropout": "without"}
_PARTS = {"train_loss": "training", "test_loss": "test"}


@dataclass(frozen=True, kw_only=True)
class DropoutRow:
    """The network with or without dropout, after 8 epochs, dropout off.

    Attributes:
        label: Which.
        train: Loss on the training pictures, over seeds.
        test: Loss on the test pictures.
        gap: Test minus training loss.
        accuracy: Mean test accuracy.
    """

    label: str
    train: Summary
    test: Summary
    gap: Summary
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class DropoutView:
    """Both networks, and what dropout changes.

    Attributes:
        rows: With, then without.
        change: Test loss with dropout minus without.
        accuracy: Accuracy with dropout compared with that without.
    """

    rows: tuple[DropoutRow, ...]
    change: Summary
    accuracy: Comparison


def dropout_view(evidence: Evidence) -> DropoutView:
    """Both losses of both networks."""
    (compared,) = compare_paired(
        [pair("with - without", *(correct(evidence.trial(name)) for name in _LABELS))]
    )
    found = {name: [losses_of(evidence, name, part) for part in _PARTS] for name in _LABELS}
    return DropoutView(
        rows=tuple(
            DropoutRow(
                label=label,
                train=summarise(found[name][0]),
                test=summarise(found[name][1]),
                gap=paired_difference(found[name][1], found[name][0]),
                accuracy=correct(evidence.trial(name)).mean(),
            )
            for name, label in _LABELS.items()
        ),
        change=paired_difference(*(tests for _, tests in found.values())),
        accuracy=compared,
    )


def _draw(evidence: Evidence) -> Figure:
    return draw_by_seed(
        "Dropout closes the gap by raising the training loss, and the test loss too",
        [
            (f"{where} loss, {label}", losses_of(evidence, name, part))
            for part, where in _PARTS.items()
            for name, label in _LABELS.items()
        ],
        "loss after 8 epochs (dots: runs, bars: means)",
    )


ERROR = DocumentError(
    name="dropout",
    claims=("net-mnist/dropout",),
    trials=tuple(_LABELS),
    probes=("generalisation-gap",),
    view=dropout_view,
    draw=_draw,
    caption="Training and test loss of net with and without dropout, a dot a run.",
)
