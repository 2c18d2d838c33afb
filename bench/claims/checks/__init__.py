"""The checks that decide claims; the import of a module registers its checks."""

from __future__ import annotations

from bench.claims.checks import counts as counts
from bench.claims.checks import experiments as experiments
from bench.claims.checks import layers as layers
from bench.claims.checks import losses as losses
from bench.claims.checks import pixels as pixels
from bench.claims.checks import programs as programs
from bench.claims.checks import speeds as speeds
from bench.claims.checks.registry import (
    CHECKS,
    Check,
    Estimate,
    Found,
    Measured,
    Sample,
    check,
    kinds,
)

__all__ = ["CHECKS", "Check", "Estimate", "Found", "Measured", "Sample", "check", "kinds"]
