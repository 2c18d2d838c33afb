"""Checks of MNIST itself."""

from __future__ import annotations

from bench.claims.checks.registry import Found, check
from bench.claims.evidence import Evidence
from bench.claims.ledger import Claim

_PIXELS = ("mnist-pixels",)


@check("mnist-sizes", probes=_PIXELS)
def mnist_sizes(_claim: Claim, evidence: Evidence) -> Found:
    """Training and test pictures, and their height and width."""
    (pixels,) = evidence.probe("mnist-pixels")
    return Found(
        value=[pixels[name] for name in ("training", "test", "height", "width")],
        words="read from the files",
    )


@check("mnist-statistics", probes=_PIXELS)
def mnist_statistics(_claim: Claim, evidence: Evidence) -> Found:
    """Mean and standard deviation of all training pixels in 0..1, to 4 decimals."""
    (pixels,) = evidence.probe("mnist-pixels")
    return Found(
        value=[round(pixels["mean"], 4), round(pixels["deviation"], 4)],
        words=f"of all {pixels['training'] * pixels['height'] * pixels['width']:,} training pixels",
    )


@check("standard-normal", probes=_PIXELS)
def standard_normal(_claim: Claim, evidence: Evidence) -> Found:
    """Mean and deviation of the normalised pixels, the share of the commonest value, that value.

    Holds if mean and deviation are 0 and 1 and no single value has more than 1% of the pixels: of
    a continuous distribution none has any.
    """
    (pixels,) = evidence.probe("mnist-pixels")
    mean, deviation = pixels["normalised_mean"], pixels["normalised_deviation"]
    share, value = pixels["commonest_share"], pixels["commonest_normalised"]
    return Found(
        value=[abs(round(mean, 2)), round(deviation, 2), round(share, 2), round(value, 4)],
        holds=round(mean, 2) == 0 and round(deviation, 2) == 1 and share <= 0.01,
        words=f"mean {mean:.4f} and deviation {deviation:.4f}, as said; but {100 * share:.1f}% of "
        f"all pixels are background and have the one value {value:.4f}",
    )
