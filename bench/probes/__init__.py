"""Probes: what claims need to know beside the accuracy of trained networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.evidence import Probe
from bench.probes import pixels, reference, resume, timing, trained
from bench.trials import FEW_SEEDS, SEEDS


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a probe works with.

    Attributes:
        data_root: The folder above `MNIST/raw`.
        weights: Where the trials' trained weights lie.
    """

    data_root: Path
    weights: Path


Outcome = Mapping[str, Any]

_RUN: dict[str, Callable[..., Outcome]] = {
    "mnist-pixels": pixels.mnist_pixels,
    "baselines": reference.baselines,
    "resume": resume.resume,
    "generalisation-gap": trained.generalisation_gap,
    "linear-head": trained.linear_head,
    "zero-share": trained.zero_share,
    "no-grad": timing.no_grad,
    "activation-time": timing.activation_time,
    "one-at-a-time": timing.one_at_a_time,
}


def probes() -> tuple[Probe, ...]:
    """All probes that the project's own claims may ask for, those that time last."""
    of_trained = [
        *(("generalisation-gap", name, FEW_SEEDS) for name in ("net", "net-without-dropout")),
        ("linear-head", "lenet-sigmoid", FEW_SEEDS),
        *(("zero-share", name, FEW_SEEDS) for name in ("lenet", "cnn", "lenet-sigmoid-all-avg")),
    ]
    return (
        Probe(name="mnist-pixels", code=("bench/probes/pixels.py",)),
        *(
            Probe(
                name="baselines",
                subject={"of": of, "drawn": drawn},
                code=("bench/baselines.py", "bench/probes/reference.py"),
            )
            for of, drawn in (
                *(("dnn", 0), ("lenet-rgb-two-softmaxes", 0)),
                *(("dnn-sums", seed) for seed in SEEDS),
            )
        ),
        *(
            Probe(
                name="resume",
                subject={"trial": "net", "seed": seed},
                code=("bench/probes/resume.py",),
            )
            for seed in FEW_SEEDS
        ),
        *(
            Probe(
                name=name,
                subject={"trial": trial, "seed": seed},
                code=("bench/probes/trained.py",),
            )
            for name, trial, seeds in of_trained
            for seed in seeds
        ),
        *(
            Probe(name=name, code=("bench/probes/timing.py", "bench/steps.py"), timing=True)
            for name in ("no-grad", "activation-time", "one-at-a-time")
        ),
    )


def run(probe: Probe, bench: Bench) -> Outcome:
    """What a probe finds out.

    Raises:
        RequestError: MNIST cannot be read.
    """
    return _RUN[probe.name](bench.data_root, bench.weights, **probe.subject)
