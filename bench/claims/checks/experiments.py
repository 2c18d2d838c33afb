"""Checks of what training gives, and of what documents say about effects, speed and memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cells.data import load
from bench.claims.checks.registry import (
    SIDES,
    Estimate,
    Found,
    Measured,
    Sample,
    accuracy_estimate,
    check,
    paired_estimate,
    spec_of,
)
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.results.runs import Runs
from bench.statistics import speed as ratios
from bench.statistics.accuracy import Contrast, compare_paired, correctness, pair

_ALL_SIGMOID = "lenet-sigmoid-all-avg"


@check("accuracy", "stochastic", model="trained")
def accuracy(claim: Claim, evidence: Evidence) -> Sample:
    """Test accuracy of the claim's model after its document's last epoch, a fraction in 0..1."""
    runs = evidence.trial(spec_of(claim).name)
    return Sample(
        values=tuple(runs.accuracy.values()),
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
    "convolutions-beat-layers", "measured", trials=("cnn", "dnn", "cnn-permuted", "dnn-permuted")
)
def convolutions_beat_layers(_claim: Claim, evidence: Evidence) -> Measured:
    """`cnn` minus `dnn`; and how much of that is lost when all pixels are permuted."""
    cnn, dnn, cnn_permuted, dnn_permuted = (
        correct(evidence.trial(name)) for name in ("cnn", "dnn", "cnn-permuted", "dnn-permuted")
    )
    contrast = Contrast(
        name="(cnn - dnn), minus the same on permuted pixels",
        values=(cnn.astype(float) - dnn) - (cnn_permuted.astype(float) - dnn_permuted),
    )
    # Both have to hold, each at its own level (as in `stats.Doubts.p`): two families of one.
    compared = [*compare_paired([pair("cnn - dnn", cnn, dnn)]), *compare_paired([contrast])]
    permuted = cnn_permuted.mean() - dnn_permuted.mean()
    return Measured(
        estimates=tuple(map(accuracy_estimate, compared)),
        words="the control gives all pictures the same permuted pixels, which hides the shape from "
        f"both: cnn - dnn is {100 * permuted:+.2f} pp there",
    )


@check("loss-falls", "measured", trials=("net",))
def loss_falls(_claim: Claim, evidence: Evidence) -> Measured:
    """Test loss untrained minus after 3 epochs, and after 3 minus after 8."""
    runs = evidence.trial("net")
    untrained, third, last = (_test_losses(runs, epoch) for epoch in (0, 3, 8))
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
    gaps = {
        name: [
            outcome["test_loss"] - outcome["train_loss"]
            for outcome in evidence.probe("generalisation-gap")
            if outcome["trial"] == name
        ]
        for name in ("net", "net-without-dropout")
    }
    with_dropout, without = evidence.trial("net"), evidence.trial("net-without-dropout")
    (accuracy_change,) = compare_paired(
        [pair("with - without", correct(with_dropout), correct(without))]
    )
    return Measured(
        estimates=(
            paired_estimate(
                "test loss - training loss: without dropout - with",
                _minus(gaps["net-without-dropout"], gaps["net"]),
                "loss",
            ),
        ),
        words=f"gap {fmean(gaps['net']):+.4f} with and {fmean(gaps['net-without-dropout']):+.4f} "
        "without, all losses in evaluation mode; the narrower gap is not a better network: test "
        f"accuracy with minus without is {100 * accuracy_change.difference:+.2f} pp "
        f"({accuracy_change.verdict})",
    )


@check("momentum-speeds", "measured", trials=("net", "net-without-momentum"))
def momentum_speeds(_claim: Claim, evidence: Evidence) -> Measured:
    """Test loss after one epoch with momentum 0, minus that with 0.9."""
    slow = _test_losses(evidence.trial("net-without-momentum"), 1)
    fast = _test_losses(evidence.trial("net"), 1)
    return Measured(
        estimates=(
            paired_estimate("loss after 1 epoch: momentum 0 - 0.9", _minus(slow, fast), "loss"),
        ),
        words=f"mean test loss {fmean(fast):.4f} with and {fmean(slow):.4f} without; at one and "
        "the same learning rate, where momentum 0.9 also makes steps up to ten times as long",
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


@check("no-grad-saves", "measured", probes=("no-grad",))
def no_grad_saves(_claim: Claim, evidence: Evidence) -> Measured:
    """How many times as fast and as small testing without gradients is."""
    (outcome,) = evidence.probe("no-grad")
    held = outcome["bytes"]
    ratio = held["with"] / held["without"]
    return Measured(
        estimates=(
            _speed("speed without gradients / with", outcome["seconds"], "without", "with"),
            Estimate(
                name="peak memory with gradients / without",
                value=ratio,
                low=None,
                high=None,
                n=1,
                unit="times",
                side=1 if ratio > 1 else -1 if ratio < 1 else 0,
            ),
        ),
        words=f"net tests {outcome['batches']} batches of {outcome['batch']:,} pictures in a loop, "
        f"one thread; the peak is {held['with'] / 1e6:.1f} MB with gradients and "
        f"{held['without'] / 1e6:.1f} MB without, by torch's allocator",
    )


@check(
    "relu-fast-sparse",
    "measured",
    trials=("lenet", "cnn", _ALL_SIGMOID),
    probes=("activation-time", "zero-share"),
)
def relu_fast_sparse(_claim: Claim, evidence: Evidence) -> Measured:
    """How many times as fast ReLU is as sigmoid and tanh, and the share of zeros it leaves."""
    (outcome,) = evidence.probe("activation-time")
    shares = {
        name: [o["zero_share"] for o in evidence.probe("zero-share") if o["trial"] == trial]
        for name, trial in (("relu", "lenet"), ("tanh", "cnn"), ("sigmoid", _ALL_SIGMOID))
    }
    forward, whole = outcome["seconds"]["forward"], outcome["seconds"]["forward and backward"]
    others = ("sigmoid", "tanh")
    return Measured(
        estimates=(
            *(_speed(f"forward: ReLU / {name}", forward, "relu", name) for name in others),
            *(_speed(f"with backward: ReLU / {name}", whole, "relu", name) for name in others),
            *(
                paired_estimate(
                    f"share of zeros: ReLU - {name}", _minus(shares["relu"], shares[name]), "pp"
                )
                for name in others
            ),
        ),
        words=f"{outcome['elements']:,} elements, one thread; zeros of all activations of trained "
        "networks over the test pictures",
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


def _test_losses(runs: Runs, epoch: int) -> list[float]:
    losses = [
        next(point.loss for point in runs.ran[seed].test_curve if point.epoch == epoch)
        for seed in sorted(runs.accuracy)
    ]
    return [math.nan if loss is None else loss for loss in losses]


def _minus(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(ours, theirs, strict=True)]


def _speed(name: str, seconds: Mapping[str, Any], ours: str, theirs: str) -> Estimate:
    """How many times as fast one of two measured steps is, in the one process that ran both."""
    times = {key: ratios.one_process(np.array(seconds[key])) for key in (ours, theirs)}
    ratio = ratios.speed_ratios(times, theirs)[ours]
    return Estimate(
        name=name,
        value=ratio.ratio,
        low=ratio.low,
        high=ratio.high,
        n=times[ours].shape[1],
        unit="times",
        side=SIDES.get(ratio.verdict, 0),
    )
