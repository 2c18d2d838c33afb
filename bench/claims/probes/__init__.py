"""Probes: what claims need to know beside the accuracy of trained networks."""

from __future__ import annotations

from bench.claims.evidence import Probe
from bench.claims.probes.pixels import mnist_pixels
from bench.claims.probes.reference import baselines
from bench.claims.probes.resume import resume
from bench.claims.probes.timing import activation_time, no_grad, one_at_a_time
from bench.claims.probes.trained import generalisation_gap, linear_head, zero_share
from bench.claims.trials import FEW_SEEDS, SEEDS


def probes() -> tuple[Probe, ...]:
    """All probes that the project's own claims may ask for, those that time last."""
    of_trained = [
        *((generalisation_gap, name) for name in ("net", "net-without-dropout")),
        (linear_head, "lenet-sigmoid"),
        *((zero_share, name) for name in ("lenet", "cnn", "lenet-sigmoid-all-avg")),
    ]
    references = [
        *(("dnn", 0), ("lenet-rgb-two-softmaxes", 0)),
        *(("dnn-sums", seed) for seed in SEEDS),
    ]
    return (
        Probe(run=mnist_pixels),
        *(Probe(run=baselines, subject={"of": of, "drawn": drawn}) for of, drawn in references),
        *(
            Probe(run=resume, builds=("net",), subject={"trial": "net", "seed": seed})
            for seed in FEW_SEEDS
        ),
        *(
            Probe(run=run, subject={"trial": trial, "seed": seed})
            for run, trial in of_trained
            for seed in FEW_SEEDS
        ),
        Probe(run=no_grad, builds=("net",), timing=True),
        Probe(run=activation_time, timing=True),
        Probe(run=one_at_a_time, builds=("lenet",), timing=True),
    )
