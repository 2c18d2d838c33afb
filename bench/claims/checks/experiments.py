"""Checks of what training gives, and of what documents say about effects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from bench.cells.data import load
from bench.claims.checks.registry import (
    Found,
    Measured,
    Sample,
    accuracy_estimate,
    check,
    paired_estimate,
    spec_of,
    within_estimate,
)
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.results.runs import Runs
from bench.statistics.accuracy import Contrast, compare_paired, correctness, pair

_NO_DROPOUT = "net-without-dropout"


@check("accuracy", "stochastic", model="trained")
def accuracy(claim: Claim, evidence: Evidence) -> Sample:
    """Test accuracy of the claim's model after its document's last epoch, a fraction in 0..1."""
    runs = evidence.trial(spec_of(claim).name)
    return Sample(
        values=tuple(runs.accuracy.values()),
        samples=runs.test_samples,
        words=f"of {runs.test_samples:,} test samples, {len(runs.accuracy)} seeds",
    )


@check("answers-one-class", model="trained", dataset="sums")
def answers_one_class(claim: Claim, evidence: Evidence) -> Found:
    """Whether every trained network answers one class, so that its accuracy is that class's share.

    The value lists how many classes each network answers.
    """
    runs = evidence.trial(spec_of(claim).name)
    used, shares = [], []
    for seed in runs.accuracy:
        labels = sums_labels(seed)
        answers = predictions(runs.misclassified[seed], labels)
        used.append(len(np.unique(answers)))
        shares.append(majority_share(labels))
    equal = list(runs.accuracy.values()) == shares
    return Found(
        value=used,
        holds=equal and set(used) == {1},
        words=f"all {len(used)} networks answer one class for every row, and their accuracies are "
        "that class's share, to the last digit"
        if equal
        else "their accuracies are not the share of the majority class",
    )


@check(
    "convolutions-beat-layers",
    "measured",
    trials=("cnn", "dnn", "cnn-permuted", "dnn-permuted", "cnn-slower", "cnn-slower-permuted"),
)
def convolutions_beat_layers(_claim: Claim, evidence: Evidence) -> Measured:
    """`cnn` minus `dnn`; and how much of that is lost when all pixels are permuted, at two rates.

    At two, because 0.9 might be too high a rate for permuted pictures alone.
    """
    cnn, dnn = (correct(evidence.trial(name)) for name in ("cnn", "dnn"))
    permuted = (
        correct(evidence.trial("cnn-permuted")).mean()
        - correct(evidence.trial("dnn-permuted")).mean()
    )
    # All have to hold, each at its own level (as for the sources of doubt): families of one.
    compared = [
        *compare_paired([pair("cnn - dnn", cnn, dnn)]),
        *compare_paired([_lost_by_permuting(evidence, "cnn", "0.9")]),
        *compare_paired([_lost_by_permuting(evidence, "cnn-slower", "0.1")]),
    ]
    return Measured(
        estimates=tuple(map(accuracy_estimate, compared)),
        words="the control gives all pictures the same permuted pixels, which hides the shape from "
        f"both: cnn - dnn is {100 * permuted:+.2f} pp there",
    )


def _lost_by_permuting(evidence: Evidence, cnn: str, rate: str) -> Contrast:
    """What a CNN has beyond `dnn`, minus the same on permuted pixels."""
    networks = [
        correct(evidence.trial(name)) for name in (cnn, "dnn", f"{cnn}-permuted", "dnn-permuted")
    ]
    signs = (1.0, -1.0, -1.0, 1.0)
    return Contrast(
        name=f"(cnn - dnn), minus the same on permuted pixels, cnn at rate {rate}",
        values=np.tensordot(np.array(signs), np.stack(networks).astype(np.float64), axes=1),
        networks=np.stack([right.mean(axis=1) for right in networks]),
        weights=signs,
    )


@check("loss-falls", "measured", trials=("net",))
def loss_falls(_claim: Claim, evidence: Evidence) -> Measured:
    """Test loss untrained minus after 3 epochs, and after 3 minus after 8."""
    runs = evidence.trial("net")
    untrained, third, last = (losses_after(runs, epoch) for epoch in (0, 3, 8))
    return Measured(
        estimates=(
            paired_estimate("loss untrained - after 3 epochs", _minus(untrained, third), "loss"),
            paired_estimate("loss after 3 - after 8 epochs", _minus(third, last), "loss"),
        ),
        words=f"mean test loss {fmean(untrained):.4f}, {fmean(third):.4f}, {fmean(last):.4f}",
    )


@check(
    "dropout-narrows-gap",
    "measured",
    trials=("net", "net-without-dropout"),
    probes=("generalisation-gap",),
)
def dropout_narrows_gap(_claim: Claim, evidence: Evidence) -> Measured:
    """The gap between test and training loss without dropout, minus that with it."""
    found = {
        name: _minus(
            losses_of(evidence, name, "test_loss"), losses_of(evidence, name, "train_loss")
        )
        for name in ("net", _NO_DROPOUT)
    }
    return Measured(
        estimates=(
            paired_estimate(
                "test loss - training loss: without dropout - with",
                _minus(found[_NO_DROPOUT], found["net"]),
                "loss",
            ),
        ),
        words=f"gap {fmean(found['net']):+.4f} with and {fmean(found[_NO_DROPOUT]):+.4f} "
        "without, all losses in evaluation mode",
    )


@check(
    "dropout-hurts-both",
    "measured",
    trials=("net", "net-without-dropout"),
    probes=("generalisation-gap",),
)
def dropout_hurts_both(_claim: Claim, evidence: Evidence) -> Measured:
    """Training loss and test loss with dropout minus without, and accuracy without minus with.

    The gap says nothing for dropout where both losses are higher, and accuracy is not better.
    """
    (accuracy_change,) = compare_paired(
        [
            pair(
                "accuracy: without dropout - with",
                correct(evidence.trial(_NO_DROPOUT)),
                correct(evidence.trial("net")),
            )
        ]
    )
    of_accuracy = accuracy_estimate(accuracy_change)
    losses = {
        part: [losses_of(evidence, name, f"{part}_loss") for name in ("net", _NO_DROPOUT)]
        for part in ("train", "test")
    }
    return Measured(
        estimates=(
            *(
                paired_estimate(
                    f"{name} loss: with dropout - without", _minus(*losses[part]), "loss"
                )
                for part, name in (("train", "training"), ("test", "test"))
            ),
            replace(of_accuracy, side=-1 if of_accuracy.side < 0 else 1),
        ),
        words=", ".join(
            f"mean {part} loss {fmean(ours):.4f} with and {fmean(theirs):.4f} without"
            for part, (ours, theirs) in losses.items()
        ),
    )


@check("momentum-speeds", "measured", trials=("net", "net-without-momentum"))
def momentum_speeds(_claim: Claim, evidence: Evidence) -> Measured:
    """Test loss after one epoch with momentum 0, minus that with 0.9, at the same learning rate."""
    slow, fast = _after_an_epoch(evidence, "net-without-momentum", "net")
    return Measured(
        estimates=(
            paired_estimate("loss after 1 epoch: momentum 0 - 0.9", _minus(slow, fast), "loss"),
        ),
        words=f"mean test loss {fmean(fast):.4f} with and {fmean(slow):.4f} without, at one and "
        "the same learning rate of 0.01",
    )


@check(
    "momentum-is-step-length",
    "measured",
    trials=("net", "net-without-momentum", "net-long-steps", "net-short-steps"),
)
def momentum_is_step_length(_claim: Claim, evidence: Evidence) -> Measured:
    """Whether momentum makes no difference that matters where the steps are equally long.

    Its steps are 1/(1 - momentum) times as long. What matters is a tenth of the difference at
    equal learning rates.
    """
    slow, fast = _after_an_epoch(evidence, "net-without-momentum", "net")
    long, short = _after_an_epoch(evidence, "net-long-steps", "net-short-steps")
    margin = fmean(_minus(slow, fast)) / 10
    return Measured(
        estimates=(
            within_estimate(
                "long steps: momentum 0 at 0.1 - 0.9 at 0.01", _minus(long, fast), margin, "loss"
            ),
            within_estimate(
                "short steps: momentum 0 at 0.01 - 0.9 at 0.001",
                _minus(slow, short),
                margin,
                "loss",
            ),
        ),
        words=f"with steps of equal length the mean test losses are {fmean(fast):.4f} with and "
        f"{fmean(long):.4f} without, and with steps a tenth as long {fmean(short):.4f} with and "
        f"{fmean(slow):.4f} without",
    )


@check("activations-help", "measured", trials=("lenet", "lenet-without-activations"))
def activations_help(_claim: Claim, evidence: Evidence) -> Measured:
    """`lenet` minus the same without the ReLU after each convolution."""
    lenet, linear = (
        correct(evidence.trial(name)) for name in ("lenet", "lenet-without-activations")
    )
    compared = compare_paired([pair("with - without activations", lenet, linear)])
    return Measured(
        estimates=tuple(map(accuracy_estimate, compared)),
        words=f"{100 * lenet.mean():.2f}% with and {100 * linear.mean():.2f}% without; max pooling "
        "and one ReLU are left, so that the network without is not a linear one",
    )


@check("resume-equals-one-run", trials=("net",), probes=("resume",))
def resume_equals_one_run(_claim: Claim, evidence: Evidence) -> Found:
    """Whether 3 epochs, a new process and 5 more end in the weights of 8 epochs, for every seed."""
    digests = evidence.trial("net").digests
    equal = [o["resumed_sha256"] == digests[o["seed"]] for o in evidence.probe("resume")]
    return Found(
        value=all(equal),
        words=f"weights of {sum(equal)} of {len(equal)} seeds equal bit for bit; network, "
        "optimiser, batch order and random state are saved",
    )


def predictions(wrong: Mapping[int, int], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class answered for every test sample.

    Args:
        wrong: The samples answered wrongly: index to class answered.
        labels: Class of each sample, (n,).
    """
    answers = labels.copy()
    answers[list(wrong)] = list(wrong.values())
    return answers


def sums_labels(seed: int) -> NDArray[np.int64]:
    """The classes of the test rows that `sums` draws for a seed."""
    rows = load("sums", data_root=Path(), seed=seed)
    return rows.labels[rows.test]


def majority_share(labels: NDArray[np.int64]) -> float:
    """The share of the most frequent class."""
    return float(np.bincount(labels).max() / len(labels))


def correct(runs: Runs) -> NDArray[np.bool_]:
    """Whether each test sample was answered rightly: (seeds, samples), seeds ascending."""
    return correctness(runs.misclassified, sorted(runs.accuracy), runs.test_samples)


def losses_after(runs: Runs, epoch: int) -> list[float]:
    """The test loss of each seed after an epoch, seeds ascending; nan where it is no number."""
    losses = [
        next(point.loss for point in runs.ran[seed].test_curve if point.epoch == epoch)
        for seed in sorted(runs.accuracy)
    ]
    return [math.nan if loss is None else loss for loss in losses]


def _after_an_epoch(evidence: Evidence, *names: str) -> list[list[float]]:
    """The test losses of each trial after its first epoch, seeds ascending."""
    return [losses_after(evidence.trial(name), 1) for name in names]


def losses_of(evidence: Evidence, trial: str, field: str) -> list[float]:
    """A field of the generalisation gap of each of a trial's seeds."""
    outcomes = evidence.probe("generalisation-gap")
    return [outcome[field] for outcome in outcomes if outcome["trial"] == trial]


def _minus(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(ours, theirs, strict=True)]
