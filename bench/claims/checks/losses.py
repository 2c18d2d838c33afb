"""Checks of what loss functions compute."""

from __future__ import annotations

import zoo
from bench.claims.checks.registry import Found, check
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim


@check("outputs-sum")
def outputs_sum(_claim: Claim, _evidence: Evidence) -> Found:
    """What the ten outputs of `lenet-rgb` sum to, on random pictures."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        sums = zoo.get("lenet-rgb").build().double()(torch.randn(16, 3, 32, 32).double()).sum(1)
    return Found(
        value=round(float(sums.mean()), 6),
        holds=bool((sums - 1).abs().max() < 1e-12),
        words="for each of 16 random pictures, in float64",
    )


@check("cross-entropy-of-softmax")
def cross_entropy_of_softmax(_claim: Claim, _evidence: Evidence) -> Found:
    """Least and greatest cross-entropy, as torch computes it, of ten probabilities.

    The least belongs to a network that is sure and right, the greatest to one sure and wrong;
    -sum y log p would be 0 and infinite.
    """
    import torch
    from torch.nn import functional

    sure = torch.eye(10, dtype=torch.float64)
    right = functional.cross_entropy(sure[:1], torch.tensor([0])).item()
    wrong = functional.cross_entropy(sure[1:2], torch.tensor([0])).item()
    torch.manual_seed(0)
    any_probabilities = torch.rand(4096, 10, dtype=torch.float64).softmax(dim=1)
    losses = functional.cross_entropy(
        any_probabilities, torch.randint(10, (4096,)), reduction="none"
    )
    within = bool(((right < losses) & (losses < wrong)).all())
    assert within  # the two ends are the ends
    return Found(
        value=[round(right, 4), round(wrong, 4)],
        holds=right == 0.0,
        words=f"a network that is sure and right still has a loss of {right:.4f}, because "
        "log-softmax is taken of the softmax",
    )


@check("cross-entropy-forms")
def cross_entropy_forms(_claim: Claim, _evidence: Evidence) -> Found:
    """Mean cross-entropy of random logits minus that of two other forms, to 12 decimals.

    The forms: negative log-likelihood of log-softmax; minus the sum of one-hot times log-softmax.
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    logits = torch.randn(512, 10, dtype=torch.float64) * 3
    labels = torch.randint(10, (512,))
    entropy = functional.cross_entropy(logits, labels)
    log_softmax = logits.log_softmax(dim=1)
    one_hot = functional.one_hot(labels, 10).double()
    others = (
        functional.nll_loss(log_softmax, labels),
        -(one_hot * log_softmax).sum(dim=1).mean(),
    )
    return Found(
        value=[abs(round(float(entropy - other), 12)) for other in others],
        words="three forms, one number",
    )
