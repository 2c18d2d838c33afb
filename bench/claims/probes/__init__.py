"""Probes: what claims need to know beside the accuracy of trained networks."""

from __future__ import annotations

from bench.claims.evidence import Probe
from bench.claims.probes.pixels import mnist_pixels
from bench.claims.probes.reference import baselines
from bench.claims.probes.resume import resume
from bench.claims.probes.timing import activation_time, no_grad, one_at_a_time
from bench.claims.probes.trained import generalisation_gap, linear_head, zero_share
from bench.claims.trials import FEW_SEEDS, SEEDS, trials


def probes() -> tuple[Probe, ...]:
    """All probes that the project's own claims may ask for, those that time last."""
    known = trials()
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
        Probe(run=mnist_pixels, dataset="mnist"),
        *(
            Probe(run=baselines, dataset=known[of].dataset, subject={"of": of, "drawn": drawn})
            for of, drawn in references
        ),
        *(
            Probe(
                run=run,
                dataset=known[trial].dataset,
                builds=("net",) if run is resume else (),
                subject={"trial": trial, "seed": seed},
            )
            for run, trial in ((resume, "net"), *of_trained)
            for seed in (SEEDS if run is generalisation_gap else FEW_SEEDS)
        ),
        Probe(run=no_grad, builds=("net",), timing=True),
        Probe(run=activation_time, timing=True),
        Probe(run=one_at_a_time, builds=("lenet",), timing=True),
    )
