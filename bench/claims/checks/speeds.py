"""Checks of what documents say about speed, memory and zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.claims.checks.registry import SIDES, Estimate, Measured, check, paired_estimate
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim
from bench.statistics.regimes import unstable
from bench.statistics.speed import SpeedRatio, speed_ratios

_ALL_SIGMOID = "lenet-sigmoid-all-avg"
Race = Mapping[str, Sequence[Sequence[float]]]  # by step, seconds by process and round


@check("no-grad-speeds", "measured", probes=("no-grad",))
def no_grad_speeds(_claim: Claim, evidence: Evidence) -> Measured:
    """How many times as fast testing without gradients is."""
    (outcome,) = evidence.probe("no-grad")
    return Measured(
        estimates=(
            speed_estimate("speed without gradients / with", outcome["seconds"], "without", "with"),
        ),
        words=f"net tests {outcome['batches']} batches of {outcome['batch']:,} pictures in a loop, "
        "one thread, in processes that keep the memory that they free",
    )


@check("no-grad-saves-memory", "measured", probes=("no-grad",))
def no_grad_saves_memory(_claim: Claim, evidence: Evidence) -> Measured:
    """How many times the memory testing with gradients needs."""
    (outcome,) = evidence.probe("no-grad")
    held = outcome["bytes"]
    ratio = held["with"] / held["without"]
    return Measured(
        estimates=(
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
        words=f"the peak is {held['with'] / 1e6:.1f} MB with gradients and "
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
            *(speed_estimate(f"forward: ReLU / {name}", forward, "relu", name) for name in others),
            *(
                speed_estimate(f"with backward: ReLU / {name}", whole, "relu", name)
                for name in others
            ),
            *(
                paired_estimate(
                    f"share of zeros: ReLU - {name}",
                    [a - b for a, b in zip(shares["relu"], shares[name], strict=True)],
                    "pp",
                )
                for name in others
            ),
        ),
        words=f"{outcome['elements']:,} elements, one thread; zeros of all activations of trained "
        "networks over the test pictures",
    )


def race_ratio(seconds: Race, ours: str, theirs: str) -> SpeedRatio:
    """How many times as fast one of the steps is that were measured in the same rounds."""
    times = {name: np.array(of_step) for name, of_step in seconds.items()}
    changed = unstable(np.log(np.stack([*times.values()])))
    return speed_ratios(
        {name: times[name] for name in (ours, theirs)},
        theirs,
        unstable=[name for name, flag in zip(times, changed, strict=True) if flag],
    )[ours]


def speed_estimate(name: str, seconds: Race, ours: str, theirs: str) -> Estimate:
    """How many times as fast one of two steps is; claimed to be faster."""
    ratio = race_ratio(seconds, ours, theirs)
    return Estimate(
        name=name,
        value=ratio.ratio,
        low=ratio.low,
        high=ratio.high,
        n=len(seconds[ours]),
        unit="times",
        side=SIDES.get(ratio.verdict, 0),
        equivalent=ratio.verdict == "as fast",
    )
